"""The SQL of the named finds. Knows the tables and DuckDB's dialect; must not know where the database lies.

Each find reads one view, whose ``cursor`` (2^20 items to an entry) orders its rows totally: DuckDB gives ties in any
order, and what is newest of its kind has the highest. No floats, no aggregate that hangs on order. Names in the SQL
are ours, values are always bound.
"""

from typing import Any, Final, TypeVar, get_type_hints

import msgspec

from cas.digest import Digest

S = TypeVar("S", bound=msgspec.Struct)

VIEWS: Final[dict[str, str]] = {
    "find_entries": "SELECT seq * 1048576 + item AS cursor, * FROM entries",
    "find_components": "SELECT seq * 1048576 + item AS cursor, * FROM components",
    "find_evidence": "SELECT seq * 1048576 + item AS cursor, * FROM evidence",
    "find_approvals": "SELECT seq * 1048576 + item AS cursor, * FROM approvals",
    "find_gates": "SELECT seq * 1048576 + item AS cursor, * FROM gate_results",
    "find_feeds": "SELECT seq * 1048576 + item AS cursor, * FROM feeds",
    "release_names": "SELECT release, min(name) AS release_name FROM releases GROUP BY release",
    "targets_now": """
        SELECT target, name, type, environment FROM targets WHERE seq * 1048576 + item IN (
            SELECT max(seq * 1048576 + item) FROM targets GROUP BY target)""",
    "deployed_now": """
        SELECT * FROM (
            SELECT * FROM deployed WHERE seq * 1048576 + item IN (
                SELECT max(seq * 1048576 + item) FROM deployed GROUP BY environment_name, line)
        ) WHERE running""",
    "find_releases": "SELECT seq * 1048576 + item AS cursor, * FROM releases",
    "find_releases_deployed": """
        SELECT DISTINCT r.*, d.environment_name FROM find_releases r JOIN deployed_now d ON d.release = r.release""",
    "find_promotions": """
        SELECT p.seq * 1048576 + p.item AS cursor, p.* EXCLUDE (seq, item), n.release_name,
            s.state, s.verdict, s.decision, s.deployment, s.packet
        FROM promotions p
        LEFT JOIN (
            SELECT * FROM promotion_states WHERE seq * 1048576 + item IN (
                SELECT max(seq * 1048576 + item) FROM promotion_states GROUP BY promotion)
        ) s ON s.promotion = p.promotion
        LEFT JOIN release_names n ON n.release = p.release""",
    "find_verdicts": """
        SELECT v.seq * 1048576 + v.item AS cursor, v.* EXCLUDE (seq, item), n.release_name
        FROM verdicts v LEFT JOIN release_names n ON n.release = v.release""",
    "verdicts_now": """
        SELECT * FROM verdicts WHERE seq * 1048576 + item IN (
            SELECT max(seq * 1048576 + item) FROM verdicts
            WHERE purpose = 'promotion' GROUP BY release, environment_name)""",
    "find_deployments": """
        SELECT d.seq * 1048576 + d.item AS cursor, d.* EXCLUDE (seq, item), n.release_name,
            r.result, r.outcome, r.completed_at
        FROM deployments d
        LEFT JOIN (
            SELECT * FROM deployment_results WHERE seq * 1048576 + item IN (
                SELECT max(seq * 1048576 + item) FROM deployment_results GROUP BY deployment)
        ) r ON r.deployment = d.deployment
        LEFT JOIN release_names n ON n.release = d.release""",
    "find_deployed": """
        SELECT d.seq * 1048576 + coalesce(c.item, 0) AS cursor, d.environment_name, d.line, d.release, n.release_name,
            c.name AS component, c.repository, c.tag, c.digest, d.deployment, d.packet, d.completed_at
        FROM deployed_now d
        LEFT JOIN components c ON c.release = d.release
        LEFT JOIN release_names n ON n.release = d.release""",
    "outcomes_now": """
        SELECT * FROM outcomes WHERE seq * 1048576 + item IN (
            SELECT max(seq * 1048576 + item) FROM outcomes
            WHERE outcome IN ('deployed', 'unchanged', 'failed') GROUP BY target, line)""",
    "image_names": """
        SELECT release, component, digest, role, platform FROM images
        UNION
        SELECT release, name, digest, 'root', '' FROM components c WHERE NOT EXISTS (
            SELECT 1 FROM images i WHERE i.release = c.release AND i.component = c.name AND i.digest = c.digest)""",
    "find_findings": """
        SELECT f.seq * 1048576 + f.item AS cursor, f.* EXCLUDE (seq, item), v.release, v.environment_name
        FROM findings f JOIN verdicts_now v ON v.assessment = f.assessment""",
    "find_drift": """
        SELECT d.seq * 1048576 + d.item AS cursor, d.* EXCLUDE (seq, item), t.name AS target_name
        FROM drift d LEFT JOIN targets_now t ON t.target = d.target""",
}
"""In order of making: each may read those before it."""

VERDICT_COUNTS: Final = """
    SELECT environment_name, outcome, substring(as_of, 1, 7), count(*)
    FROM verdicts WHERE purpose <> 'simulation' GROUP BY ALL ORDER BY ALL"""

OPEN_COUNTS: Final = """
    SELECT {columns} FROM (
        SELECT v.release, v.environment_name, f.severity, count(*) AS count
        FROM findings f JOIN verdicts_now v ON v.assessment = f.assessment
        WHERE f.open AND (f.severity = $severity OR $severity IS NULL)
        GROUP BY ALL
    ) LEFT JOIN release_names USING (release)
    ORDER BY count DESC, environment_name, severity, release LIMIT $limit"""

RUNNING: Final = """
    SELECT {columns} FROM (
        SELECT o.seq * 1048576 + o.item AS cursor, o.environment_name, o.target, t.name AS target_name, o.line,
            o.release, n.release_name, i.component, i.digest, i.role, i.platform, o.outcome, o.deployment,
            o.completed_at
        FROM outcomes_now o
        JOIN image_names i ON i.release = o.release
        LEFT JOIN targets_now t ON t.target = o.target
        LEFT JOIN release_names n ON n.release = o.release
        WHERE i.digest = $digest
    ) ORDER BY environment_name, target_name, cursor, component"""

CLAIMS: Final = """
    SELECT {columns} FROM (
        SELECT f.release, f.environment_name, f.component, f.purl, f.vulnerability, f.severity, f.open,
            v.status, v.justification, v.author, v.admission, v.pointer, f.cursor, v.seq, min(v.item) AS item
        FROM (
            SELECT *, vulnerability AS called FROM find_findings WHERE release = $release
            UNION ALL
            SELECT f.*, n.name FROM find_findings f
            JOIN finding_names n ON n.assessment = f.assessment AND n.vulnerability = f.vulnerability
            WHERE f.release = $release
        ) f
        JOIN vex v ON v.vulnerability = f.called AND v.product = f.purl
        GROUP BY ALL
    ) ORDER BY cursor, seq, item LIMIT $limit"""


def columns(kind: type[msgspec.Struct]) -> str:
    """Spell the columns of a row, digests as text."""
    hints = get_type_hints(kind, include_extras=True)
    return ", ".join(
        f"'sha256:' || lower(hex({name})) AS {name}" if hints[name] in (Digest, Digest | None) else name
        for name in kind.__struct_fields__
    )


def page(view: str, kind: type[msgspec.Struct], where: dict[str, Any]) -> str:
    """Spell a page of a view: newest first, below ``$after`` when it is given, filtered by what is given."""
    given = [f"{name} = ${name}" for name in where]
    given.append("($after IS NULL OR cursor < $after)")
    return (
        f"SELECT {columns(kind)} FROM (SELECT * FROM {view} "  # noqa: S608
        f"WHERE {' AND '.join(given)} ORDER BY cursor DESC LIMIT $limit)"
        " ORDER BY cursor DESC"
    )


def everything(view: str, kind: type[msgspec.Struct], where: dict[str, Any]) -> str:
    """Spell all rows of a view that match, oldest first."""
    given = " AND ".join(f"{name} = ${name}" for name in where) or "true"
    return f"SELECT {columns(kind)} FROM {view} WHERE {given} ORDER BY cursor"  # noqa: S608


def rows(kind: type[S], found: list[tuple[Any, ...]]) -> tuple[S, ...]:
    """Make typed rows."""
    names = kind.__struct_fields__
    return tuple(kind(**dict(zip(names, row, strict=True))) for row in found)
