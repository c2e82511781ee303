"""A pack proposed from what is known about a release: what is there is demanded, what is open now is the budget.

Pure: picture in, gate uses in order out, and the YAML they are written as. Whether each holds is for the caller to try.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from cas.records.picture import AssessedFinding2, EvidenceRow2, Picture
from cas.records.policy import Enforcement
from cas.records.verdict import ComponentRow, Question
from policy.counting import CLOSED_BY_VEX, SEVERITIES, distinct
from policy.gates.evidence_required import RANK

Value = str | int | bool | tuple[str, ...]
REPORTS: Final = (
    ("tests", "test_results/1"),
    ("coverage", "coverage/1"),
    ("secrets", "secret_findings/1"),
    ("findings", "code_findings/1"),
)
_Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Use:
    """A gate as it is proposed, and why."""

    id: str
    gate: str
    params: tuple[tuple[str, Value], ...]
    why: str
    enforcement: Enforcement = "block"


def propose(picture: Picture, question: Question) -> tuple[Use, ...]:
    """Propose what this release meets, as tightly as that can be said of any release."""
    places: dict[_Place, list[EvidenceRow2]] = {_place(row): [] for row in picture.components}
    for row in picture.evidence:
        places.setdefault((row.component, row.platform), []).append(row)
    out = [*_evidence(places), *_signers(places), *_builders(places), *_reports(places)]
    out.append(Use("evidence_age", "evidence_age/1", (("max_days", 90), ("types", ("sbom",))), "scan again in time"))
    if question.feed:
        out.append(Use("feed_age", "feed_age/1", (("max_hours", 168),), "a feed of last week still counts"))
    out += [*_budgets(picture), *_exploited(picture), *_vex(picture), *_unknowns(picture)]
    out.append(Use("waiver_expiry", "waiver_expiry/1", (), "waivers end", "warn"))
    out.append(Use("template_safety", "template_safety/1", (), "what the deployment template may ask"))
    return tuple(out)


def _place(row: ComponentRow) -> _Place:
    return (row.component, row.platform)


def _family(name: str) -> str:
    return name.partition("/")[0]


def _evidence(places: dict[_Place, list[EvidenceRow2]]) -> Iterable[Use]:
    """Demand each kind of document that every component has everywhere, as well bound as the weakest of them."""
    keys = sorted({(row.type, _family(row.format), row.predicate_type) for rows in places.values() for row in rows})
    for at, (kind, family, predicate) in enumerate(keys):
        best: list[int] = []
        for rows in places.values():
            fitting = [r for r in rows if (r.type, _family(r.format), r.predicate_type) == (kind, family, predicate)]
            best.append(max((RANK[row.binding] for row in fitting), default=-1))
        if min(best, default=-1) < 0:
            continue
        binding = next(name for name, rank in RANK.items() if rank == min(best))
        params: list[tuple[str, Value]] = [
            ("types", (kind,)),
            ("formats", (f"{family}/*", family)),
            ("binding", binding),
        ]
        if predicate:
            params.append(("predicate_types", (predicate,)))
        yield Use(f"{kind}-{at}", "evidence_required/1", tuple(params), f"every component has it, {binding}")


def _signers(places: dict[_Place, list[EvidenceRow2]]) -> Iterable[Use]:
    """Demand the signers of each type that is signed everywhere."""
    for kind in sorted({row.type for rows in places.values() for row in rows}):
        signed = [
            [row for row in rows if row.type == kind and row.verified and row.signers] for rows in places.values()
        ]
        if all(signed) and signed:
            names = tuple(sorted({name for rows in signed for row in rows for name in row.signers}))
            params = (("types", (kind,)), ("signers", names))
            yield Use(f"{kind}-signers", "signed_by/1", params, "who signed it now")


def _builders(places: dict[_Place, list[EvidenceRow2]]) -> Iterable[Use]:
    built = [[row for row in rows if row.type == "provenance" and row.builder] for rows in places.values()]
    if not built or not all(built):
        return
    rows = [row for each in built for row in each]
    sources = {row.source for row in rows}
    params: list[tuple[str, Value]] = [
        ("builders", tuple(sorted({row.builder for row in rows}))),
        ("verified", all(row.verified for row in rows)),
    ]
    if "" not in sources:
        params.append(("sources", tuple(sorted(sources))))
    yield Use("builders", "built_by/1", tuple(params), "who built it now, from where")


def _reports(places: dict[_Place, list[EvidenceRow2]]) -> Iterable[Use]:
    for kind, gate in REPORTS:
        found = [[RANK[row.binding] for row in rows if row.type == kind] for rows in places.values()]
        if found and all(found):
            weakest = min(min(ranks) for ranks in found)
            binding = next(name for name, rank in RANK.items() if rank == weakest)
            yield Use(gate.partition("/")[0], gate, (("binding", binding),), "every component is reported on")


def _budgets(picture: Picture) -> Iterable[Use]:
    groups = distinct(one for one in picture.findings if one.open)
    counts = {label: sum(group[0].severity == label for group in groups) for label in SEVERITIES}
    yield Use("severity_budget", "severity_budget/1", tuple(counts.items()), "what is open now, and no more")
    delta = (("threshold_tenths", 70), ("without_baseline", "not_applicable"))
    yield Use("cve_delta", "cve_delta/2", delta, "nothing high comes new")


def _exploited(picture: Picture) -> Iterable[Use]:
    listed = any(one.open and one.kev_due for one in picture.findings)
    yield Use("kev_blocker", "kev_blocker/2", (("allow_grace_period", listed),), "known to be exploited")
    scores = [one.epss for one in picture.findings if one.open and one.epss is not None]
    threshold = min(1_000_000, max(600_000, max(scores, default=0) + 1))
    unscored: Literal["unknown", "ignore"] = (
        "ignore" if any(one.open and one.epss is None for one in picture.findings) else "unknown"
    )
    params = (("threshold_millionths", threshold), ("unscored", unscored))
    yield Use("epss_threshold", "epss_threshold/2", params, "likely to be exploited")


def _vex(picture: Picture) -> Iterable[Use]:
    closed = [one for one in picture.findings if one.vex in CLOSED_BY_VEX and one.waived_by is None]
    params: tuple[tuple[str, Value], ...] = (("failure_action", "block"),)
    if closed:
        weights = [_strongest(one) for one in closed]
        verified = all(any(c.verified and c.status in CLOSED_BY_VEX for c in one.claims) for one in closed)
        params += (("minimum_score", min(weights)), ("require_verified", verified), ("freshness", ("fresh", "stale")))
    yield Use("vex_trust", "vex_trust/2", params, "claims that close weigh as much as those of now")
    yield Use("vex_conflict", "vex_conflict/1", (), "claims agree")


def _strongest(one: AssessedFinding2) -> int:
    return max((claim.score for claim in one.claims if claim.status in CLOSED_BY_VEX), default=0)


def _unknowns(picture: Picture) -> Iterable[Use]:
    rows = picture.unknowns
    reasons = sorted({row.reason for row in rows})
    limits = tuple(f"{reason}={sum(row.reason == reason for row in rows)}" for reason in reasons)
    params = (("max_count", len(rows)), ("max_cumulative", sum(row.entropy for row in rows)), ("reason_limits", limits))
    yield Use("unknowns", "unknowns_budget/2", params, "what is not known now, and no more")


def write(name: str, about: str, uses: Iterable[Use]) -> str:
    """Write a pack as YAML. Texts are written as JSON strings, which YAML takes as they stand."""
    lines = [
        "# Proposed from evidence that was there: read every line, then make it yours.",
        f"name: {name}",
        'version: "1"',
        f"description: {_text(about)}",
        "gates:",
    ]
    for use in uses:
        lines += [f"  # {use.why}", f"  - id: {use.id}", f"    gate: {use.gate}"]
        if use.enforcement != "block":
            lines.append(f"    enforcement: {use.enforcement}")
        if use.params:
            lines.append("    with:")
            lines += [f"      {key}: {_value(value)}" for key, value in use.params]
    lines += ["moment:", "  - gate: approvals/1", "    with:", "      minimum: 1", "  - gate: freeze_window/1"]
    lines += ["  - gate: stop_line/1", ""]
    return "\n".join(lines)


def _value(value: Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _text(value)


def _text(text: str) -> str:
    return msgspec.json.encode(text).decode()
