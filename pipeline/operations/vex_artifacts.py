"""Files that are handed over for a VEX provider: kept by digest, listed without their bytes, deleted when unused.

They are public (keys, trusted roots, certificates): what looks like a private key is refused. Adapters that want files
get them in a folder of their own for as long as they need it.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cas import digest
from cas.digest import Digest
from cas.problems import Category, EntryMissing, ExpectationFailed, Problem
from cas.records.proof import HeadSet
from cas.records.vex_provider import VexArtifact, VexProvider
from cas.store import load
from pipeline import vex_config
from pipeline.effects import Caller, Effects
from pipeline.operations.work import Work

MAX_ARTIFACT: Final = 1 << 20
MAX_ARTIFACTS: Final = 16
MAX_TOTAL: Final = 4 << 20
ATTEMPTS: Final = 8


def provider_ref(name: str) -> str:
    """Name the ref of a VexProvider."""
    return f"vex_provider/{name}"


def artifacts_ref(name: str) -> str:
    """Name the ref of the HeadSet of a provider's VexArtifacts."""
    return f"vex_artifacts/{name}"


class ArtifactTooLarge(Problem):
    """An artifact is larger than one may be."""

    code = "vex.artifact_too_large"
    category = Category.TOO_LARGE
    title = "The artifact is larger than 1 MiB"
    remedy = "Hand over the public key, trusted_root.json or certificates alone."


class ArtifactQuota(Problem):
    """A provider has as many artifacts, or as many bytes of them, as it may."""

    code = "vex.artifact_quota"
    category = Category.CONFLICT
    title = "The provider's artifacts fill its quota"
    remedy = "Delete artifacts that no configuration names; a provider keeps 16, together 4 MiB."


class ArtifactRefused(Problem):
    """A file is not what an artifact may be."""

    code = "vex.artifact_refused"
    category = Category.INVALID
    title = "This file is not kept as an artifact"
    remedy = "Hand over a file that is not empty, for keys, tuf_root or ca. Private keys stay with their owner."


class ArtifactInUse(Problem):
    """A configuration names the artifact."""

    code = "vex.artifact_in_use"
    category = Category.CONFLICT
    title = "The provider's configuration names this artifact"
    remedy = "Clear the field first (stella vex providers configure PROVIDER --clear-artifact FIELD), then delete it."


@dataclass(frozen=True, slots=True)
class Kept:
    """An artifact's record with its id; never its bytes."""

    id: str
    digest: Digest
    artifact: VexArtifact


def every(effects: Effects, provider: str) -> tuple[Kept, ...]:
    """List a provider's artifacts, oldest first."""
    head = effects.log.ref(artifacts_ref(provider))
    found = _kept(effects, load(effects.store, head, HeadSet).members if head else ())
    return tuple(sorted(found, key=lambda one: (one.artifact.created_at, one.id)))


def _kept(effects: Effects, members: Iterable[Digest]) -> Iterator[Kept]:
    for name in members:
        yield Kept(digest.uuid_of(name), name, load(effects.store, name, VexArtifact))


def find(effects: Effects, provider: str, artifact: str) -> Kept:
    """Give one artifact by its id.

    Raises: cas.entry_missing
    """
    for one in every(effects, provider):
        if one.id == artifact:
            return one
    raise EntryMissing(name=artifact[:128], provider=provider[:128])


def upload(effects: Effects, caller: Caller, provider: str, key: str, data: bytes, *, name: str = "") -> Kept:
    """Keep a file for a provider; the same bytes for the same field are kept once.

    Raises: vex.artifact_refused, vex.artifact_too_large, vex.artifact_quota, cas.expectation_failed
    """
    _check(provider, key, data)
    return _again(effects, caller, lambda work: _upload(work, provider, key, name, data))


def _upload(work: Work, provider: str, key: str, name: str, data: bytes) -> Kept:
    held = tuple(_kept(work.effects, work.members(artifacts_ref(provider))))
    payload = digest.of_bytes(data)
    for one in held:
        if (one.artifact.payload, one.artifact.key) == (payload, key):
            return one
    total = sum(one.artifact.size for one in held) + len(data)
    if len(held) >= MAX_ARTIFACTS or total > MAX_TOTAL:
        raise ArtifactQuota(provider=provider, artifacts=len(held), bytes=total, at_most=MAX_TOTAL)
    artifact = VexArtifact(
        provider=provider,
        key=key,
        name="".join(sign if sign.isprintable() else "_" for sign in name)[:255],
        payload=work.effects.store.put(data),
        size=len(data),
        created_by=work.caller.actor,
        created_at=work.now,
        nonce=work.effects.entropy.nonce(),
    )
    saved = work.save(artifact)
    work.note("vex.artifact_kept", saved, (work.add(artifacts_ref(provider), saved),))
    return Kept(digest.uuid_of(saved), saved, artifact)


def _check(provider: str, key: str, data: bytes) -> None:
    if key not in vex_config.ARTIFACTS:
        raise ArtifactRefused(provider=provider, field=key[:80], known=", ".join(vex_config.ARTIFACTS))
    if len(data) > MAX_ARTIFACT:
        raise ArtifactTooLarge(provider=provider, bytes=len(data), at_most=MAX_ARTIFACT)
    if not data or b"PRIVATE KEY-----" in data:
        raise ArtifactRefused(provider=provider, field=key, reason="a private key" if data else "an empty file")


def delete(effects: Effects, caller: Caller, provider: str, artifact: str) -> Kept:
    """Forget an artifact; its bytes stay what earlier records name.

    Raises: cas.entry_missing, vex.artifact_in_use, cas.expectation_failed
    """
    return _again(effects, caller, lambda work: _delete(work, provider, artifact))


def _delete(work: Work, provider: str, artifact: str) -> Kept:
    held = {one.id: one for one in _kept(work.effects, work.members(artifacts_ref(provider)))}
    if artifact not in held:
        raise EntryMissing(name=artifact[:128], provider=provider[:128])
    configured = work.ref(provider_ref(provider))
    work.expect(provider_ref(provider), configured)
    if configured is not None:
        texts = vex_config.texts_of(load(work.effects.store, configured, VexProvider))
        named = [name for name in vex_config.ARTIFACTS if artifact in texts.get(name, ())]
        if named:
            raise ArtifactInUse(artifact=artifact, provider=provider, fields=", ".join(named))
    gone = held[artifact]
    members = tuple(sorted({one.digest for one in held.values()} - {gone.digest}))
    left = work.save(HeadSet(members=members))
    work.note("vex.artifact_deleted", gone.digest, (work.move(artifacts_ref(provider), left),))
    return gone


def _again(effects: Effects, caller: Caller, change: Callable[[Work], Kept]) -> Kept:
    """Make a change; when somebody else moved a ref meanwhile, make it again from where it is now."""
    for attempt in range(ATTEMPTS):
        work = Work(effects, caller)
        kept = change(work)
        if not work.noted:
            return kept
        try:
            work.commit()
        except ExpectationFailed:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        return kept
    raise AssertionError


class Materialised:
    """Artifacts as files, in a folder that nobody else can read (0700, files 0600); gone when it is closed.

    Closing twice does no harm.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stella-vex-"))  # 0700
        try:
            for name, data in files.items():
                with os.fdopen(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(data)
        except BaseException:
            self.close()
            raise

    def path(self, name: str) -> Path:
        """Give where an artifact lies."""
        return self.folder / name

    def close(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
