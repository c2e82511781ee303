"""seal/1: bodies and captured signatures become files; with the manifest, checksums too. Holds no keys, checks none."""

from typing import Final

from cas.digest import Digest
from cas.records.deploy import Artifact, ArtifactType, ManifestBody, Sealed, SealInput, Signed
from pipeline.stage import Stage, StageIO
from targets.render import checksums, manifest, packet, signed_json, sticker

_ORDERS: Final = {
    "version-sticker": sticker.ORDER,
    "evidence": packet.ORDER,
    "packet": packet.ORDER,
    "manifest": manifest.ORDER,
}


def seal(question: SealInput, io: StageIO) -> Sealed:
    """Write every signed body as a file.

    Raises: artifact.document_invalid
    """
    artifacts: list[Artifact] = []
    listing: Digest | None = None
    for signed in question.signed:
        data = signed_json.sealed(io.read(signed.body), signed.signature, _ORDERS.get(signed.type, ()))
        named = io.keep(data)
        if signed.type == "manifest":
            listing = named
        else:
            artifacts.append(Artifact(name=signed.name, type=_type(signed), size=len(data), digest=named))
    sealed = Sealed(deployment=question.deployment, artifacts=tuple(sorted(artifacts, key=lambda one: one.name)))
    return sealed if listing is None or question.beside is None else _with_checksums(question, sealed, listing, io)


def _type(signed: Signed) -> ArtifactType:
    return "version-sticker" if signed.type == "version-sticker" else "evidence"


def _with_checksums(question: SealInput, sealed: Sealed, listing: Digest, io: StageIO) -> Sealed:
    assert question.beside is not None
    body = io.load(question.beside, ManifestBody)
    files = {one.name: one.digest for one in body.artifacts} | {manifest.MANIFEST_NAME: listing}
    targets = sorted({name.split("/")[1] for name in files if name.startswith("targets/")})
    return Sealed(
        deployment=sealed.deployment,
        artifacts=sealed.artifacts,
        manifest=listing,
        checksums=io.keep(checksums.text(files.items())),
        target_checksums=tuple(
            (target, io.keep(checksums.text(checksums.on_target(files, target).items()))) for target in targets
        ),
    )


SEAL: Final = Stage("seal", 1, SealInput, Sealed, seal)
