"""The SQL of the named finds. Knows the tables and DuckDB's dialect; must not know where the database lies.

Each find reads one view, whose ``cursor`` (2^32 items to an entry) orders its rows totally: DuckDB gives ties in any
order. What is newest by its key lies in a table of its own (``…_now``), renewed with every batch. No floats, no
aggregate that hangs on order. Names in the SQL are ours, values are always bound.
"""
# ruff: noqa: S608 - names are ours, values are bound

from typing import Any, Final, TypeVar, get_type_hints

import msgspec

from cas.digest import Digest
from cas.tables import NEWEST

S = TypeVar("S", bound=msgspec.Struct)

PLACE: Final = f"seq * {1 << 32} + item"
"""A row's place in the total order, as one number."""

VIEWS: Final[dict[str, str]] = {
    "find_entries": f"SELECT {PLACE} AS cursor, * FROM entries",
    "find_components": f"SELECT {PLACE} AS cursor, * FROM components",
    "find_evidence": f"SELECT {PLACE} AS cursor, * FROM evidence",
    "find_approvals": f"SELECT {PLACE} AS cursor, * FROM approvals",
    "find_gates": f"SELECT {PLACE} AS cursor, * FROM gate_results",
    "find_feeds": f"SELECT {PLACE} AS cursor, * FROM feeds",
    "find_releases": f"SELECT {PLACE} AS cursor, * FROM releases",
    "find_releases_deployed": """
        SELECT DISTINCT r.*, d.environment_name FROM find_releases r
        JOIN deployed_now d ON d.release = r.release AND d.running""",
    "find_promotions": f"SELECT coalesce(asked, seq) * {1 << 32} AS cursor, * FROM promotion_states_now",
    "find_verdicts": f"SELECT {PLACE} AS cursor, * FROM verdicts",
    "find_verdicts_now": f"SELECT {PLACE} AS cursor, * FROM verdicts_now",
    "find_deployments": f"SELECT {PLACE} AS cursor, * FROM deployments",
    "find_drift": f"SELECT {PLACE} AS cursor, * FROM drift",
    "release_names": "SELECT release, name AS release_name FROM releases_now",
    "target_names": "SELECT target, min(name) AS target_name FROM targets_now GROUP BY target",
    "find_deployed": f"""
        SELECT d.seq * {1 << 32} + coalesce(c.item, 0) AS cursor, d.environment_name, d.line, d.release, n.release_name,
            c.name AS component, c.repository, c.tag, c.digest, d.deployment, d.packet, d.completed_at
        FROM deployed_now d
        LEFT JOIN components c ON c.release = d.release
        LEFT JOIN release_names n ON n.release = d.release
        WHERE d.running""",
    "image_names": """
        SELECT release, component, digest, role, platform FROM images
        UNION
        SELECT release, name, digest, 'root', '' FROM components c WHERE NOT EXISTS (
            SELECT 1 FROM images i WHERE i.release = c.release AND i.component = c.name AND i.digest = c.digest)""",
    "pictures_now": "SELECT verdict, release, environment_name, assessment, picture FROM verdicts_now",
    "find_findings": f"""
        SELECT {PLACE} AS cursor, f.*, v.* EXCLUDE (picture)
        FROM findings f JOIN pictures_now v ON v.picture = f.picture""",
}
"""In order of making: each may read those before it, and the tables."""

NAMED: Final = "LEFT JOIN release_names USING (release)"

BESIDE: Final[dict[str, str]] = {
    "find_verdicts": NAMED,
    "find_verdicts_now": NAMED,
    "find_drift": "LEFT JOIN target_names USING (target)",
    "find_deployments": NAMED
    + """
        LEFT JOIN (
            SELECT deployment, max_by(result, seq) AS result, max_by(outcome, seq) AS outcome,
                max_by(completed_at, seq) AS completed_at
            FROM deployment_results GROUP BY deployment
        ) USING (deployment)
        LEFT JOIN (
            SELECT deployment, max_by(deployed, seq) AS deployed FROM deployed WHERE running GROUP BY deployment
        ) USING (deployment)""",
}
"""What is joined to a page's rows once the page is cut."""

VERDICT_COUNTS: Final = """
    SELECT environment_name, outcome, substring(as_of, 1, 7), count(*)
    FROM verdicts WHERE purpose <> 'simulation' GROUP BY ALL ORDER BY ALL"""

OPEN_COUNTS: Final = """
    SELECT {columns} FROM (
        SELECT v.release, v.environment_name, f.severity, count(*) AS count
        FROM findings f JOIN pictures_now v ON v.picture = f.picture
        WHERE f.open AND (f.severity = $severity OR $severity IS NULL)
        GROUP BY ALL
    ) LEFT JOIN release_names USING (release)
    ORDER BY count DESC, environment_name, severity, release LIMIT $limit"""

_WHOLE: Final = "SELECT release, name AS component, digest, 'root' AS role, '' AS platform"
_OF_IMAGE: Final = "SELECT DISTINCT i.release, i.component, c.digest, 'root' AS role, '' AS platform"
_IMAGES: Final = """
    JOIN image_names i ON i.digest = s.subject JOIN components c ON c.release = i.release AND c.name = i.component"""

SOUGHT: Final[dict[str, str]] = {
    "image": "SELECT release, component, digest, role, platform FROM image_names WHERE digest = $q",
    "release": f"{_WHOLE} FROM components WHERE release = $q",
    "package": f"""
        {_OF_IMAGE} FROM packages s {_IMAGES}
        WHERE s.mark = $mark AND s.package = $package
            AND ($q = $package OR s.purl = $q OR starts_with(s.purl, $q || '?'))""",
    "commit": f"""
        {_WHOLE} FROM components WHERE release IN (
            SELECT release FROM release_sources WHERE name IN ('commit', 'revision') AND starts_with(lower(value), $q))
        UNION {_OF_IMAGE} FROM builds s {_IMAGES}
        WHERE starts_with(lower(split_part(s.source_digest, ':', 2)), $q)""",
    "host": f"{_WHOLE} FROM components",
    "vulnerability": """
        SELECT DISTINCT f.release, f.component, c.digest, 'root' AS role, '' AS platform, f.environment_name AS only_in
        FROM ({affected}) f JOIN components c ON c.release = f.release AND c.name = f.component""",
}
"""What is looked for, as components of releases: by its kind."""

RUNNING: Final = f"""
    SELECT {{columns}} FROM (
        SELECT o.seq * {1 << 32} + o.item AS cursor, o.environment_name, o.target, t.name AS target_name, o.line,
            o.release, w.component, w.digest, w.role, w.platform, o.outcome, o.deployment, o.completed_at
        FROM outcomes_now o
        JOIN ({{sought}}) w ON w.release = o.release {{only}}
        LEFT JOIN targets_now t ON t.target = o.target
        WHERE {{within}}
    ) LEFT JOIN release_names USING (release)
    ORDER BY environment_name, target_name, cursor, component, digest LIMIT $limit"""

WITHIN: Final = "(len($environments::VARCHAR[]) = 0 OR o.environment_name IN (SELECT unnest($environments::VARCHAR[])))"

CALLED: Final = f"""
    SELECT f.seq * {1 << 32} + f.item AS cursor, f.*, o.* EXCLUDE (picture)
    FROM (
        SELECT * FROM findings WHERE mark IN ({{marks}}) AND lower(vulnerability) IN (SELECT unnest($names))
    ) f
    JOIN pictures_now o ON o.picture = f.picture
    WHERE (o.release, o.environment_name) IN (SELECT (release, environment_name) FROM deployed_now WHERE running)
        AND {WITHIN}"""
"""Findings in what is deployed: by the name that is shown, or by another that the same vulnerability has."""

AFFECTED: Final = f"""
    SELECT {{columns}} FROM ({CALLED}) {NAMED}
    ORDER BY release_name, environment_name, release, cursor LIMIT $limit"""

SHOWN: Final = "SELECT DISTINCT lower(vulnerability) FROM finding_names WHERE mark = $mark AND lower(name) = $q"

HOSTS: Final = "SELECT count(*) FROM targets_now WHERE name = $q AND NOT removed"

CLAIMS: Final = """
    SELECT {columns} FROM (
        SELECT f.release, f.environment_name, f.component, f.purl, f.vulnerability, f.severity, f.open,
            v.status, v.justification, v.author, v.admission, v.pointer, f.cursor, v.seq, min(v.item) AS item
        FROM (
            SELECT *, vulnerability AS called FROM find_findings WHERE release = $release
            UNION ALL
            SELECT f.*, n.name FROM find_findings f
            JOIN pictures_now p ON p.assessment = f.assessment AND p.verdict = f.verdict
            JOIN finding_names n ON n.picture = p.picture AND n.vulnerability = f.vulnerability
            WHERE f.release = $release
        ) f
        JOIN vex v ON v.vulnerability = f.called AND v.product = f.purl
        GROUP BY ALL
    ) ORDER BY cursor, seq, item LIMIT $limit"""


def renewal(table: str) -> tuple[str, str]:
    """Spell how a table of newest rows takes in those from ``$since`` on: what is replaced goes, the newest comes."""
    key, counted = NEWEST[table]
    same = " AND ".join(f"old.{name} = new.{name}" for name in key)
    keys = ", ".join(key)
    fresh = f"FROM {table} WHERE seq >= $since AND {counted}"
    return (
        f"DELETE FROM {table}_now old USING (SELECT DISTINCT {keys} {fresh}) new WHERE {same}",
        f"INSERT INTO {table}_now SELECT * {fresh} AND {PLACE} IN (SELECT max({PLACE}) {fresh} GROUP BY {keys})",
    )


def running(kind: str) -> str:
    """Spell where something runs now, by its kind."""
    sought = SOUGHT[kind].replace("{affected}", CALLED)
    only = {"host": "AND o.target IN (SELECT target FROM targets_now WHERE name = $q)"}.get(kind, "")
    if kind == "vulnerability":
        only = "AND w.only_in = o.environment_name"
    return RUNNING.replace("{sought}", sought).replace("{only}", only).replace("{within}", WITHIN)


def columns(kind: type[msgspec.Struct]) -> str:
    """Spell the columns of a row, digests as text."""
    hints = get_type_hints(kind, include_extras=True)
    return ", ".join(
        f"'sha256:' || lower(hex({name})) AS {name}" if hints[name] in (Digest, Digest | None) else name
        for name in kind.__struct_fields__
    )


def page(
    view: str, kind: type[msgspec.Struct], where: dict[str, Any], *, after: bool = False, oldest_first: bool = False
) -> str:
    """Spell a page of a view, filtered by what is given: newest first, or oldest; beyond ``$after`` if asked."""
    given = [
        f"list_contains(${name}, {name})" if isinstance(where[name], list) else f"{name} = ${name}" for name in where
    ]
    sign, order = (">", "ASC") if oldest_first else ("<", "DESC")
    if after:
        given.append(f"cursor {sign} $after")
    return (
        f"SELECT {columns(kind)} FROM (SELECT * FROM {view} "
        f"WHERE {' AND '.join(given) or 'true'} ORDER BY cursor {order} LIMIT $limit)"
        f" {BESIDE.get(view, '')} ORDER BY cursor {order}"
    )


def everything(view: str, kind: type[msgspec.Struct], where: dict[str, Any]) -> str:
    """Spell all rows of a view that match, oldest first."""
    given = " AND ".join(f"{name} = ${name}" for name in where) or "true"
    return f"SELECT {columns(kind)} FROM {view} WHERE {given} ORDER BY cursor"


def rows(kind: type[S], found: list[tuple[Any, ...]]) -> tuple[S, ...]:
    """Make typed rows."""
    names = kind.__struct_fields__
    return tuple(kind(**dict(zip(names, row, strict=True))) for row in found)
