"""The manifest of a deployment's files. Pure; lists everything but itself and the checksum files."""

from collections.abc import Sequence
from typing import Final

from cas import digest, jcs
from cas.records.deploy import Artifact, ManifestInput

MANIFEST_NAME: Final = "manifest.json"
ORDER: Final = (
    "version", "deploymentId", "createdAt", "artifacts", "totalSize", "signature", "signatureAlgorithm",
    "signerKeyRef", "signerKeyId",
)  # fmt: skip


def body(question: ManifestInput, artifacts: Sequence[Artifact]) -> bytes:
    """Build the manifest without its signature, canonical; ``artifacts`` are sorted by name."""
    return jcs.of_value(
        {
            "version": "1.0",
            "deploymentId": digest.uuid_of(question.deployment),
            "createdAt": question.created_at,
            "artifacts": [
                {"name": one.name, "type": one.type, "size": one.size, "sha256": one.digest[7:]} for one in artifacts
            ],
            "totalSize": sum(one.size for one in artifacts),
            "signatureAlgorithm": question.signature_algorithm,
            "signerKeyRef": question.signer_key_ref,
            "signerKeyId": question.signer_key_id,
        }
    )
