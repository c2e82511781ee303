"""Lint: what is allowed in a pack and yet looks wrong. Knows gates by what they demand; must not know storing.

A warning never refuses anything: a pack for a development environment may well look wrong for production.
"""

from collections.abc import Iterator
from typing import Final

from cas.problems import Fault
from cas.records.policy import GateUse, Param, PolicyPack
from policy.gates.catalog import GATES
from policy.packs.reading import Written

NEVER_FAIL: Final = {
    "confidence/1": "it only warns",
    "waiver_expiry/1": "it only warns",
}
BUDGETS: Final = frozenset(
    {
        "evidence_required/1",
        "severity_budget/1",
        "release_aggregate_cve/1",
        "release_aggregate_cve/2",
        "unknowns_budget/1",
        "unknowns_budget/2",
        "license_terms/1",
        "coverage/1",
    }
)
"""Gates whose parameters are the point of asking them."""

NAMES: Final = (("signers", "any verified signer suffices"), ("builders", "any builder suffices"))
DEMANDS: Final = (
    ("evidence_not_demanded", ("evidence_required",), "sbom", "no gate that blocks demands an SBOM"),
    (
        "provenance_not_demanded",
        ("evidence_required", "built_by", "provenance_source"),
        "provenance",
        "no gate that blocks demands provenance: production should know who built what runs there",
    ),
    ("unknowns_without_budget", ("unknowns_budget",), "", "what is not known has no budget: add unknowns_budget/2"),
    ("vex_trusted_blindly", ("vex_trust",), "", "VEX closes findings, and nothing says whose claims suffice"),
    ("feed_of_any_age", ("feed_age",), "", "an old feed knows no new vulnerabilities: add feed_age/1"),
    ("exploited_not_asked", ("kev_blocker",), "", "nothing asks for what is known to be exploited: add kev_blocker/2"),
)
_LATEST: Final = {gate.name: gate for gate in sorted(GATES, key=lambda gate: gate.version)}


def warnings(written: Written) -> tuple[Fault, ...]:
    """List what looks wrong, each with line and column, in the order of the document."""
    places = {use.id: f"/gates/{at}" for at, use in enumerate(written.pack.gates)}
    places |= {use.id: f"/moment/{at}" for at, use in enumerate(written.pack.moment)}
    found = [
        *_of_uses(written.flat, places),
        *_of_pack(written.flat),
        *_of_cases(written),
        *_of_overrides(written),
    ]
    marks = written.marked.marks
    found.sort(key=lambda one: (marks.get(one[0], (1, 1)), one[1]))
    return tuple(written.marked.fault(pointer, f"lint.{code}", message) for pointer, code, message in found)


def _of_uses(flat: PolicyPack, places: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    seen: dict[tuple[str, tuple[Param, ...]], str] = {}
    for use in (*flat.gates, *flat.moment):
        place = places.get(use.id, "/include")
        reason = _never_fails(use)
        if use.enforcement == "block" and reason:
            yield place, "never_fails", f"{use.id} blocks nothing: {reason}; say warn, or change its parameters"
        if use.enforcement == "block" and use.gate in BUDGETS and not use.params:
            yield place, "defaults_taken", f"{use.id} says nothing of its own: write down what you demand"
        for param, meaning in NAMES:
            if use.enforcement == "block" and _value(use, param) == ("*",):
                yield place, "names_anybody", f"{use.id}: {meaning}; name those you trust"
        name = use.gate.partition("/")[0]
        if name in _LATEST and _LATEST[name].id != use.gate:
            yield place, "newer_version", f"{use.gate} has a newer version: {_LATEST[name].id}"
        key = (use.gate, use.params)
        if key in seen:
            yield place, "asked_twice", f"{use.id} asks what {seen[key]} asks: drop one"
        seen.setdefault(key, use.id)
        if use.gate == "evidence_required/1" and _value(use, "binding") == "asserted" and use.enforcement == "block":
            yield place, "binding_weak", f"{use.id}: what is only asserted anybody may say; attested is a signature"


def _never_fails(use: GateUse) -> str:
    if use.gate in NEVER_FAIL:
        return NEVER_FAIL[use.gate]
    if use.gate == "unknowns_budget/2" and _value(use, "action") == "warn":
        return "its action is warn"
    if use.gate == "vex_trust/2" and _value(use, "failure_action") == "warn":
        return "" if _value(use, "missing_trust") in {None, "block"} else "it warns whatever it finds"
    if use.gate == "lattice_state/1" and _value(use, "forbid") == () and _value(use, "otherwise") != "fail":
        return "it forbids no state"
    return ""


def _value(use: GateUse, name: str) -> object:
    return next((param.value for param in use.params if param.name == name), None)


def _of_pack(flat: PolicyPack) -> Iterator[tuple[str, str, str]]:
    blocking = [use for use in flat.gates if use.enforcement == "block" and not _never_fails(use)]
    if not blocking:
        yield "/gates", "nothing_blocks", "no gate blocks: whatever is found, the answer is allow"
        return
    for code, gates, kind, message in DEMANDS:
        if not any(_demands(use, gates, kind) for use in blocking):
            yield "/gates", code, message
    if not flat.description.strip():
        yield "/name", "undescribed", "say in description what the pack is for, and who should use it"
    if not any(use.gate.startswith("approvals/") and use.enforcement == "block" for use in flat.moment):
        yield "/moment", "nobody_approves", "only the environment's own number of approvals holds: add approvals/1"


def _demands(use: GateUse, gates: tuple[str, ...], kind: str) -> bool:
    name = use.gate.partition("/")[0]
    if name not in gates:
        return False
    types = _value(use, "types")
    asked = types if isinstance(types, tuple) else ("sbom",)
    return name != "evidence_required" or not kind or kind in asked


def _of_cases(written: Written) -> Iterator[tuple[str, str, str]]:
    outcomes = {case.expect.outcome for case in written.cases}
    if not written.cases:
        yield "", "no_cases", "no cases test this pack: add some that allow and some that deny"
    elif "deny" not in outcomes:
        yield "/cases", "no_case_denies", "no case expects deny: nothing shows that the pack blocks anything"
    elif "allow" not in outcomes:
        yield "/cases", "no_case_allows", "no case expects allow: nothing shows that the pack can be met"


def _of_overrides(written: Written) -> Iterator[tuple[str, str, str]]:
    by_id = {use.id: use for use in (*written.flat.gates, *written.flat.moment)}
    mine = {(one.environment, one.id): one for one in written.pack.overrides}
    for at, given in enumerate(written.marked.value.get("overrides") or ()):
        use, override = by_id[given["id"]], mine[given["environment"], given["id"]]
        if set(override.params) <= set(use.params) and override.enforcement in {None, use.enforcement}:
            yield f"/overrides/{at}", "override_idle", f"changes nothing of {use.id}"
