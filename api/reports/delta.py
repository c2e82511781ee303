"""The difference of two verdicts as other tools read it: SARIF with the rules SDIFF001 to SDIFF004, and a predicate.

The predicate travels in an in-toto statement about the newer release's images; it names both verdicts, so that whoever
has them can compare again. An instance signs the same statement (``pipeline.operations.deltas``). Pure.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from api.calls.verdicts import MaterialChange, VerdictsDiff
from api.reports.sarif import INFORMATION, NAME, SCHEMA, written
from api.reports.shown import printable
from cas import digest
from cas.records.delta import Delta
from pipeline.attest import delta as attested

RULES: Final = (
    ("R1", "SDIFF001", "ReachabilityFlip", "The vulnerable code became reachable, or ceased to be."),
    ("R2", "SDIFF002", "VexFlip", "What VEX says of the vulnerability flipped."),
    ("R3", "SDIFF003", "RangeBoundary", "The affected range of a vulnerability was entered or left."),
    ("R4", "SDIFF004", "IntelligenceOrPolicyFlip", "KEV, EPSS, severity, a waiver or a gate's decision flipped."),
)
_AT: Final = {rule: at for at, (rule, _, _, _) in enumerate(RULES)}
_WORSE: Final = frozenset({"entered", "opened"})
_BAD_AFTER: Final = {"vex": ("affected", "conflict"), "reach": ("SR", "RO", "CR", "X"), "decision": ("fail", "unknown")}
_SEVERITIES: Final = ("negligible", "low", "medium", "unknown", "high", "critical")


def worse(one: MaterialChange) -> bool:
    """Tell whether a change goes for the worse."""
    if one.code == "severity":
        return _SEVERITIES.index(one.after) > _SEVERITIES.index(one.before)
    if one.code == "epss":
        return int(one.after) > int(one.before)
    if one.code == "kev":
        return bool(one.after)
    return one.code in _WORSE or one.after in _BAD_AFTER.get(one.code, ())


def delta_sarif(found: VerdictsDiff, *, version: str = "") -> str:
    """Write material changes as a SARIF log: an error where a gate answers otherwise for the worse."""
    driver: dict[str, Any] = {"name": f"{NAME}-diff", "informationUri": INFORMATION, "rules": [*map(_rule, RULES)]}
    if version:
        driver["version"] = version
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"stella-diff/{quote(printable(found.environment))}/"},
        "results": [_result(one) for one in found.changes],
        "properties": {
            "old": found.old,
            "new": found.new,
            "before": found.before,
            "after": found.after,
            "oldRelease": printable(found.old_release),
            "newRelease": printable(found.new_release),
            "gates": [{"id": one.id, "before": one.before, "after": one.after} for one in found.gates],
        },
    }
    return written({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: tuple[str, str, str, str]) -> dict[str, Any]:
    short, name, title, text = rule
    return {"id": name, "name": title, "shortDescription": {"text": text}, "properties": {"rule": short}}


def _result(one: MaterialChange) -> dict[str, Any]:
    level = "note" if not worse(one) else "error" if one.gates else "warning"
    where = printable("/".join(filter(None, (one.component, one.package, one.vulnerability))) or "release")
    words = (one.rule, one.code, one.component, one.package, one.vulnerability, one.before, one.after)
    return {
        "ruleId": RULES[_AT[one.rule]][1],
        "ruleIndex": _AT[one.rule],
        "level": level,
        "message": {"text": printable(one.text)},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": where, "kind": "module"}]}],
        "partialFingerprints": {"stellaChange/v1": digest.of_bytes("\0".join(words).encode())[7:]},
        "properties": {"code": one.code, "before": one.before, "after": one.after, "gates": [*one.gates]},
    }


def statement(found: VerdictsDiff, subjects: tuple[tuple[str, str], ...]) -> bytes:
    """Build the in-toto statement of a delta, byte for byte as an instance signs it; ``subjects``: the newer images."""
    return attested.statement(msgspec.convert(found, Delta, from_attributes=True), subjects)


def delta_markdown(found: VerdictsDiff) -> str:
    """Write the difference as a section of Markdown."""
    from api.reports.summary import text  # noqa: PLC0415

    out = [f"## {text(found.old_release)} to {text(found.new_release)}: {found.before} to {found.after}", ""]
    if found.gates:
        out += ["| gate | before | after | appeared | gone |", "|---|---|---|--:|--:|"]
        out += [
            f"| {text(one.id)} | {one.before or '-'} | {one.after or '-'} | {len(one.appeared)} | {len(one.gone)} |"
            for one in found.gates
        ]
        out.append("")
    out += [f"- {one.rule} {text(one.text)}" for one in found.changes] or ["- no material change"]
    out += [
        f"- evidence: {text(f'{one.component} {one.type} {one.format}')} {one.raw}: "
        f"{text(one.before or 'not there')} to {text(one.after or 'not there')}"
        for one in found.evidence
    ]
    return "\n".join(out) + "\n"
