"""What coverage formats share: lines and branches of files, summed. Must not know any tool."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cas.records.report import CoverageFacts, CoveredFile
from pipeline.formats.decode import fit
from pipeline.formats.instant import instant
from pipeline.formats.reports.report import MAX_TEXT, SAFE


@dataclass(slots=True)
class Lines:
    """A file's lines by number, and whether any test ran each; a file told twice is one file."""

    ran: dict[int, bool] = field(default_factory=dict)

    def note(self, number: int, *, covered: bool) -> None:
        """Note a line; it is covered when anything says so."""
        self.ran[number] = covered or self.ran.get(number, False)

    @property
    def counts(self) -> tuple[int, int]:
        """Give (covered, total)."""
        return sum(self.ran.values()), len(self.ran)


def coverage(
    format_: str,
    tool: str,
    files: Mapping[str, tuple[int, int]] | Iterable[tuple[str, tuple[int, int]]],
    branches: tuple[int, int] = (0, 0),
    *,
    created_at: str | None = "",
    lines: tuple[int, int] | None = None,
) -> CoverageFacts:
    """Build facts from (covered, total) of files and of all branches; ``lines`` only where no file is told.

    More covered than there is, is as much as there is.
    """
    listed = sorted(files.items() if isinstance(files, Mapping) else files)
    held = [
        CoveredFile(path=fit(path, MAX_TEXT), covered=_within(*counts), total=min(counts[1], SAFE))
        for path, counts in listed
    ]
    covered, total = (sum(each.covered for each in held), sum(each.total for each in held))
    if not held and lines is not None:
        covered, total = _within(*lines), lines[1]
    return CoverageFacts(
        format=format_,
        tool=fit(tool, MAX_TEXT),
        created_at=instant(created_at or ""),
        subjects=(),
        lines_covered=min(covered, SAFE),
        lines_total=min(total, SAFE),
        branches_covered=_within(*branches),
        branches_total=min(branches[1], SAFE),
        files=tuple(held),
    )


def _within(covered: int, total: int) -> int:
    return max(0, min(covered, total, SAFE))
