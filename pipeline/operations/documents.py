"""Signing the files of a deployment: a stage made the body, a signer signs it, seal/1 writes the file.

Knows signers; must not know what the files say.
"""

from typing import Literal

from cas.digest import Digest
from cas.records.deploy import ArtifactType, Signed
from pipeline.effects import Signer
from targets.render import documents


def sign_body(
    signer: Signer, data: bytes, body: Digest, *, name: str, type_: ArtifactType | Literal["manifest", "packet"]
) -> Signed:
    """Sign a body's canonical bytes; ``data`` are the bytes that ``body`` names."""
    algorithm = documents.algorithm_name(signer.key.algorithm)
    return Signed(
        name=name,
        body=body,
        type=type_,
        signature=documents.to_text(algorithm, signer.sign(data)),
        algorithm=algorithm,
        key_id=signer.key.id,
    )


def signer_fields(signer: Signer) -> dict[str, str]:
    """Give the signed fields of a document that say who will sign it."""
    return {
        "signature_algorithm": documents.algorithm_name(signer.key.algorithm),
        "signer_key_ref": signer.ref,
        "signer_key_id": signer.key.id,
    }
