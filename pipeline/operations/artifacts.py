"""The files of a deployment: listed, read, verified, exported as PDF, written to a directory.

Knows what a finished deployment left; must not know HTTP. Nothing is trusted because it is stored: bytes are hashed
again, signatures are checked with the keys of this instance's trust root as they counted at that place of the log.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.deploy import Deployed, Deployment, Rendered, RenderInput
from cas.records.proof import HeadSet, Key, TrustRoot
from cas.records.release import Environment, Release
from cas.store import load
from pipeline.attest import signatures
from pipeline.effects import Effects
from targets.render import checksums, documents, lock
from targets.render.manifest import MANIFEST_NAME

PACKET_NAME: Final = "deployment.evidence.json"
PDF_NAME: Final = "deployment.evidence.pdf"
_SIGNED: Final = frozenset({"version-sticker", "evidence", "manifest", "packet"})


class ArtifactMissing(Problem):
    """There is no such deployment, or it has no such file."""

    code = "artifact.missing"
    category = Category.MISSING
    title = "No such deployment, or no such file of it"
    remedy = "List deployments with stella status --history, a deployment's files with stella artifact list."


class FolderTaken(Problem):
    """A folder that should receive a deployment's files holds something else."""

    code = "artifact.folder_taken"
    category = Category.CONFLICT
    title = "The folder holds other files"
    remedy = "Choose another folder, or move away what is there."


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file: its name in the deployment's folder, its type, size and digest."""

    name: str
    type: str
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Files:
    """All files of one deployment. ``deployed`` is None when it did not end well: then only rendered files exist."""

    deployment: Digest
    id: str
    files: tuple[ArtifactFile, ...]
    deployed: Deployed | None


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to "is this file what was made?": overall, its checksum, its signature."""

    valid: bool
    checksum: dict[str, Any]
    signature: dict[str, Any]


def files_of(effects: Effects, asked: str) -> Files:
    """List the files of a deployment, by id or digest, sorted by name.

    Raises: artifact.missing
    """
    named = effects.log.ref(refs.named(asked)) if not digest.is_digest(asked) else asked
    if named is None or effects.log.admitted(named) is None or b'"kind":"deployment/1"' not in effects.store.get(named):
        raise ArtifactMissing(deployment=asked[:80])
    deployment = load(effects.store, named, Deployment)
    deployed = _deployed(effects, named, deployment)
    found = _rendered(effects, named) if deployed is None else _sealed(effects, deployed)
    return Files(named, digest.uuid_of(named), tuple(sorted(found, key=lambda one: one.name)), deployed)


def _deployed(effects: Effects, named: Digest, deployment: Deployment) -> Deployed | None:
    environment = load(effects.store, deployment.environment, Environment)
    release = load(effects.store, deployment.release, Release)
    head = effects.log.ref(refs.history(environment.name, release.line))
    members = load(effects.store, head, HeadSet).members if head else ()
    found = (load(effects.store, member, Deployed) for member in members)
    return next((one for one in found if one.deployment == named), None)


def _rendered(effects: Effects, deployment: Digest) -> list[ArtifactFile]:
    question = digest.of_bytes(canon.of_record(RenderInput(deployment=deployment)))
    note = effects.log.ran("render", 1, question)
    if note is None:
        return []
    rendered = load(effects.store, note.output, Rendered)
    return [ArtifactFile(one.name, one.type, one.size, one.digest) for one in rendered.artifacts]


def _sealed(effects: Effects, deployed: Deployed) -> list[ArtifactFile]:
    data = effects.store.get(deployed.manifest)
    manifest = documents.read(data)
    found = [
        ArtifactFile(str(one["name"]), str(one["type"]), int(one["size"]), "sha256:" + str(one["sha256"]))
        for one in manifest["artifacts"]
    ]
    found.append(ArtifactFile(MANIFEST_NAME, "manifest", len(data), deployed.manifest))
    listing = checksums.text((one.name, one.digest) for one in found)
    found.append(ArtifactFile(checksums.CHECKSUMS_NAME, "checksums", len(listing), digest.of_bytes(listing)))
    size = effects.store.size(deployed.packet)
    return [*found, ArtifactFile(PACKET_NAME, "packet", size, deployed.packet)]


def find(files: Files, name: str) -> ArtifactFile:
    """Give one file's line.

    Raises: artifact.missing
    """
    for one in files.files:
        if one.name == name:
            return one
    raise ArtifactMissing(deployment=files.id, name=name[:255])


def read(effects: Effects, files: Files, name: str) -> bytes:
    """Give a file's bytes, verified by the store; ``deployment.evidence.pdf`` is made of the packet.

    Raises: artifact.missing, cas.object_missing, cas.object_corrupt
    """
    if name == PDF_NAME:
        from targets.render import packet_pdf  # noqa: PLC0415 - fonts and images: only who asks for a PDF waits for them

        return packet_pdf.render(effects.store.get(find(files, PACKET_NAME).digest))
    return bytes_of(effects, files, find(files, name))


def verify(effects: Effects, files: Files, name: str, data: bytes | None = None) -> Checked:
    """Check a file: the stored one, or bytes that somebody found on a target under this name.

    ``checksum`` compares with the signed manifest (and a lock's own); ``signature`` is the file's, or the manifest's
    for files that carry none.

    Raises: artifact.missing, cas.object_missing
    """
    line = find(files, name)
    given = bytes_of(effects, files, line) if data is None else data
    actual = digest.of_bytes(given)
    checksum: dict[str, Any] = {"expected": line.digest, "actual": actual, "valid": actual == line.digest}
    if line.type == "compose-lock":
        stated, found = lock.checksum_of(given)
        checksum |= {"stated": stated, "found": found, "valid": checksum["valid"] and stated == found}
    signature = _signature(effects, files, line, given)
    return Checked(bool(checksum["valid"] and signature["valid"]), checksum, signature)


def _signature(effects: Effects, files: Files, line: ArtifactFile, data: bytes) -> dict[str, Any]:
    if line.type in _SIGNED:
        return {"by": "itself", **check_signature(effects, files, data)}
    if files.deployed is None:
        return {"by": "none", "valid": False, "reason": "the deployment did not end: nothing was signed"}
    manifest = effects.store.get(files.deployed.manifest)
    return {"by": MANIFEST_NAME, **check_signature(effects, files, manifest)}


def check_signature(effects: Effects, files: Files, data: bytes) -> dict[str, Any]:
    """Check the signature inside a document with the keys that counted when the deployment ended."""
    try:
        document = documents.read(data)
        key = _key(effects, files, str(document.get("signerKeyId", "")))
        if key is None:
            return {"valid": False, "reason": "signed by no key of this instance"}
        algorithm = documents.algorithm_name(key.algorithm)  # the key's, never the file's word for it
        if document.get("signatureAlgorithm") != algorithm:
            return {"valid": False, "reason": "another algorithm than the key's"}
        raw = documents.to_raw(algorithm, str(document.get("signature", "")))
        good = signatures.verify(key, documents.signed_bytes(document), raw)
    except Problem as problem:
        return {"valid": False, "reason": problem.code}
    facts = {"valid": good, "algorithm": algorithm, "keyId": key.id, "keyRef": str(document.get("signerKeyRef", ""))}
    return facts if good else {**facts, "reason": "the signature does not hold"}


def _key(effects: Effects, files: Files, key_id: str) -> Key | None:
    named = effects.log.ref(refs.TRUST_ROOT)
    root = load(effects.store, named, TrustRoot) if named else None
    ended = effects.log.admitted(files.deployed.result) if files.deployed else None
    for key in root.keys if root else ():
        counted = key.revoked_at is None or (ended is not None and ended < key.revoked_at)
        if key.id == key_id and "server" in key.purposes and counted:
            return key
    return None


def write_folder(effects: Effects, files: Files, root: Path) -> Path:
    """Write ``artifacts/{tenant}/{deployment}/…`` under a directory, whole or not at all; written twice is once.

    Files go into a fresh folder (0700, files 0600, scripts 0700) that is then renamed: nothing that lies there is
    followed or overwritten.

    Raises: artifact.folder_taken, cas.object_missing, cas.object_corrupt
    """
    parent = root / "artifacts" / effects.tenant
    final = parent / files.id
    content = {one.name: (bytes_of(effects, files, one), one.type) for one in files.files}
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(path.is_symlink() for path in (root / "artifacts", parent, final)):
            raise FolderTaken(folder=str(final))
        if final.exists():
            if not _same(final, {name: data for name, (data, _) in content.items()}):
                raise FolderTaken(folder=str(final))
            return final
        fresh = parent / f".{files.id}.{effects.entropy.nonce()}"
        fresh.mkdir(mode=0o700)
        try:
            for name, (data, kind) in sorted(content.items()):
                _write(fresh, name, data, executable=kind == "script")
            fresh.rename(final)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    except OSError as error:
        raise FolderTaken(folder=str(final), reason=error.strerror) from error
    return final


def bytes_of(effects: Effects, files: Files, one: ArtifactFile) -> bytes:
    """Give a file's bytes; checksums are rendered from the manifest."""
    if one.type == "checksums":
        return checksums.text(
            (each.name, each.digest) for each in files.files if each.type not in {"checksums", "packet"}
        )
    return effects.store.get(one.digest)


def _write(folder: Path, name: str, data: bytes, *, executable: bool) -> None:
    parts = name.split("/")
    if name.startswith("/") or any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise ArtifactMissing(name=name[:255])
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o700 if executable else 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _same(folder: Path, content: dict[str, bytes]) -> bool:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    return set(found) == set(content) and all(
        not path.is_symlink() and path.read_bytes() == content[name] for name, path in found.items()
    )
