"""The index: ingest, queries beside indexed SQLite, searches, lookup by digest beside a DuckDB key, rebuilding it."""

import hashlib
import random
import sqlite3
import tempfile
import time
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from benchmarks.bench_canon import decision
from benchmarks.table import Row, ratios
from cas import canon, digest, pack
from cas.adapters.duck_index import DuckIndex
from cas.adapters.memory import MemoryLog, MemoryStore
from cas.rows import mark
from cas.store import save
from cas.tables import NEWEST, TABLES, Batch
from tests.support.history import History

ROUNDS = 5
INGESTED = 50_000
ROWS = 1_000_000
SMALL = 60_000
WHOLE = 15_000
KEYS = 1_000_000
TYPES = {"int": "INTEGER", "text": "TEXT", "flag": "INTEGER", "digest": "BLOB"}


def run(rows=ROWS, keys=KEYS):
    """Rows for ingest, three queries, lookup by digest, and rebuilding."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return [
            _ingest(Path(folder)),
            *_queries(Path(folder), rows),
            *_searches(Path(folder), rows),
            _lookup(Path(folder), keys),
            _rebuild(),
            _rebuild_all(),
        ]


def _row(area, count, pairs, goal, peer, unit, limit=""):
    ratio, low, high = ratios(pairs)
    return Row(
        area=area,
        ours=count / min(mine for _, mine in pairs),
        peer=peer,
        peer_value=count / min(other for other, _ in pairs),
        ratio=ratio,
        goal=goal,
        unit=unit,
        limit=f"{limit}rounds {low:.1f} to {high:.1f}",
    )


def _timed(call, *arguments):
    start = time.perf_counter()
    found = call(*arguments)
    return found, time.perf_counter() - start


def _worked(call):
    """Time by the processor: neither side waits for anything, and what other processes take does not count."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def _names(count, seed):
    return ["sha256:" + hashlib.sha256(b"%d %d" % (seed, at)).hexdigest() for at in range(count)]


def _verdict_rows(count):
    chance = random.Random(7)
    releases, names = _names(1000, 1), _names(count, 2)
    return [
        (
            at,
            0,
            names[at],
            releases[chance.randrange(1000)],
            releases[0],
            f"env{chance.randrange(8)}",
            "promotion",
            chance.choice(("allow", "deny", "undecided")),
            f"2026-{chance.randrange(1, 13):02}-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
            releases[1],
            names[at],
            names[-at],
            names[-at],
        )
        for at in range(count)
    ]


def _batches(table, rows, size):
    for start in range(0, len(rows), size):
        batch = Batch(start)
        batch.rows[table] = rows[start : start + size]
        batch.stop = start + size
        yield batch


def _fill_ours(index, table, rows, size=10_000):
    for batch in _batches(table, rows, size):
        index._connection.execute("BEGIN")
        index._insert(table, batch)
        index._connection.execute("UPDATE watermark SET size = ?", [batch.stop])
        index._connection.execute("COMMIT")
    index._renewed = 0
    index._renew()


def _sqlite(path):
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    return base


def _make_sqlite(base, table):
    columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in TABLES[table])
    base.execute(f"CREATE TABLE {table} ({columns})")


def _fill_sqlite(base, table, rows, size=1000):
    raw = [kind == "digest" for _, kind in TABLES[table]]
    spelled = ", ".join("?" * len(raw))
    for start in range(0, len(rows), size):
        base.execute("BEGIN")
        base.executemany(
            f"INSERT INTO {table} VALUES ({spelled})",
            [
                tuple(
                    bytes.fromhex(cell[7:]) if is_raw and cell else cell for cell, is_raw in zip(row, raw, strict=True)
                )
                for row in rows[start : start + size]
            ],
        )
        base.execute("COMMIT")


def _ingest(folder):
    rows = _verdict_rows(INGESTED)
    pairs = []
    for at in range(ROUNDS):
        base = _sqlite(folder / f"ingest{at}.sqlite")
        _make_sqlite(base, "verdicts")
        base.execute("CREATE UNIQUE INDEX by_digest ON verdicts (verdict)")
        with DuckIndex(folder / f"ingest{at}.duckdb", MemoryLog(), MemoryStore()) as index:
            pairs.append(
                (_timed(_fill_sqlite, base, "verdicts", rows)[1], _timed(_fill_ours, index, "verdicts", rows)[1])
            )
            count = index.query("SELECT count(*) FROM verdicts", {})
        assert count == base.execute("SELECT count(*) FROM verdicts").fetchall()
        base.close()
    return _row("index ingest", INGESTED, pairs, 3, "SQLite WAL FULL, 1000 a transaction", "rows/s")


COUNTS = """SELECT environment_name, outcome, substr(as_of, 1, 7) AS month, count(*) FROM verdicts
    WHERE purpose <> 'simulation' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
WHERE_DEPLOYED = """SELECT environment_name, line, release_name, component, digest FROM find_deployed
    ORDER BY environment_name, line, component"""
# the phrasing of the same question that SQLite is fastest at: an index scan, then one look-up a group
WHERE_DEPLOYED_SQLITE = """SELECT d.environment_name, d.line, n.name, c.name, c.digest
    FROM (SELECT environment_name, line, max(seq) AS seq FROM deployed GROUP BY 1, 2) m
    JOIN deployed d ON d.environment_name = m.environment_name AND d.line = m.line AND d.seq = m.seq AND d.item = 1
    LEFT JOIN components c ON c.release = d.release LEFT JOIN releases n ON n.release = d.release
    WHERE d.running ORDER BY 1, 2, 4"""
VEX = """SELECT f.severity, v.status, count(*) FROM findings f
    LEFT JOIN vex v ON v.vulnerability = f.vulnerability AND v.product = f.purl GROUP BY 1, 2 ORDER BY 1, 2"""


def _deployed_rows(chance, releases, count):
    """Deployments to 200 lines in 8 environments, as a head's moves: what was lost, then what was gained."""
    running = {}
    for at in range(count):
        where = (f"env{chance.randrange(8)}", f"line{chance.randrange(200)}")
        for item, name in enumerate((running.get(where), releases[chance.randrange(len(releases))])):
            if name:
                yield at, item, *where, item == 1, name, name, name, name, "2026-01-01T00:00:00Z"
                running[where] = name


def _queries(folder, rows):
    base = _sqlite(folder / "queries.sqlite")
    chance = random.Random(11)
    some = _names(2000, 3)
    tables = {
        "verdicts": _verdict_rows(rows),
        "releases": [
            (at, 0, name, "id", f"r{at}", "line", "2026-01-01T00:00:00Z", "x") for at, name in enumerate(some)
        ],
        "components": [
            (at, item, name, f"c{item}", "registry/c", "1", name, name, "1.0.0", "")
            for at, name in enumerate(some)
            for item in range(3)
        ],
        "deployed": list(_deployed_rows(chance, some, rows // 4)),
        "findings": [
            (
                *(at, 0, some[at % 2000], "api", "linux/amd64", f"pkg:deb/debian/p{chance.randrange(3000)}@1", "1"),
                *(f"CVE-2026-{chance.randrange(5000)}", chance.choice(("critical", "high", "low")), 10, some[0], "/p"),
                *("none", None, chance.random() < 0.5, False, None, "", 0),
            )
            for at in range(rows)
        ],
        "vex": [
            (
                *(at, 0, some[0], f"CVE-2026-{at % 5000}", f"pkg:deb/debian/p{chance.randrange(3000)}@1"),
                *("not_affected", "", "us", "/statements/0"),
            )
            for at in range(10_000)
        ],
    }
    indexes = {
        "verdicts": "(environment_name, outcome, as_of)",
        "releases": "(release)",
        "components": "(release)",
        "deployed": "(environment_name, line, seq, item)",
        "findings": "(vulnerability, purl)",
        "vex": "(vulnerability, product)",
    }
    with DuckIndex(folder / "queries.duckdb", MemoryLog(), MemoryStore(), memory_mb=1024) as index:
        for table, made in tables.items():
            _make_sqlite(base, table)
            _fill_sqlite(base, table, made, 100_000)
            base.execute(f"CREATE INDEX by_{table} ON {table} {indexes[table]}")
            _fill_ours(index, table, made, 200_000)
        base.execute("ANALYZE")
        for area, sql, other in (
            ("verdict aggregate", COUNTS, COUNTS),
            ("what is deployed where", WHERE_DEPLOYED, WHERE_DEPLOYED_SQLITE),
            ("VEX join", VEX, VEX),
        ):
            pairs = []
            for _ in range(ROUNDS):
                theirs, slow = _timed(lambda other=other: base.execute(other).fetchall())
                mine, fast = _timed(index.query, sql, {})
                assert sorted(mine, key=repr) == sorted(theirs, key=repr)  # they place NULL differently
                pairs.append((slow, fast))
            yield _row(f"{area}, {rows:,} rows", 1, pairs, 12, "SQLite, indexed", "1/s")
    base.close()


def _searched(rows):
    """Verdicts of 1000 releases in 8 environments, findings of the newest, what runs where: made in the database."""
    name = "unhex(sha256('{} ' || ({})))"
    known = f"""SELECT i, f, hash(i * 1000 + f) % 20000 AS n
        FROM range({max(rows - 8000 - rows // 100, 0)}, {rows}) t(i), range(100) u(f)"""
    return {
        "releases": f"SELECT i, 0, {name.format('r', 'i')}, 'id', 'r' || i, 'line', '2026', 'x' FROM range(1000) t(i)",
        "components": f"""SELECT i, c, {name.format("r", "i")}, 'c' || c, 'registry/c', '1', {name.format("i", "i * 3 + c")},
            {name.format("n", "i")}, '1', '' FROM range(1000) t(i), range(3) u(c)""",
        "release_sources": f"SELECT i, 0, {name.format('r', 'i')}, 'commit', sha1('c' || i) FROM range(1000) t(i)",
        "targets": f"SELECT i, 0, {name.format('t', 'i')}, 'host' || i, 'directory', 'env' || i % 8, false FROM range(1000) t(i)",
        "outcomes": f"""SELECT i, 0, {name.format("o", "i")}, {name.format("d", "i")}, {name.format("r", "i % 1000")},
            'line' || i % 125, 'env' || i % 8, {name.format("t", "i % 1000")}, 'deployed', '', NULL, '2026'
            FROM range(100000) t(i)""",
        "deployed": f"""SELECT i, 1, 'env' || i % 8, 'line' || i, true, {name.format("d", "i")}, {name.format("r", "i")},
            {name.format("d", "i")}, {name.format("d", "i")}, '2026' FROM range(1000) t(i)""",
        "packages": f"""SELECT i, p, {name.format("a", "i")}, {name.format("i", "i")},
            'pkg:deb/debian/p' || n || '@1?arch=amd64', 'pkg:deb/debian/p' || n, package
            FROM (SELECT i, p, hash(i * 1000 + p) % 20000 AS n FROM range(3000) t(i), range(300) u(p)) JOIN marks USING (n)""",
        "verdicts": f"""SELECT i, 0, {name.format("v", "i")}, {name.format("r", "i // 8 % 1000")}, {name.format("e", "i % 8")},
            'env' || i % 8, 'promotion', 'allow', '2026-01-01T00:00:00Z', '2027', {name.format("p", "1")},
            {name.format("q", "i")}, {name.format("s", "i")}, {name.format("s", "i")} FROM range({rows}) t(i)""",
        "assessments": f"""SELECT i, 0, {name.format("s", "i")}, {name.format("q", "i")}, {name.format("s", "i")}, 100, 50
            FROM range({rows}) t(i)""",
        "findings": f"""SELECT i, f, {name.format("s", "i")}, 'c' || f % 3, '', 'pkg:deb/debian/p' || f || '@1', '1',
            'CVE-2026-' || n, 'high', 75, {name.format("b", "i")}, '/p', 'none', NULL, true, false, NULL, '', shown
            FROM ({known}) JOIN marks USING (n)""",
        "finding_names": f"""SELECT i, f, {name.format("s", "i")}, 'CVE-2026-' || n, 'GHSA-' || n, other
            FROM ({known}) JOIN marks USING (n)""",
    }


def _searches(folder, rows):
    """What a search asks the index for; how long it may take is the goal."""
    with DuckIndex(folder / "searches.duckdb", MemoryLog(), MemoryStore(), memory_mb=1024) as index:
        run = index._connection.execute
        spelled = [range(20_000)] + [
            [mark(f"{kind}{n}") for n in range(20_000)] for kind in ("CVE-2026-", "GHSA-", "pkg:deb/debian/p")
        ]
        index._connection.register(
            "marks", pa.table(list(map(pa.array, spelled)), names=["n", "shown", "other", "package"])
        )
        for table, sql in _searched(rows).items():
            run(f"INSERT INTO {table}_rows {sql}")
            if table in NEWEST:
                key, counted = NEWEST[table]
                run(
                    f"INSERT INTO {table}_now SELECT * FROM {table} WHERE {counted} AND seq IN "
                    f"(SELECT max(seq) FROM {table} WHERE {counted} GROUP BY {', '.join(key)})"
                )
        run("CHECKPOINT")
        image = digest.from_raw(index.query("SELECT digest FROM components LIMIT 1", {})[0][0])
        commit = index.query("SELECT value FROM release_sources LIMIT 1", {})[0][0]
        for what, ask in (
            ("a CVE", lambda: (index.affected("CVE-2026-77"), index.where("vulnerability", "CVE-2026-77"))),
            ("its other name", lambda: (index.affected("ghsa-77"), index.where("vulnerability", "ghsa-77"))),
            ("an image", lambda: (index.running(image),)),
            ("a package", lambda: (index.where("package", "pkg:deb/debian/p77"),)),
            ("a commit", lambda: (index.where("commit", commit[:12]),)),
            ("a host", lambda: (index.where("host", "host77"),)),
        ):
            found = [_timed(ask) for _ in range(ROUNDS)]
            assert all(all(part) for part, _ in found), what
            yield _row(
                f"search for {what}, {rows:,} verdicts", 1, [(0.2, spent) for _, spent in found], 1, "200 ms", "1/s"
            )


def _lookup(folder, keys):
    names = sorted(hashlib.sha256(b"%d" % at).digest() for at in range(keys))
    ours = pack.Pack(pack.layout([(raw, 0) for raw in names]))
    base = duckdb.connect(str(folder / "keys.duckdb"))
    base.execute("CREATE TABLE k (digest BLOB PRIMARY KEY, place BIGINT)")
    base.register("incoming", pa.table({"digest": pa.array(names, pa.binary()), "place": pa.array(range(keys))}))
    base.execute("INSERT INTO k SELECT * FROM incoming")
    chance = random.Random(5)
    pairs = []
    for _ in range(ROUNDS):
        few = [names[chance.randrange(keys)] for _ in range(200)]
        many = [names[chance.randrange(keys)] for _ in range(20_000)]
        found, slow = _worked(
            lambda few=few: [base.execute("SELECT 1 FROM k WHERE digest = ?", [one]).fetchall() for one in few]
        )
        assert all(found)
        mine, fast = _worked(lambda many=many: [ours.find(one) for one in many])
        assert all(mine)
        pairs.append((slow / 200, fast / 20_000))
    base.close()
    limit = "processor time of both; "
    return _row(f"lookup by digest, {keys:,} objects", 1, pairs, 300, "DuckDB primary key", "lookups/s", limit)


def _rebuild():
    """Records of 2.1 KB, each admitted by an entry: every entry and record is hashed, decoded, made a row."""
    history = History(MemoryStore(), MemoryLog())
    plain = decision(10)
    for at in range(SMALL):
        made = msgspec.structs.replace(plain, promotion=digest.of_bytes(b"%d" % at))
        history.note("promotion.decided", save(history.store, made))
    size = history.store.size(history.store.put(canon.of_record(plain)))
    return _rebuilt(history, "decisions", SMALL, f"records of {size:,} B, a row each and one of its entry", 1)


def _rebuild_all():
    """Verdicts as judging leaves them: an entry with its runs, the verdict and its gates, the assessment."""
    history = History(MemoryStore(), MemoryLog())
    environment, release = history.environment("e"), history.release("r")
    for at in range(WHOLE):
        history.verdict(
            release, environment, "e", opened=0, as_of=f"2026-03-01T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z"
        )
    return _rebuilt(history, "verdicts", WHOLE, "real verdicts: 3 runs, 2 gates, an assessment, 8 rows each", None)


def _rebuilt(history, table, count, what, goal):
    pairs = []
    with DuckIndex(None, history.log, history.store, threads=1) as index:
        for _ in range(ROUNDS):
            start = time.process_time()  # per core: what other processes take of this one does not count
            size = index.rebuild()
            spent = time.process_time() - start
            assert size == history.log.head().size
            assert "sha256:" + index._tree.root().hex() == history.log.head().root
            assert len(index.query(f"SELECT 1 FROM {table}", {})) == count
            pairs.append((count / 80_000, spent))
    return _row(f"index rebuild, verified, {what}", count, pairs, goal, "80k/s", "records/s")
