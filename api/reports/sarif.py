"""A verdict as SARIF 2.1.0: a rule for each gate, a result for each finding, located at the evidence it rests on.

A location in a document that was given by name is that file's line; others are named by digest below the base
``STELLA`` (``objects/sha256:…``, as ``GET /api/v1/objects`` serves them), with the pointer as a logical location.
``partialFingerprints`` say that two results of two runs are the same finding. What VEX or a waiver closed is there,
suppressed, with the reason.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from api.calls.verdicts import VerdictView
from api.reports.shown import Files, Gate, Told, closed, gates, last_line, printable
from cas import digest
from cas.records.verdict import EvidenceRef, Finding
from pipeline.formats.spots import Spot

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
NAME: Final = "stella"
INFORMATION: Final = "https://stella-ops.org"
BASE: Final = "STELLA"
_LEVELS: Final = {"block": "error", "warn": "warning", "observe": "note"}
_SCORES: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "negligible": "0.0"}
Located = dict[EvidenceRef, tuple[str, Spot]]


def sarif(view: VerdictView, files: Files | None = None, *, version: str = "") -> str:
    """Write a verdict as a SARIF log of one run."""
    every = gates(view)
    located = (files or Files()).located(ref for one in every for each in one.findings for ref in each.finding.evidence)
    results = [_result(at, one, each, located) for at, one in enumerate(every) for each in one.findings]
    results += [_bare(at, one) for at, one in enumerate(every) if one.blocks and not one.findings]
    rules = [_rule(one) for one in every]
    shut = [*closed(view)]
    results += [_closed(line, len(rules)) for line in shut]
    rules += [_CLOSED_RULE] if shut else []
    driver = {"name": NAME, "informationUri": INFORMATION, "rules": rules, **({"version": version} if version else {})}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"stella/{quote(printable(view.environment))}/"},
        "originalUriBaseIds": {BASE: {"description": {"text": "Objects by digest: GET /api/v1/objects/<digest>."}}},
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": view.digest,
            "outcome": view.outcome,
            "release": printable(view.release),
            "environment": printable(view.environment),
            "policy": printable(view.policy),
            "asOf": view.as_of,
            "validUntil": view.valid_until,
            "answer": last_line(view),
        },
    }
    return written({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def written(log: dict[str, Any]) -> str:
    """Spell a SARIF log as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(log), indent=1).decode() + "\n"


_CLOSED_RULE: Final = {
    "id": "closed",
    "name": "Closed",
    "shortDescription": {"text": "Closed by a VEX statement or a waiver."},
    "defaultConfiguration": {"level": "none"},
}


def _rule(one: Gate) -> dict[str, Any]:
    text = printable(f"{one.asks} {one.remedy}".strip())
    return {
        "id": printable(one.result.id),
        "name": printable(one.result.gate),
        "shortDescription": {"text": printable(one.asks)},
        "fullDescription": {"text": text},
        "help": {"text": printable(one.remedy or one.asks)},
        "defaultConfiguration": {"level": _LEVELS[one.result.enforcement]},
        "properties": {"enforcement": one.result.enforcement, "status": one.result.status},
    }


def level_of(one: Gate) -> str:
    """Give the level of a gate's findings: an error blocks, whatever is only told is less."""
    if one.blocks:
        return "error"
    told = one.result.status in {"fail", "unknown", "warn"} and one.result.enforcement != "observe"
    return "warning" if told else "note"


def _result(at: int, one: Gate, each: Told, located: Located) -> dict[str, Any]:
    finding = each.finding
    properties: dict[str, Any] = {"code": finding.code, "severity": finding.severity}
    properties |= {"component": printable(finding.component), "purl": printable(finding.purl)}
    properties |= {"vulnerability": printable(finding.vulnerability), "flips": list(each.flips)}
    if finding.severity in _SCORES:
        properties["security-severity"] = _SCORES[finding.severity]
    return {
        "ruleId": printable(one.result.id),
        "ruleIndex": at,
        "level": level_of(one),
        "message": {"text": each.sentence},
        "locations": locations(finding.evidence, located) or [_nowhere(finding)],
        "partialFingerprints": {"stellaFinding/v1": fingerprint(one.result.gate, finding)},
        "properties": properties,
    }


def fingerprint(gate: str, one: Finding) -> str:
    """Name a finding the same in every run: gate, code, component, package without its version, vulnerability."""
    package = one.purl.partition("?")[0].rpartition("@")[0] or one.purl
    words = (gate, one.code, one.component, package, one.vulnerability or repr(one.arguments))
    return digest.of_bytes("\0".join(words).encode("utf-8", "surrogatepass"))[7:]


def locations(refs: tuple[EvidenceRef, ...], located: Located) -> list[dict[str, Any]]:
    """Give a location for each reference, those in files at hand first."""
    return [_location(ref, located.get(ref)) for ref in sorted(refs, key=lambda ref: ref not in located)]


def _location(ref: EvidenceRef, at: tuple[str, Spot] | None) -> dict[str, Any]:
    named = [{"fullyQualifiedName": printable(f"{ref.digest}{ref.pointer}"), "kind": "member"}]
    if at is None:
        artifact = {"uri": f"objects/{ref.digest}", "uriBaseId": BASE}
        return {"physicalLocation": {"artifactLocation": artifact}, "logicalLocations": named}
    path, spot = at
    region = {"startLine": spot.line, "startColumn": spot.column, "snippet": {"text": printable(spot.text)}}
    artifact = {"uri": quote(path.replace("\\", "/"))}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}, "logicalLocations": named}


def _nowhere(finding: Finding) -> dict[str, Any]:
    """What is missing stands in no document: it is named by what it is about."""
    named = printable("/".join(filter(None, (finding.component, finding.purl)))) or "release"
    return {"logicalLocations": [{"fullyQualifiedName": named, "kind": "module"}]}


def _bare(at: int, one: Gate) -> dict[str, Any]:
    return {
        "ruleId": printable(one.result.id),
        "ruleIndex": at,
        "level": "error",
        "message": {"text": printable(one.asks)},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": "release", "kind": "module"}]}],
        "partialFingerprints": {"stellaFinding/v1": digest.of_bytes(one.result.gate.encode())[7:]},
    }


def _closed(line: str, at: int) -> dict[str, Any]:
    return {
        "ruleId": "closed",
        "ruleIndex": at,
        "level": "none",
        "message": {"text": line},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": "release", "kind": "module"}]}],
        "partialFingerprints": {"stellaFinding/v1": digest.of_bytes(line.encode())[7:]},
        "suppressions": [{"kind": "external", "status": "accepted", "justification": line}],
    }
