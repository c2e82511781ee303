"""Trying a pack on its cases: facts of a case become what gates look at, and what they answer is compared.

Pure: the same gates as judge asks, over a picture that a case describes. Must not know drafts, nor storing.
"""

import types
import typing
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cas import canon, digest
from cas.digest import Digest
from cas.records.base import Record
from cas.records.catalog import KINDS
from cas.records.feed import FeedSnapshot
from cas.records.picture import AssessedFinding2, EvidenceRow2, Picture, Reach
from cas.records.policy import PolicyPack
from cas.records.rego import RegoAnswer
from cas.records.release import Environment, Release, TemplateFacts, TemplateService
from cas.records.verdict import Claim, ComponentRow, Question, UnknownRow
from policy.counting import CLOSED_BY_VEX
from policy.evaluate import ask, judged_gates, outcome_of
from policy.gate import FactView, finding
from policy.packs.cases import Case, CaseAnswer, CaseEvidence, CaseFinding

NOBODY = "system:" + "0" * 32
_KINDS = {str(kind.__struct_config__.tag): kind for kind in KINDS if "facts" in str(kind.__struct_config__.tag)}


class FactsError(ValueError):
    """Facts of a case are not those of their kind."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a pack answered to a case. ``wrong`` says in which way that is not what was expected; empty: it holds."""

    name: str
    outcome: str
    wrong: tuple[str, ...]


def tried(pack: PolicyPack, cases: tuple[Case, ...]) -> tuple[Tried, ...]:
    """Try a pack, without includes, on cases, in their order.

    Raises: policy.gate_unknown, policy.params_invalid
    """
    return tuple(_tried(pack, case) for case in cases)


def _tried(pack: PolicyPack, case: Case) -> Tried:
    try:
        results = ask(judged_gates(pack, case.environment), view_of(case)).results
    except FactsError as error:
        return Tried(case.name, "no_answer", (str(error),))
    outcome = outcome_of(results)
    wrong = [] if outcome == case.expect.outcome else [f"outcome is {outcome}, expected {case.expect.outcome}"]
    deciding = [one for one in results if one.enforcement == "block" and one.status in {"fail", "unknown"}]
    codes = sorted({each.code for one in deciding for each in one.findings})
    if case.expect.codes is not None and codes != sorted(set(case.expect.codes)):
        wrong.append(f"codes are {', '.join(codes) or 'none'}, expected {', '.join(case.expect.codes) or 'none'}")
    statuses = {one.id: str(one.status) for one in results}
    for name, status in sorted(case.expect.gates.items()):
        if statuses.get(name) != status:
            wrong.append(f"{name} is {statuses.get(name, 'not asked')}, expected {status}")
    return Tried(case.name, outcome, tuple(wrong))


def _name(text: str) -> Digest:
    return digest.of_bytes(text.encode())


_DOCUMENTS: Final = tuple(sorted((_name("sbom"), _name("package"))))


def view_of(case: Case) -> FactView:
    """Build what gates look at."""
    given = case.given
    held: dict[Digest, Record] = {}
    rows = tuple(_row(at, one, case, held) for at, one in enumerate(given.evidence))
    captured = (given.feed.captured_at or case.as_of) if given.feed else ""
    services = tuple(_service(one) for one in given.services)
    return FactView(
        question=_question(case),
        release=_release(case),
        environment=_environment(case),
        assessment=Picture(
            components=tuple(
                ComponentRow(
                    component=one.component,
                    platform=one.platform,
                    image=_name(f"{one.component} {one.platform}"),
                    packages=one.packages,
                    sboms=one.sboms,
                )
                for one in given.components
            ),
            evidence=rows,
            documents=_DOCUMENTS,
            findings=tuple(_finding(at, one) for at, one in enumerate(given.findings)),
            unknowns=tuple(
                UnknownRow(
                    reason=one.reason,
                    code=one.code,
                    subject=one.subject,
                    entropy=one.entropy,
                    evidence=_name(f"unknown {at}"),
                    pointer="",
                )
                for at, one in enumerate(given.unknowns)
            ),
            template=None,
            trust_table=_name("trust table"),
        ),
        template=TemplateFacts(release=_name("release"), document=_name("document"), services=services),
        feed=FeedSnapshot(
            name="case",
            captured_at=captured,
            sources=(),
            ecosystems=(),
            kev=_name("kev") if given.feed.kev else None,
            epss=_name("epss") if given.feed.epss else None,
            notes=(),
        )
        if given.feed
        else None,
        facts=lambda name: _held(held, name),
        rego_answers=tuple(_answer(one) for one in given.rules),
    )


def _held(held: dict[Digest, Record], name: Digest) -> Record:
    if name not in held:
        raise FactsError("a gate looks into the facts of a piece of evidence that the case does not give: add facts")
    return held[name]


def _question(case: Case) -> Question:
    return Question(
        release=_name("release"),
        environment=_name("environment"),
        purpose="simulation",
        as_of=case.as_of,
        heads=(),
        components=(),
        policy=_name("policy"),
        feed=_name("feed") if case.given.feed else None,
        waivers=(),
        baseline=None if case.given.first_release else _name("baseline"),
        trust_root=_name("trust root"),
    )


def _release(case: Case) -> Release:
    return Release(
        name="case",
        line="case",
        components=(),
        template=_name("template"),
        compose=_name("compose"),
        source=(),
        created_at=case.as_of,
        created_by=NOBODY,
        nonce="0" * 32,
    )


def _environment(case: Case) -> Environment:
    return Environment(
        name=case.environment,
        order=1,
        after="",
        production=True,
        required_approvals=0,
        approver_groups=(),
        separation_of_duties=False,
        personal_key_required=False,
        freeze_windows=(),
        soak_seconds=0,
        variables=(),
        secrets=(),
        allowed_bind_paths=(),
        targets=(),
        health_timeout_seconds=60,
        retention_days=30,
        created_by=NOBODY,
    )


def _row(at: int, one: CaseEvidence, case: Case, held: dict[Digest, Record]) -> EvidenceRow2:
    facts = _name(f"facts {at}")
    if one.facts is not None:
        record = facts_record(one.facts)
        facts = digest.of_bytes(canon.of_record(record))
        held[facts] = record
    verified = one.binding == "attested"
    return EvidenceRow2(
        component=one.component,
        platform=one.platform,
        admission=_name(f"admission {at}"),
        evidence=_name(f"evidence {at}"),
        raw=_name(f"raw {at}"),
        facts=facts,
        type=one.type,
        format=one.format,
        binding=one.binding,
        verified=verified,
        standing=one.standing or ("verified" if verified else "unsigned"),
        signers=one.signers if verified else (),
        predicate_type=one.predicate_type,
        builder=one.builder,
        source=one.source,
        created_at=one.created_at,
        admitted_at=one.admitted_at or case.as_of,
    )


def _finding(at: int, one: CaseFinding) -> AssessedFinding2:
    waiver = _name(f"waiver {at}") if one.waived_until else None
    claims = tuple(
        Claim(evidence=_name(f"vex {at} {number}"), pointer="", **msgspec.structs.asdict(claim))
        for number, claim in enumerate(one.claims)
    )
    return AssessedFinding2(
        component=one.component,
        platform=one.platform,
        purl=one.purl,
        version=one.version,
        vulnerability=one.vulnerability,
        advisory=one.vulnerability,
        aliases=(),
        related=(),
        ecosystem="",
        published=one.published,
        severity=one.severity,
        score_tenths=one.score_tenths,
        raw_severity=one.severity,
        raw_score_tenths=one.score_tenths,
        severity_source="advisory",
        fixed_in=one.fixed_in,
        origin="matched",
        reported_by=(),
        sbom=_DOCUMENTS.index(_name("sbom")),
        sbom_pointer=f"/{at}",
        feed_package=_DOCUMENTS.index(_name("package")),
        feed_pointer=f"/{at}",
        vex=one.vex,
        claims=claims,
        reached=Reach(state=one.reach, path=(), confidence=one.confidence, evidence=()),
        waived_by=waiver,
        waiver_effect="suppress" if waiver else "",
        waiver_until=one.waived_until or "",
        control="",
        open=one.vex not in CLOSED_BY_VEX and waiver is None,
        new=one.new,
        epss=one.epss,
        kev=one.vulnerability if one.kev_due else "",
        kev_due=one.kev_due,
    )


def _service(one: Any) -> TemplateService:
    fields = msgspec.structs.asdict(one)
    return TemplateService(image=f"registry.test/{one.name}:1", namespaces=(), mounts=(), **fields)


def _answer(one: CaseAnswer) -> RegoAnswer:
    deny = tuple(finding("denied", (("code", "case"), ("message", text))) for text in one.deny)
    warn = tuple(finding("warned", (("code", "case"), ("message", text))) for text in one.warn)
    return RegoAnswer(
        rule=one.rule,
        release=_name("release"),
        environment=_name("environment"),
        picture=_name("picture"),
        engine="case",
        engine_version="1",
        status="fail" if deny else "warn" if warn else "pass",
        deny=deny,
        warn=warn,
    )


def facts_record(given: dict[str, Any]) -> Record:
    """Build the facts of a report from what a case says of it; what it leaves out is empty.

    Raises: FactsError
    """
    kind = _KINDS.get(str(given.get("kind")))
    if kind is None:
        raise FactsError(f"facts: no kind {given.get('kind')}; allowed: {', '.join(sorted(_KINDS))}")
    try:
        found: Record = msgspec.convert(_filled({k: v for k, v in given.items() if k != "kind"}, kind), kind)
    except msgspec.ValidationError as error:
        raise FactsError(f"facts: {error}") from error
    return found


def _filled(given: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    out: dict[str, Any] = dict(given)
    for each in msgspec.structs.fields(kind):
        if each.name not in given:
            out[each.name] = _empty(each.type)
            continue
        inner = _struct_in(each.type)
        value = given[each.name]
        if inner is not None and isinstance(value, list):
            out[each.name] = [_filled(one, inner) if isinstance(one, dict) else one for one in value]
    tag = kind.__struct_config__.tag
    return out | ({"kind": tag} if tag else {})


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    arguments = typing.get_args(kind)
    inner = arguments[0] if typing.get_origin(kind) is tuple and arguments else None
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def _empty(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        meta = kind.__metadata__[0]
        if meta.min_length == 71 or "sha256" in (meta.pattern or ""):
            return _name("nothing")
        return "x" * meta.min_length if meta.min_length else _empty(kind.__origin__)
    if origin is tuple:
        return []
    if origin is typing.Literal:
        return typing.get_args(kind)[-1]
    if origin in {typing.Union, types.UnionType}:
        return None
    empty: dict[Any, Any] = {str: "", int: 0, bool: True}
    return empty.get(kind)
