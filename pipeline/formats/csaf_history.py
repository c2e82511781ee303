"""CSAF 2.0, mandatory tests about versions and the revision history: 6.1.14, 6.1.16 to 6.1.22, 6.1.30."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pipeline.formats.csaf_parts import Document, Found, Test, items, quoted
from pipeline.formats.instant import instant
from pipeline.versions import semver
from pipeline.versions.scheme import VersionInvalidError

_AT: Final = "/document/tracking"
_HISTORY: Final = f"{_AT}/revision_history"
_FRACTION: Final = re.compile(r"[.,](\d{1,18})")
_DIGITS: Final = 18
_OUT: Final = frozenset({"final", "interim"})


def _tracking(document: Document) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document["document"]["tracking"]
    return found


def _bare(version: str) -> str:
    return version.partition("+")[0]


def _pre_release(version: str) -> bool:
    return "-" in _bare(version)


def _major(version: str) -> int:
    digits = version.partition(".")[0].partition("-")[0].partition("+")[0]
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS


def _order(version: str) -> str:
    """Give a text that sorts as versions do; one too long to order sorts behind all."""
    try:
        return str(semver.sort(version if "." in version else f"{version}.0.0"))
    except VersionInvalidError:
        return "~"


def _zero(version: str) -> bool:
    return _major(version) == 0


def _moment(date: str) -> tuple[str, str]:
    """Give the second and its fraction, which text order sorts."""
    fraction = _FRACTION.search(date)
    return instant(date) or date, fraction.group(1).ljust(18, "0") if fraction else "0" * 18


def _sorted(document: Document) -> list[tuple[str, str]]:
    """Give (place, number) of the history by date; what has one date, by number."""
    listed = list(items(_tracking(document), "revision_history", _AT))
    listed.sort(key=lambda pair: (*_moment(pair[1]["date"]), _order(pair[1]["number"])))
    return [(here, item["number"]) for here, item in listed]


def unsorted(document: Document) -> Found:
    """6.1.14: later revisions have higher numbers."""
    before = ""
    for here, number in _sorted(document):
        order = _order(number)
        if order < before:
            yield f"{here}/number", f"revision {quoted(number)} is later than a higher one"
        before = max(before, order)


def not_latest(document: Document) -> Found:
    """6.1.16: the document's version is that of its last revision."""
    tracking = _tracking(document)
    number = _sorted(document)[-1][1]
    mine, last = _bare(tracking["version"]), _bare(number)
    if tracking["status"] == "draft":
        mine, last = mine.partition("-")[0], last.partition("-")[0]
    if mine != last:
        yield f"{_AT}/version", f"version {quoted(tracking['version'])}, but the last revision is {quoted(number)}"


def not_draft(document: Document) -> Found:
    """6.1.17: a version 0, or a pre-release, is a draft."""
    tracking = _tracking(document)
    version = tracking["version"]
    if tracking["status"] != "draft" and (_zero(version) or _pre_release(version)):
        yield f"{_AT}/status", f"version {quoted(version)} is a draft, the status is {quoted(tracking['status'])}"


def zero_released(document: Document) -> Found:
    """6.1.18: a released document has no revision 0."""
    if _tracking(document)["status"] in _OUT:
        for here, item in items(_tracking(document), "revision_history", _AT):
            if _zero(item["number"]):
                yield f"{here}/number", f"revision {quoted(item['number'])} in a released document"


def pre_release_revision(document: Document) -> Found:
    """6.1.19: no revision is a pre-release."""
    for here, item in items(_tracking(document), "revision_history", _AT):
        if _pre_release(item["number"]):
            yield f"{here}/number", f"revision {quoted(item['number'])} is a pre-release"


def pre_release_out(document: Document) -> Found:
    """6.1.20: a released document's version is no pre-release."""
    tracking = _tracking(document)
    if tracking["status"] in _OUT and _pre_release(tracking["version"]):
        yield f"{_AT}/version", f"version {quoted(tracking['version'])} is a pre-release, the document is released"


def revision_missing(document: Document) -> Found:
    """6.1.21: revisions start at 0 or 1 and leave no number out; of semantic versions, no major number."""
    before: int | None = None
    for here, number in _sorted(document):
        major = _major(number)
        if before is None and major > 1:
            yield f"{here}/number", f"the first revision is {quoted(number)}, neither 0 nor 1"
        elif before is not None and major > before + 1:
            yield f"{here}/number", f"revision {before + 1} is missing before {quoted(number)}"
        before = major


def revision_twice(document: Document) -> Found:
    """6.1.22: no number is given twice."""
    seen: set[str] = set()
    for here, item in items(_tracking(document), "revision_history", _AT):
        if item["number"] in seen:
            yield f"{here}/number", f"revision {quoted(item['number'])} is given twice"
        seen.add(item["number"])


def mixed_versions(document: Document) -> Found:
    """6.1.30: integer and semantic versions are not mixed."""
    semantic = "." in _tracking(document)["version"]
    for here, item in items(_tracking(document), "revision_history", _AT):
        if ("." in item["number"]) is not semantic:
            yield f"{here}/number", f"revision {quoted(item['number'])} is versioned otherwise than the document"


TESTS: Final[tuple[tuple[str, Test], ...]] = (
    ("6.1.14", unsorted),
    ("6.1.16", not_latest),
    ("6.1.17", not_draft),
    ("6.1.18", zero_released),
    ("6.1.19", pre_release_revision),
    ("6.1.20", pre_release_out),
    ("6.1.21", revision_missing),
    ("6.1.22", revision_twice),
    ("6.1.30", mixed_versions),
)
