"""PMD CSV (``-f csv``): rule violations, one a row, in the columns that PMD writes by default.

It tells neither errors nor what was suppressed: [pmd-json](pmd-json.md) and [pmd-xml](pmd-xml.md) do.
"""

import csv
from collections.abc import Iterator
from typing import Final

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.pmd import PRIORITIES
from pipeline.formats.reports.report import count, lines, report, report_format, result, unreadable

_LINE: Final = 1024
NAME: Final = "pmd-csv"
_COLUMNS: Final = ("Problem", "Package", "File", "Priority", "Line", "Description", "Rule set", "Rule")
_HEADS: Final = (",".join(_COLUMNS), ",".join(f'"{each}"' for each in _COLUMNS))


def read(data: bytes, version: str) -> ReportFacts:
    """Give the violations.

    Raises: evidence.unreadable, cas.too_large
    """
    try:
        found = tuple(_findings(lines(data, NAME)))
    except csv.Error as error:
        raise unreadable(NAME, str(error)) from error
    return report(f"{NAME}/{version}", "PMD", found)


def _findings(rows: list[str]) -> Iterator[ReportedFinding]:
    reader = csv.reader((f"{row}\n" for row in rows), strict=True)
    next(reader, None)
    for row in reader:
        if not row:
            continue
        if len(row) != len(_COLUMNS):
            raise unreadable(NAME, f"line {reader.line_num}: {len(row)} columns instead of {len(_COLUMNS)}")
        told = dict(zip(_COLUMNS, row, strict=True))
        yield result(
            "code",
            f"#L{reader.line_num}",
            rule=f"{told['Rule set']}/{told['Rule']}" if told["Rule set"] else told["Rule"],
            severity=PRIORITIES.get(count(told["Priority"]), "unknown"),
            path=told["File"],
            line=count(told["Line"]),
            message=told["Description"],
        )


def _detects(content: Content) -> bool:
    return content.syntax == "text" and content.value[:_LINE].lstrip("\ufeff").partition("\n")[0].strip() in _HEADS


PMD_CSV: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
