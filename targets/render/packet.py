"""The evidence packet: who, what, why, how, when. Pure; records in, one canonical body out.

The packet says what was decided and done, by digest, so that each line of it can be looked up and replayed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cas import digest, jcs
from cas.digest import Digest
from cas.records.deploy import Artifact, Deployment, DeploymentResult, PackInput, Receipt
from cas.records.picture import AnyPicture
from cas.records.promotion import AdmittedApproval, Approval, Promotion
from cas.records.release import Environment, Release, Target
from cas.records.verdict import Decision, GateResult, Verdict

PACKET_NAME: Final = "release.evidence.json"
ORDER: Final = (
    "id", "version", "type", "generatedAt", "generatorVersion", "tenantId", "content", "contentHash", "signature",
    "signatureAlgorithm", "signerKeyRef", "signerKeyId",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """The records a packet speaks of, by value; what belongs to a deployment is absent before it."""

    question: PackInput
    promotion: Promotion
    verdict: Verdict
    decision: Decision
    release: Release
    environment: Environment
    assessment: AnyPicture | None
    approvals: Sequence[tuple[AdmittedApproval, Approval]]
    targets: Mapping[Digest, Target]
    deployment: Deployment | None
    result: DeploymentResult | None
    receipts: Sequence[tuple[Digest, Receipt]]
    artifacts: Sequence[Artifact]
    rolled_back_to: tuple[Digest, Release] | None


def content(facts: PacketFacts) -> dict[str, Any]:
    """Build the packet's content."""
    return {"who": _who(facts), "what": _what(facts), "why": _why(facts), "how": _how(facts), "when": _when(facts)}


def body(question: PackInput, identity: str, inner: Mapping[str, Any]) -> bytes:
    """Build the packet without its signature, canonical: these bytes are signed."""
    return jcs.of_value(
        {
            "id": identity,
            "version": "1.0",
            "type": question.type,
            "generatedAt": question.generated_at,
            "generatorVersion": question.generator_version,
            "tenantId": question.tenant,
            "content": dict(inner),
            "contentHash": digest.of_bytes(jcs.of_value(dict(inner))),
            "signatureAlgorithm": question.signature_algorithm,
            "signerKeyRef": question.signer_key_ref,
            "signerKeyId": question.signer_key_id,
        }
    )


def _who(facts: PacketFacts) -> dict[str, Any]:
    names = dict(facts.question.actors)
    deployer = facts.deployment
    return {
        "requester": {"id": facts.promotion.requested_by, "name": names.get(facts.promotion.requested_by, "")},
        "approvers": [
            {
                "id": admitted.person,
                "name": admitted.login,
                "groups": list(admitted.groups),
                "action": approval.decision,
                "reason": approval.reason,
                "at": admitted.admitted_at,
                "personalKey": admitted.personal,
            }
            for admitted, approval in facts.approvals
        ],
        "deployer": {"id": deployer.deployer, "name": deployer.deployer_login} if deployer else None,
    }


def _what(facts: PacketFacts) -> dict[str, Any]:
    release = facts.release
    named = facts.decision.release
    return {
        "release": {
            "id": digest.uuid_of(named),
            "digest": named,
            "name": release.name,
            "line": release.line,
            "createdAt": release.created_at,
            "createdBy": release.created_by,
            "source": dict(release.source),
            "template": release.template,
            "components": [_component(facts, one) for one in release.components],
        },
        "environment": {
            "id": digest.uuid_of(facts.decision.environment),
            "digest": facts.decision.environment,
            "name": facts.environment.name,
        },
        "targets": [
            {"id": digest.uuid_of(named), "name": target.name, "type": target.type, "platform": target.platform}
            for named, target in sorted(facts.targets.items())
        ],
        "previous": _previous(facts),
    }


def _component(facts: PacketFacts, one: Any) -> dict[str, Any]:
    rows = facts.assessment.evidence if facts.assessment else ()
    sboms = sorted({row.raw for row in rows if row.component == one.name and row.type == "sbom"})
    return {
        "name": one.name,
        "repository": one.repository,
        "digest": one.digest,
        "tag": one.tag,
        "semver": one.semver,
        "role": one.role,
        "platforms": list(one.platforms),
        "sbomDigest": sboms[0] if len(sboms) == 1 else None,
        "sbomDigests": sboms,
    }


def _previous(facts: PacketFacts) -> dict[str, Any] | None:
    if facts.rolled_back_to is None:
        return None
    packet, release = facts.rolled_back_to
    return {"packet": packet, "releaseName": release.name}


def _why(facts: PacketFacts) -> dict[str, Any]:
    verdict, decision = facts.verdict, facts.decision
    rows = facts.assessment.evidence if facts.assessment else ()
    return {
        "reason": facts.promotion.reason,
        "purpose": facts.promotion.purpose,
        "policyHash": verdict.policy,
        "reachabilityProof": None,
        "scanVerdict": {
            "digest": facts.question.verdict,
            "outcome": verdict.outcome,
            "question": verdict.question,
            "assessment": verdict.assessment,
            "asOf": verdict.as_of,
            "validUntil": verdict.valid_until,
            "gates": [_gate(one) for one in verdict.gates],
            "evidence": sorted({row.raw for row in rows}),
        },
        "decision": {
            "digest": facts.question.decision,
            "outcome": decision.outcome,
            "asOf": decision.as_of,
            "validUntil": decision.valid_until,
            "gates": [_gate(one) for one in decision.gates],
            "approvals": list(decision.approvals),
        },
    }


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "gate": result.gate,
        "enforcement": result.enforcement,
        "status": result.status,
        "findings": len(result.findings),
        "codes": sorted({finding.code for finding in result.findings}),
    }


def _how(facts: PacketFacts) -> dict[str, Any] | None:
    if facts.deployment is None:
        return None
    result = facts.result
    return {
        "deployment": {
            "id": digest.uuid_of(facts.question.deployment or ""),
            "digest": facts.question.deployment,
            "result": result.result if result else None,
            "resultDigest": facts.question.result,
        },
        "manifest": facts.question.manifest,
        "artifacts": [{"name": one.name, "type": one.type, "digest": one.digest} for one in facts.artifacts],
        "outcomes": [
            {"target": one.target, "result": one.result, "sticker": one.sticker, "receipts": list(one.receipts)}
            for one in (result.outcomes if result else ())
        ],
        "logs": sorted({receipt.log for _, receipt in facts.receipts if receipt.log}),
    }


def _when(facts: PacketFacts) -> dict[str, Any]:
    return {
        "requestedAt": facts.promotion.requested_at,
        "judgedAt": facts.verdict.as_of,
        "decidedAt": facts.decision.as_of,
        "startedAt": facts.deployment.started_at if facts.deployment else None,
        "completedAt": facts.result.completed_at if facts.result else None,
    }
