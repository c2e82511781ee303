"""Expected sticker, files and containers against an observation: what differs, and where. Pure.

``missing``: it is not there. ``corrupted``: the file is ours, but its bytes were changed. ``mismatch``: something else
stands in its place. A container is held against how it was observed when the deployment ended, so a replacement is
named even when it looks alike.
"""

from collections.abc import Iterator, Mapping

import msgspec

from cas.digest import Digest
from cas.records.deploy import Drift, LockService, Observation, ObservedContainer

STICKER = "stella.version.json"
VOLATILE_HEALTH = ("none", "starting", "healthy")


def _drift(type_: str, component: str, field: str, expected: str, actual: str) -> Drift:
    return Drift(type=type_, component=component, field=field, expected=expected[:500], actual=actual[:500])  # type: ignore[arg-type]


def of_sticker(expected: bytes, actual: bytes | None) -> Iterator[Drift]:
    """Compare the sticker found with the one that was written, member by member."""
    if actual == expected:
        return
    if actual is None:
        yield _drift("missing", "", STICKER, "present", "absent")
        return
    wanted = msgspec.json.decode(expected)
    try:
        found = msgspec.json.decode(actual)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        yield _drift("corrupted", "", STICKER, "a version sticker", "other bytes")
        return
    own = _at(found, "deployment", "id") == _at(wanted, "deployment", "id")
    type_ = "corrupted" if own else "mismatch"
    differences = list(_differences(wanted, found, ""))[:64]
    for pointer, one, other in differences or [("", "as written", "other layout")]:
        yield _drift(type_, "", f"{STICKER}#{pointer}", one, other)


def _at(document: object, *path: str) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def _differences(one: object, other: object, pointer: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys(), key=str):
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            if name not in one or name not in other:
                yield f"{pointer}/{escaped}", _text(one.get(name)), _text(other.get(name))
            else:
                yield from _differences(one[name], other[name], f"{pointer}/{escaped}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for at, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{pointer}/{at}")
    elif one != other:
        yield pointer, _text(one), _text(other)


def of_files(expected: Mapping[str, Digest], observation: Observation) -> Iterator[Drift]:
    """Compare delivered files, the sticker apart, by the digest of their bytes."""
    seen = {file.path: file.digest for file in observation.files}
    for path, wanted in sorted(expected.items()):
        if path == STICKER:
            continue
        found = seen.get(path)
        if found is None:
            yield _drift("missing", "", path, wanted, "")
        elif found != wanted:
            yield _drift("corrupted", "", path, wanted, found)


def of_containers(services: tuple[LockService, ...], before: Observation, now: Observation) -> Iterator[Drift]:
    """Compare containers with how they were left, by name; then name those nobody asked for."""
    found = {container.name: container for container in now.containers}
    pinned = {service.component: service.digest for service in services}
    for was in before.containers:
        actual = found.pop(was.name, None)
        if actual is None:
            yield _drift("missing", was.component, f"container/{was.name}", was.image_digest, "")
        else:
            yield from _container(was, actual, pinned.get(was.component, was.image_digest))
    for name, extra in sorted(found.items()):
        yield _drift("mismatch", extra.component, f"container/{name}/extra", "", extra.image or extra.image_digest)


def _container(was: ObservedContainer, now: ObservedContainer, pinned: str) -> Iterator[Drift]:
    def differs(field: str, expected: str, actual: str) -> Drift:
        return _drift("mismatch", was.component, f"container/{was.name}/{field}", expected, actual)

    if now.image_digest != pinned:
        yield differs("digest", pinned, now.image_digest)
    if now.config_id != was.config_id:
        yield differs("config_id", was.config_id, now.config_id)
    labels, actual = dict(was.labels), dict(now.labels)
    for name in sorted(labels.keys() | actual.keys()):
        if labels.get(name) != actual.get(name):
            yield differs(f"labels/{name}", labels.get(name, ""), actual.get(name, ""))
    if now.config_hash != was.config_hash:
        yield differs("config_hash", was.config_hash, now.config_hash)
    if now.id != was.id:
        yield differs("id", was.id, now.id)
    if now.state != was.state:
        yield differs("state", was.state, now.state)
    if now.health not in VOLATILE_HEALTH and now.health != was.health:
        yield differs("health", was.health, now.health)
