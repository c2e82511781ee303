"""The Compose lock: the author's project with every image pinned. Knows records and the project; reads nothing.

The document is a value (its canonical JSON is the object); the YAML is its one rendering. The checksum stands in the
file itself: SHA-256 over the file's bytes with that one value replaced by 64 zeros.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import Fault
from cas.records.deploy import Deployment, LockService
from cas.records.release import Component, Environment, Release, Resolution, Target
from targets import platforms
from targets.compose import forms
from targets.compose.checks import strings
from targets.compose.interpolate import escape, literal, references
from targets.compose.keys import LEFT_OUT
from targets.render import yaml_text
from targets.render.problems import PlatformUnlisted

LOCK_NAME: Final = "compose.stella.lock.yml"
ZEROS: Final = "0" * 64
_SIMPLE: Final = re.compile(r"\A[a-z0-9][a-z0-9-]*\Z")
_FIRST: Final = ("name", "version", "services")
MAX_REPLICAS: Final = 1000


@dataclass(frozen=True, slots=True)
class LockFacts:
    """All that a lock is made from, by value."""

    deployment: Deployment
    deployment_digest: Digest
    release: Release
    environment: Environment
    targets: tuple[Target, ...]
    resolutions: Mapping[str, Resolution]  # by component
    project: Mapping[str, Any]  # resolved with the environment's variables
    runs: Mapping[str, str]  # service → component


def project_name(line: str, environment: str) -> str:
    """Name the Compose project of a release line in an environment: fixed, and different for every pair.

    ``line_environment`` where both are plain; ``_`` then parts them, since neither holds one. Else a hash is added.
    """
    if _SIMPLE.match(line) and _SIMPLE.match(environment):
        return f"{line}_{environment}"
    mark = digest.of_bytes(f"{line}\0{environment}".encode())[7:15]
    return "_".join(
        [*(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") or "x" for part in (line, environment)), mark]
    )


def platform_of(facts: LockFacts) -> str:
    """Give the platform that all targets share; empty when they differ or do not say.

    Raises: render.platform_unlisted
    """
    found = {target.platform for target in facts.targets}
    for platform in sorted(found - {""}):
        for component in facts.release.components:
            if not any(platforms.fits(one, platform) for one in component.platforms):
                raise PlatformUnlisted(component=component.name, platform=platform, listed=component.platforms)
    return found.pop() if len(found) == 1 else ""


def document(facts: LockFacts, faults: list[Fault]) -> tuple[dict[str, Any], tuple[LockService, ...]]:
    """Build the lock's value, strings as Compose source text, and what it pins; faults are added to the list.

    Raises: render.platform_unlisted
    """
    platform = platform_of(facts)
    components = {one.name: one for one in facts.release.components}
    services: dict[str, Any] = {}
    pinned: list[LockService] = []
    for name, definition in sorted(facts.project.get("services", {}).items()):
        component = components[facts.runs[name]]
        manifest = platforms.platform_manifest(facts.resolutions[component.name], platform) if platform else None
        services[name] = _service(facts, component, definition, manifest or "")
        pinned.append(
            LockService(
                name=name,
                component=component.name,
                image=f"{component.repository}@{component.digest}",
                tag=component.tag,
                digest=component.digest,
                platform_digest=manifest or "",
                replicas=_replicas(definition, f"/services/{name}", faults),
                definition=digest.of_bytes(jcs.of_value(services[name])),
            )
        )
    top = {
        key: value
        for key, value in facts.project.items()
        if key not in {"services", "name", "x-stella", "include"} and value not in ({}, None)
    }
    whole = {
        **top,
        "name": project_name(facts.release.line, facts.environment.name),
        "services": services,
        "x-stella": _stella(facts, platform),
    }
    return whole, tuple(pinned)


def _service(facts: LockFacts, component: Component, definition: Mapping[str, Any], manifest: str) -> dict[str, Any]:
    labels = forms.mapping_of(definition.get("labels")) or {}
    own = {
        "stella.component.id": component.name,
        "stella.release.id": digest.uuid_of(facts.deployment.release),
        "stella.digest": component.digest,
        **({"stella.platform.digest": manifest} if manifest else {}),
    }
    return {
        **{key: value for key, value in definition.items() if key not in LEFT_OUT and value is not None},
        "image": f"{component.repository}@{component.digest}",
        "labels": {**{name: value or "" for name, value in labels.items()}, **own},
    }


def _replicas(definition: Mapping[str, Any], pointer: str, faults: list[Fault]) -> int:
    deploy = definition.get("deploy")
    asked = deploy.get("replicas") if isinstance(deploy, dict) else None
    asked = definition.get("scale", 1) if asked is None else asked
    text = literal(asked) if isinstance(asked, str) else asked
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 6:
        text = int(text)
    if type(text) is int and 0 <= text <= MAX_REPLICAS:
        return text
    faults.append(Fault(pointer, "render.replicas_invalid", f"replicas are a number from 0 to {MAX_REPLICAS}"))
    return 0


def _stella(facts: LockFacts, platform: str) -> dict[str, Any]:
    """The block ``x-stella``: who this lock is of, in Compose source text."""
    release, environment, deployment = facts.release, facts.environment, facts.deployment
    by_component: dict[str, list[str]] = {}
    for service, component in sorted(facts.runs.items()):
        by_component.setdefault(component, []).append(service)
    block = {
        "release": {"id": digest.uuid_of(deployment.release), "name": release.name, "created_at": release.created_at},
        "environment": {"id": digest.uuid_of(deployment.environment), "name": environment.name},
        "deployment": {"id": digest.uuid_of(facts.deployment_digest), "started_at": deployment.started_at},
        "generator": {"name": escape(deployment.generator), "version": escape(deployment.generator_version)},
        "checksums": {"sha256": ZEROS},
        "components": [
            {
                "id": one.name,
                "name": one.name,
                "repository": one.repository,
                "tag": one.tag,
                "digest": one.digest,
                "services": by_component.get(one.name, []),
            }
            for one in release.components
        ],
    }
    return {**block, **({"platform": platform} if platform else {})}


def secrets_of(whole: Mapping[str, Any]) -> tuple[str, ...]:
    """List the names that must be set where the lock is run: every reference left in it, sorted."""
    return tuple(sorted({found.name for _, text in strings(dict(whole)) for found in references(text)}))


def render(whole: Mapping[str, Any]) -> bytes:
    """Render a lock document: header, YAML, and its own checksum put in. Same value, same bytes."""
    stella = whole["x-stella"]
    tags = {service: one["tag"] for one in stella["components"] for service in one["services"]}

    def comment(path: tuple[str, ...]) -> str:
        if len(path) == 3 and path[0] == "services" and path[2] == "image":
            return shown(tags.get(path[1], ""))
        return ""

    text = "\n".join([*_header(whole), *yaml_text.lines(_ordered(whole), comment), ""])
    data = text.encode("ascii")
    return _with_checksum(data, ZEROS, digest.of_bytes(data)[7:])


def _with_checksum(data: bytes, old: str, new: str) -> bytes:
    """Replace the file's own checksum: the last such line, since x-stella stands last and an author may imitate it."""
    before, found, after = data.rpartition(_checksum_line(old))
    assert found
    return before + _checksum_line(new) + after


def _checksum_line(value: str) -> bytes:
    return f'\n  checksums:\n    sha256: "{value}"\n'.encode()


def _header(whole: Mapping[str, Any]) -> list[str]:
    stella = whole["x-stella"]
    secrets = secrets_of(whole)
    generator = f"{literal(stella['generator']['name'])}@{literal(stella['generator']['version'])}"
    return [
        f"# Generated by {shown(generator)}. Do not edit: the checksum below covers every byte.",
        f"# Release: {shown(stella['release']['name'])}",
        f"# Environment: {shown(stella['environment']['name'])}",
        f"# Generated at: {stella['deployment']['started_at']}",
        *(["# Must be set where this file is run:", *(f"#   {name}" for name in secrets)] if secrets else []),
    ]


def shown(text: str | None) -> str:
    """Make foreign text safe in a comment: one line of printable ASCII."""
    plain = "".join(char if 0x20 <= ord(char) < 0x7F else "?" for char in text or "")
    return plain[:200]


def _ordered(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Put keys in the order that people read: name, services (image first), the rest, x-stella last."""
    rest = sorted(key for key in whole if key not in {*_FIRST, "x-stella"})
    ordered: dict[str, Any] = {key: whole[key] for key in _FIRST if key in whole}
    ordered["services"] = {
        name: {"image": service["image"], **{key: _sorted(service[key]) for key in sorted(service) if key != "image"}}
        for name, service in sorted(whole["services"].items())
    }
    stella = whole["x-stella"]
    return {
        **ordered,
        **{key: _sorted(whole[key]) for key in rest},
        "x-stella": {k: stella[k] for k in _stella_order(stella)},
    }


def _stella_order(stella: Mapping[str, Any]) -> list[str]:
    first = ["release", "environment", "deployment", "generator", "checksums"]
    return first + sorted(key for key in stella if key not in first)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def checksum_of(data: bytes) -> tuple[str, str]:
    """Give (the checksum a lock states, the checksum its bytes have); the first is empty when it states none."""
    found = re.findall(rb'(?=\n  checksums:\n    sha256: "([0-9a-f]{64})"\n)', data)
    if not found:
        return "", digest.of_bytes(data)[7:]
    stated = found[-1].decode()
    return stated, digest.of_bytes(_with_checksum(data, stated, ZEROS))[7:]
