"""What the index holds: its tables, and batches of rows. Knows names and types; must not know records or databases."""

from typing import Any, Final, Literal

Type = Literal["int", "text", "flag", "digest"]

VERSION: Final = 2
"""Raised when a table or a mapping changes: an index of another version is made again."""


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
        "environments": "environment:digest name rank:int production:flag",
        "targets": "target:digest name type environment removed:flag",
        "evidence": "admission:digest evidence:digest raw:digest subject:digest type format binding "
        "verification:digest admitted_at submitter",
        "vex": "admission:digest vulnerability product status justification author pointer",
        "verdicts": "verdict:digest release:digest environment:digest environment_name purpose outcome as_of "
        "valid_until policy:digest question:digest assessment:digest",
        "gate_results": "verdict:digest id gate enforcement status findings:int",
        "gate_findings": "verdict:digest id code severity component purl vulnerability",
        "assessments": "assessment:digest question:digest findings:int open:int",
        "findings": "assessment:digest component platform purl version vulnerability severity score_tenths:int "
        "sbom:digest sbom_pointer vex waived_by:digest open:flag new:flag epss:int kev_due",
        "finding_names": "assessment:digest vulnerability name",
        "promotions": "promotion:digest id release:digest environment:digest environment_name purpose reason "
        "requested_by requested_at",
        "promotion_states": "promotion:digest state verdict:digest decision:digest deployment:digest "
        "packet:digest moved_at",
        "decisions": "decision:digest promotion:digest verdict:digest outcome as_of valid_until",
        "approvals": "admitted:digest approval:digest promotion:digest verdict:digest decision person login "
        "personal:flag admitted_at expires_at",
        "deployments": "deployment:digest id promotion:digest release:digest environment:digest environment_name "
        "started_at deployer",
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
"""Columns by table. ``seq`` is the position of the entry, ``item`` the row's place in it: a total order."""

Row = tuple[Any, ...]


class Batch:
    """Rows by table, in log order, from position ``start`` up to ``stop``."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.stop = start
        self.count = 0
        self.rows: dict[str, list[Row]] = {name: [] for name in TABLES}

    def columns(self, table: str) -> list[tuple[Any, ...]]:
        """Turn a table's rows into columns."""
        return list(zip(*self.rows[table], strict=True)) or [()] * len(TABLES[table])

    def drop(self, table: str, column: str, values: set[Any]) -> None:
        """Take out the rows that hold one of some values."""
        at = [name for name, _ in TABLES[table]].index(column)
        self.rows[table] = [row for row in self.rows[table] if row[at] not in values]
