"""The version sticker: who, what and when, readable with ``cat``. Pure; the signature comes in later."""

from typing import Any, Final

from cas import digest, jcs
from cas.digest import Digest
from cas.records.deploy import Deployment, StickerInput
from cas.records.release import Environment, Release, Target

STICKER_NAME: Final = "stella.version.json"
ORDER: Final = (
    "version", "generatedAt", "generator", "release", "deployment", "deployer", "previous", "signature",
    "signatureAlgorithm", "signerKeyRef", "signerKeyId",
)  # fmt: skip


def file_name(target: Target) -> str:
    """Name a target's sticker among the files of its deployment."""
    return f"targets/{target.name}/{STICKER_NAME}"


def body(
    question: StickerInput,
    deployment: Deployment,
    release: Release,
    environment: Environment,
    target: Target,
    *,
    previous: tuple[Digest, Release] | None,
) -> bytes:
    """Build the sticker without its signature, canonical: these bytes are signed."""
    return jcs.of_value(
        {
            "version": "1.0",
            "generatedAt": question.completed_at,
            "generator": f"{deployment.generator}@{deployment.generator_version}",
            "release": _release(deployment.release, release),
            "deployment": {
                "id": digest.uuid_of(question.deployment),
                "promotionId": digest.uuid_of(deployment.promotion),
                "environmentId": digest.uuid_of(deployment.environment),
                "environmentName": environment.name,
                "targetId": digest.uuid_of(question.target),
                "targetName": target.name,
                "strategy": deployment.strategy,
                "startedAt": deployment.started_at,
                "completedAt": question.completed_at,
            },
            "deployer": {
                "userId": deployment.deployer,
                "userName": deployment.deployer_login,
                "agentId": None,
                "agentName": None,
            },
            "previous": _previous(previous),
            "signatureAlgorithm": question.signature_algorithm,
            "signerKeyRef": question.signer_key_ref,
            "signerKeyId": question.signer_key_id,
        }
    )


def _release(named: Digest, release: Release) -> dict[str, Any]:
    return {
        "id": digest.uuid_of(named),
        "name": release.name,
        "createdAt": release.created_at,
        "components": [
            {"name": one.name, "digest": one.digest, "semver": one.semver, "tag": one.tag} for one in release.components
        ],
    }


def _previous(previous: tuple[Digest, Release] | None) -> dict[str, str] | None:
    if previous is None:
        return None
    named, release = previous
    return {"releaseId": digest.uuid_of(named), "releaseName": release.name, "digest": named}
