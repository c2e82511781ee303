"""How bad an advisory says it is: CVSS base scores in tenths, and a label. Must not know packages.

Scores are computed by the ``cvss`` library, exactly as the CVSS documents say; import_feed/1 names its version. Where
an advisory gives several scores or words, the worst counts.
"""

import functools
from typing import Final

import cvss
from cvss.exceptions import CVSSError

from cas.records.evidence import Severity

_MAX_VECTOR: Final = 1024
_LABELS: Final = ("unknown", "negligible", "low", "medium", "high", "critical")
_WORDS: Final = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
    "negligible": "negligible",
    "minor": "low",
    "unimportant": "negligible",
    "none": "negligible",
}
_SYSTEMS: Final = {"CVSS_V2": cvss.CVSS2, "CVSS_V3": cvss.CVSS3, "CVSS_V4": cvss.CVSS4}


@functools.lru_cache(maxsize=65536)
def score(system: str, vector: str) -> int | None:
    """Give the base score in tenths; None when the system is unknown or the vector is not one of it."""
    if system not in _SYSTEMS or len(vector) > _MAX_VECTOR:
        return None
    try:
        tenths: int = round(_SYSTEMS[system](vector.strip()).base_score * 10)
    except (CVSSError, ArithmeticError, ValueError, KeyError, IndexError, TypeError):
        return None
    return tenths


def label(tenths: int | None) -> str:
    """Give CVSS's own qualitative rating of a score; a score of nothing is negligible."""
    if tenths is None:
        return "unknown"
    if tenths == 0:
        return "negligible"
    return "low" if tenths < 40 else "medium" if tenths < 70 else "high" if tenths < 90 else "critical"


def worst(severities: tuple[Severity, ...], word: str) -> tuple[str, int | None]:
    """Give (label, score): the highest score, and the worse of its label and what words say."""
    tenths = max((each.score_tenths for each in severities if each.score_tenths is not None), default=None)
    words = [word, *(each.vector for each in severities if each.system not in _SYSTEMS)]
    labels = [label(tenths), *(_WORDS.get(each.strip().lower(), "unknown") for each in words)]
    return max(labels, key=_LABELS.index), tenths
