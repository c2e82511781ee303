"""What formats of licence reports share: a package and its licence expression as one result. Must not know any tool.

The expression is the result's rule: SPDX where the tool writes SPDX, else its own words. Several licences without an
operator between them all apply, as far as anybody can tell.
"""

from collections.abc import Iterable

from cas.records.report import ReportedFinding
from pipeline.formats.reports import words
from pipeline.formats.reports.report import result

UNKNOWN = frozenset({"", "unknown", "noassertion", "none", "unlicensed?", "n/a", "undefined", "custom"})


def licensed(
    pointer: str,
    kind: str,
    name: str | None,
    version: str | None,
    licenses: Iterable[str | None],
    *,
    purl: str = "",
    path: str | None = "",
) -> ReportedFinding:
    """Build the result for a package; an unknown licence is the empty rule."""
    told = [each.strip() for each in licenses if each and each.strip().lower() not in UNKNOWN]
    several = len(told) > 1
    joined = " AND ".join(f"({each})" if several and " " in each else each for each in dict.fromkeys(told))
    return result(
        "license",
        pointer,
        rule=joined,
        purl=purl or words.package_url(kind, name or "", version or ""),
        package=name,
        version=version,
        path=path,
    )
