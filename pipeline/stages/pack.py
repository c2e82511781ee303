"""pack/1: the evidence packet's body. Reads promotion, verdict, decision, and the deployment."""

from typing import Final

from cas import canon, digest, jcs
from cas.digest import Digest
from cas.pictures import picture_of
from cas.records.deploy import (
    Artifact,
    Deployment,
    DeploymentResult,
    ManifestBody,
    PacketBody,
    PackInput,
    Receipt,
)
from cas.records.promotion import AdmittedApproval, Approval, Promotion
from cas.records.release import Environment, Release, Target
from cas.records.verdict import Decision, Verdict
from pipeline.stage import Stage, StageIO
from targets.render import packet, signed_json
from targets.render.packet import PacketFacts


def pack(question: PackInput, io: StageIO) -> PacketBody:
    """Build the packet that will be signed."""
    inner = packet.content(_facts(question, io))
    identity = digest.uuid_of(digest.of_bytes(canon.of_record(question)))
    return PacketBody(
        id=identity,
        type=question.type,
        promotion=question.promotion,
        content=io.keep(jcs.of_value(inner)),
        body=io.keep(packet.body(question, identity, inner)),
    )


def _facts(question: PackInput, io: StageIO) -> PacketFacts:
    promotion = io.load(question.promotion, Promotion)
    verdict = io.load(question.verdict, Verdict)
    decision = io.load(question.decision, Decision)
    environment = io.load(decision.environment, Environment)
    deployment = io.load(question.deployment, Deployment) if question.deployment else None
    result = io.load(question.result, DeploymentResult) if question.result else None
    targets = deployment.targets if deployment else environment.targets
    receipts = [
        (named, io.load(named, Receipt)) for one in (result.outcomes if result else ()) for named in one.receipts
    ]
    return PacketFacts(
        question=question,
        promotion=promotion,
        verdict=verdict,
        decision=decision,
        release=io.load(decision.release, Release),
        environment=environment,
        assessment=picture_of(verdict.assessment, io.read),
        approvals=[_approval(named, io) for named in decision.approvals],
        targets={named: io.load(named, Target) for named in targets},
        deployment=deployment,
        result=result,
        receipts=sorted(receipts, key=lambda one: one[0]),
        artifacts=_artifacts(question, io),
        rolled_back_to=_rolled_back_to(promotion, io),
    )


def _approval(named: Digest, io: StageIO) -> tuple[AdmittedApproval, Approval]:
    admitted = io.load(named, AdmittedApproval)
    return admitted, io.load(admitted.approval, Approval)


def _artifacts(question: PackInput, io: StageIO) -> tuple[Artifact, ...]:
    """What the sealed manifest lists; the packet names the manifest file, its body lists the files."""
    return io.load(question.manifest_body, ManifestBody).artifacts if question.manifest_body else ()


def _rolled_back_to(promotion: Promotion, io: StageIO) -> tuple[Digest, Release] | None:
    if promotion.rollback_to is None:
        return None
    earlier = signed_json.read(io.read(promotion.rollback_to))
    named = earlier["content"]["what"]["release"]["digest"]
    return promotion.rollback_to, io.load(named, Release)


PACK: Final = Stage("pack", 1, PackInput, PacketBody, pack)
