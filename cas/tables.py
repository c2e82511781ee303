"""What the index holds: its tables, and batches of rows. Knows names and types; must not know records or databases."""

from collections.abc import Sequence
from itertools import compress
from typing import Any, Final, Literal

Type = Literal["int", "text", "flag", "digest"]

VERSION: Final = 4
"""Raised when a table, a view or a mapping changes: an index of another version is made again."""


def _columns(spelled: str) -> tuple[tuple[str, Type], ...]:
    """Read ``name:type`` pairs; a bare name is text."""
    pairs = (word.partition(":") for word in spelled.split())
    return tuple((name, kind or "text") for name, _, kind in pairs)  # type: ignore[misc]


TABLES: Final[dict[str, tuple[tuple[str, Type], ...]]] = {
    name: _columns("seq:int item:int " + spelled)
    for name, spelled in {
        "entries": "event record:digest actor noted_at",
        "releases": "release:digest id name line created_at created_by",
        "components": "release:digest name repository tag digest:digest resolution:digest semver role",
        "images": "release:digest component digest:digest role platform",
        "release_sources": "release:digest name value",
        "environments": "environment:digest name rank:int production:flag",
        "targets": "target:digest name type environment removed:flag",
        "evidence": "admission:digest evidence:digest raw:digest subject:digest type format binding "
        "verification:digest admitted_at submitter",
        "packages": "admission:digest subject:digest purl package mark:int",
        "builds": "admission:digest subject:digest builder source source_digest",
        "vex": "admission:digest vulnerability product status justification author pointer",
        "verdicts": "verdict:digest release:digest environment:digest environment_name purpose outcome as_of "
        "valid_until policy:digest question:digest assessment:digest picture:digest",
        "gate_results": "verdict:digest id gate enforcement status findings:int",
        "gate_findings": "verdict:digest id code severity component purl vulnerability",
        "assessments": "assessment:digest question:digest picture:digest findings:int open:int",
        "findings": "picture:digest component platform purl version vulnerability severity score_tenths:int "
        "sbom:digest sbom_pointer vex waived_by:digest open:flag new:flag epss:int kev_due mark:int",
        "finding_names": "picture:digest vulnerability name mark:int",
        "promotions": "promotion:digest id release:digest environment:digest environment_name purpose reason "
        "requested_by requested_at",
        "promotion_states": "promotion:digest asked:int id release:digest release_name environment_name purpose reason "
        "requested_by requested_at state verdict:digest decision:digest deployment:digest packet:digest "
        "approvals:int moved_at",
        "decisions": "decision:digest promotion:digest verdict:digest outcome as_of valid_until",
        "approvals": "admitted:digest approval:digest promotion:digest verdict:digest decision person login "
        "personal:flag admitted_at expires_at",
        "deployments": "deployment:digest id promotion:digest decision:digest release:digest "
        "environment:digest environment_name started_at deployer",
        "deployment_results": "result:digest deployment:digest outcome completed_at",
        "outcomes": "result:digest deployment:digest release:digest line environment_name target:digest outcome code "
        "sticker:digest completed_at",
        "deployed": "environment_name line running:flag deployed:digest release:digest deployment:digest "
        "packet:digest completed_at",
        "feeds": "feed:digest name captured_at documents:int newest",
        "drift": "report:digest target:digest drifted:flag type component field expected actual",
        "waivers": "waiver:digest vulnerability component subject:digest environment expires_at approved_by reason",
    }.items()
}
"""Columns by table. ``seq`` is the position of the entry, ``item`` the row's place in it: a total order.

A ``picture`` is the record that lists an assessment's findings: the assessment itself, or one that several share.
A ``mark`` stands for a name that is searched for: numbers are gone through many times faster than names.
"""

NEWEST: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "releases": (("release",), "true"),
    "targets": (("target",), "true"),
    "verdicts": (("release", "environment_name"), "purpose <> 'simulation'"),
    "promotion_states": (("promotion",), "true"),
    "deployed": (("environment_name", "line"), "true"),
    "outcomes": (("target", "line"), "outcome IN ('deployed', 'unchanged', 'failed')"),
}
"""Tables whose newest row by key is kept beside them, as ``<table>_now``: the state, where they are the history.

By table: the key, and which rows count (SQL).
"""

Row = tuple[Any, ...]


class Batch:
    """Rows by table, from position ``start`` up to ``stop``; what gives few rows adds them, the rest whole columns."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.stop = start
        self.count = 0
        self.rows: dict[str, list[Row]] = {}
        self.parts: dict[str, list[list[Any]]] = {}

    def add(self, table: str, *row: Any) -> None:
        """Add a row."""
        self.rows.setdefault(table, []).append(row)
        self.count += 1

    def extend(self, table: str, *columns: Sequence[Any]) -> None:
        """Add many rows, column by column."""
        known = self.parts.setdefault(table, [[] for _ in columns])
        for column, more in zip(known, columns, strict=True):
            column.extend(more)
        self.count += len(columns[0])

    def columns(self, table: str) -> list[list[Any]]:
        """Give a table's rows as columns; an empty list when there are none."""
        rows = [list(column) for column in zip(*self.rows.get(table, ()), strict=True)]
        parts = self.parts.get(table, [])
        if not rows or not parts:
            return rows or parts
        return [part + more for part, more in zip(parts, rows, strict=True)]

    def drop(self, table: str, column: str, values: set[Any]) -> None:
        """Take out the rows that hold one of some values."""
        at = [name for name, _ in TABLES[table]].index(column)
        columns = self.columns(table)
        if columns:
            kept = [value not in values for value in columns[at]]
            self.rows.pop(table, None)
            self.parts[table] = [list(compress(each, kept)) for each in columns]
