"""CSAF 2.0, mandatory tests about scores: 6.1.7 to 6.1.10. Scores are computed by the ``cvss`` library."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import cvss
from cvss.exceptions import CVSSError

from pipeline.formats import schema
from pipeline.formats.csaf_parts import Document, Found, Test, items, quoted, vulnerabilities

_SCHEMAS: Final = {"2.0": "cvss-v2.0.json", "3.0": "cvss-v3.0.json", "3.1": "cvss-v3.1.json"}
_SCORES: Final = ("baseScore", "temporalScore", "environmentalScore")
_V2: Final = {
    "accessVector": "AV", "accessComplexity": "AC", "authentication": "Au", "confidentialityImpact": "C",
    "integrityImpact": "I", "availabilityImpact": "A", "exploitability": "E", "remediationLevel": "RL",
    "reportConfidence": "RC", "collateralDamagePotential": "CDP", "targetDistribution": "TD",
    "confidentialityRequirement": "CR", "integrityRequirement": "IR", "availabilityRequirement": "AR",
}  # fmt: skip
_V3_BASE: Final = {
    "attackVector": "AV", "attackComplexity": "AC", "privilegesRequired": "PR", "userInteraction": "UI", "scope": "S",
    "confidentialityImpact": "C", "integrityImpact": "I", "availabilityImpact": "A",
}  # fmt: skip
_V3: Final = {
    **_V3_BASE,
    **{f"modified{name[0].upper()}{name[1:]}": f"M{metric}" for name, metric in _V3_BASE.items()},
    "exploitCodeMaturity": "E", "remediationLevel": "RL", "reportConfidence": "RC",
    "confidentialityRequirement": "CR", "integrityRequirement": "IR", "availabilityRequirement": "AR",
}  # fmt: skip
_METRICS: Final = (_V3, _V2)
_TENTH: Final = 0.1
_COMPUTED: Final = frozenset(
    {*_SCORES, "baseSeverity", "temporalSeverity", "environmentalSeverity", "version", "vectorString"}
)


def _scores(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Give each CVSS object with its place and version."""
    for at, vulnerability in vulnerabilities(document):
        for here, score in items(vulnerability, "scores", at):
            for name, default in (("cvss_v2", "2.0"), ("cvss_v3", "3.1")):
                if isinstance(score.get(name), dict):
                    version = str(score[name].get("version", default))
                    yield f"{here}/{name}", version if version in _SCHEMAS else default, score[name]


def _computed(version: str, score: Mapping[str, Any]) -> Any:
    """Compute a vector; None when it is none (which the schema says already)."""
    try:
        return (cvss.CVSS2 if version == "2.0" else cvss.CVSS3)(str(score.get("vectorString", "")))
    except CVSSError:
        return None


def scored_twice(document: Document) -> Found:
    """6.1.7: a product has one score of each version of CVSS."""
    for at, vulnerability in vulnerabilities(document):
        seen: set[tuple[str, str]] = set()
        for here, score in items(vulnerability, "scores", at):
            versions = [str(score[name].get("version", name)) for name in ("cvss_v2", "cvss_v3") if name in score]
            pairs = {(product, version) for product in score["products"] for version in versions}
            for product, version in sorted(pairs & seen):
                yield here, f"product {quoted(product)} has another score of CVSS {version} already"
            seen |= pairs


def invalid(document: Document) -> Found:
    """6.1.8: a score is what its CVSS schema says."""
    for here, version, score in _scores(document):
        for fault in schema.faults(_SCHEMAS[version], score):
            yield here + fault.pointer, f"CVSS {version}: {fault.message}"
        if not list(schema.faults(_SCHEMAS[version], score)) and _computed(version, score) is None:
            yield f"{here}/vectorString", f"{quoted(score.get('vectorString'))} is no vector of CVSS {version}"


def miscomputed(document: Document) -> Found:
    """6.1.9: the scores and severities are those of the vector."""
    for here, version, score in _scores(document):
        computed = _computed(version, score)
        if computed is None:
            continue
        for name, right in zip(_SCORES, computed.scores(), strict=True):
            given = score.get(name)
            if isinstance(given, int | float) and right is not None and abs(given - float(right)) > _TENTH / 2:
                yield f"{here}/{name}", f"{given} is given, the vector computes to {right}"
        if version != "2.0":
            for name, severity in zip(_SCORES, computed.severities(), strict=True):
                key = name.replace("Score", "Severity")
                if key in score and score[key] != severity.upper():
                    yield f"{here}/{key}", f"{quoted(score[key])} is given, the vector computes to {severity.upper()}"


def inconsistent(document: Document) -> Found:
    """6.1.10: the properties do not contradict the vector; what it does not give, it does not contradict."""
    for here, version, score in _scores(document):
        computed = _computed(version, score)
        if computed is None:
            continue
        right, said = computed.as_json(), {part.partition(":")[0] for part in str(score["vectorString"]).split("/")}
        for name in sorted(set(score) - _COMPUTED):
            if _METRICS[version == "2.0"].get(name) in said and score[name] != right.get(name):
                yield f"{here}/{name}", f"{quoted(score[name])} contradicts the vector, which says {right.get(name)}"


TESTS: Final[tuple[tuple[str, Test], ...]] = (
    ("6.1.7", scored_twice),
    ("6.1.8", invalid),
    ("6.1.9", miscomputed),
    ("6.1.10", inconsistent),
)
