"""The projection's tables in DuckDB: Arrow batches in, Parquet out, never on the write path, made again at any time.

One process owns the database file; others open the newest Parquet snapshot and apply the log's tail in memory. No keys,
digests as 32-byte blobs, the watermark in the transaction of the rows it speaks of: after a crash the index is where
its watermark says, and catching up twice is catching up once.
"""

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import duckdb
import msgspec
import pyarrow as pa

from cas import digest, merkle
from cas.adapters import duck_finds
from cas.digest import Digest
from cas.log import Log
from cas.problems import Category, DigestInvalid, Problem, ProofInvalid
from cas.projection import Projector
from cas.store import Reader
from cas.tables import NEWEST, TABLES, VERSION, Batch

ENTRIES: Final = 32_768
ENTRY_BYTES: Final = 1 << 25
ROWS: Final = 200_000
"""A batch ends at the first of the three."""

KEPT: Final = 2
"""Parquet snapshots that stay: the newest, and the one a reader may be opening just now."""

_SQL: Final = {"int": "BIGINT", "text": "VARCHAR", "flag": "BOOLEAN", "digest": "BLOB"}
_ARROW: Final = {"int": pa.int64(), "text": pa.string(), "flag": pa.bool_()}
_ABSENT: Final = "0" * 64
_MARK: Final = "watermark.json"
_NEWEST: Final = "newest"


class IndexBusy(Problem):
    """Another process owns the index file."""

    code = "cas.index_busy"
    category = Category.UNAVAILABLE
    title = "Another process owns the index"
    remedy = "Ask the process that serves this home, or read the newest snapshot."


class Mark(msgspec.Struct, frozen=True):
    """How far the log was applied: its size, and the right edge of its tree (hex)."""

    version: int
    size: int
    edge: tuple[str, ...]


class DuckTables:
    """Tables that follow a log. Safe to share between threads; ``path`` None keeps them in memory."""

    def __init__(
        self,
        path: Path | None,
        log: Log,
        store: Reader,
        *,
        threads: int = 2,
        memory_mb: int = 512,
        snapshots: Path | None = None,
    ) -> None:
        """Open, or make, the tables; with ``snapshots`` and no ``path`` they begin with the newest snapshot there.

        Raises: cas.index_busy
        """
        self._lock = threading.RLock()
        self._log = log
        self._projector = Projector(store, log.admitted)
        self._config = {
            "threads": str(threads),
            "memory_limit": f"{memory_mb}MB",
            "checkpoint_threshold": "64MB",  # a batch then seldom waits for the file to be rewritten
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self._renewed = 0
        self._connection = self._open(path)
        snapshot = _newest(snapshots) if path is None and snapshots is not None else None
        if snapshot is not None:
            self._make(snapshot)
        elif self._stored() is None:
            self._make(None)
        stored = self._stored()
        assert stored is not None, "made just now"
        self._size = stored.size
        self._tree = merkle.Tree.of_edge(stored.size, [bytes.fromhex(node) for node in stored.edge])
        if not self._follows():
            self.rebuild()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def size(self) -> int:
        """Give how many entries of the log have been applied."""
        return self._size

    def catch_up(self) -> int:
        """Apply what the log has and the tables lack, in batches; gives the size reached.

        Raises: cas.proof_invalid when the entries read do not hash to the log's root
        """
        head = self._log.head()
        if head.size <= self._size == self._renewed:
            return self._size
        with self._lock:
            head = self._log.head()
            while self._size < head.size:
                self._apply(min(head.size, self._size + ENTRIES))
            if head.size == self._size and self._tree.root().hex() != head.root[7:]:
                raise ProofInvalid(reason="the log's entries do not hash to its root", size=head.size)
            if self._renewed < self._size:
                self._renew()
        return self._size

    def rebuild(self) -> int:
        """Make all tables again from the log; gives the size reached."""
        with self._lock:
            self._make(None)
            self._size = self._renewed = 0
            self._tree = merkle.Tree()
            return self.catch_up()

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """Give a table's rows in their total order, digests as bytes."""
        return self.query(f"SELECT * FROM {name} ORDER BY seq, item", {})  # noqa: S608 - names are ours

    def query(self, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Ask on a cursor of its own, so that threads do not wait for each other."""
        cursor = self._connection.cursor()
        try:
            return cursor.execute(sql, values or None).fetchall()  # type: ignore[no-any-return]
        finally:
            cursor.close()

    def export(self, folder: Path) -> Path:
        """Write a Parquet snapshot that other processes may read beside us; gives its folder.

        It appears at once and whole: written under another name, synced, renamed, then named as the newest.
        """
        with self._lock:
            self.catch_up()
            folder.mkdir(parents=True, exist_ok=True)
            made = folder / f"{self._size:012}"
            if not made.exists():
                partial = folder / f".{self._size:012}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                for name in (*TABLES, *(f"{name}_now" for name in NEWEST)):
                    target = _quoted(partial / f"{name}.parquet")
                    self._connection.execute(
                        f"COPY (SELECT * FROM {name} ORDER BY seq, item) TO {target} (FORMAT parquet, COMPRESSION zstd)"  # noqa: S608
                    )
                (partial / _MARK).write_bytes(msgspec.json.encode(self._mark()))
                for path in (*partial.iterdir(), partial):
                    _sync(path)
                partial.rename(made)
            pointer = folder / f".{_NEWEST}.partial"
            pointer.write_text(made.name, encoding="ascii")
            _sync(pointer)
            pointer.replace(folder / _NEWEST)
            _sync(folder)
            for old in sorted(path for path in folder.iterdir() if path.name.isdigit())[:-KEPT]:
                shutil.rmtree(old, ignore_errors=True)
            return made

    def _open(self, path: Path | None) -> duckdb.DuckDBPyConnection:
        if path is None:
            return duckdb.connect(":memory:", config=self._config)
        try:
            return duckdb.connect(str(path), config=self._config)
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise IndexBusy(path=str(path)) from error
        except duckdb.Error:
            pass
        # a projection that cannot be opened is made again: nothing is lost but time
        for old in (path, path.with_name(path.name + ".wal")):
            old.unlink(missing_ok=True)
        return duckdb.connect(str(path), config=self._config)

    def _stored(self) -> Mark | None:
        """Read the watermark; None for a new file, or one of another version."""
        with suppress(duckdb.CatalogException):
            if self._connection.execute("SELECT version FROM watermark").fetchall() == [(VERSION,)]:
                ((size, self._renewed, edge),) = self._connection.execute(
                    "SELECT size, renewed, edge FROM watermark"
                ).fetchall()
                return Mark(VERSION, size, tuple(edge))
        return None

    def _mark(self) -> Mark:
        return Mark(VERSION, self._size, tuple(node.hex() for node in self._tree.edge()))

    def _make(self, snapshot: Path | None) -> None:
        """Make empty tables, over those of a snapshot if there is one."""
        run = self._connection.execute
        run("BEGIN")
        for (view,) in run("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
            run(f'DROP VIEW IF EXISTS "{view}"')  # one of an older version may bear the name of a table of this one
        for name, columns in TABLES.items():
            spelled = ", ".join(f"{column} {_SQL[kind]}" for column, kind in columns)
            run(f"CREATE OR REPLACE TABLE {name}_rows ({spelled})")
            below = "" if snapshot is None else f"FROM read_parquet({_quoted(snapshot / f'{name}.parquet')}) UNION ALL "
            run(f"CREATE OR REPLACE VIEW {name} AS {below}FROM {name}_rows")
            if name in NEWEST:
                run(f"CREATE OR REPLACE TABLE {name}_now ({spelled})")
                if snapshot is not None:
                    source = _quoted(snapshot / f"{name}_now.parquet")
                    run(f"INSERT INTO {name}_now SELECT * FROM read_parquet({source})")  # noqa: S608
        for name, sql in duck_finds.VIEWS.items():
            run(f"CREATE OR REPLACE VIEW {name} AS {sql}")
        run("CREATE OR REPLACE TABLE watermark (version BIGINT, size BIGINT, renewed BIGINT, edge VARCHAR[])")
        mark = Mark(VERSION, 0, ())
        if snapshot is not None:
            mark = msgspec.json.decode((snapshot / _MARK).read_bytes(), type=Mark)
        run("INSERT INTO watermark VALUES (?, ?, ?, ?)", [VERSION, mark.size, mark.size, list(mark.edge)])
        run("COMMIT")

    def _follows(self) -> bool:
        """Tell whether what is stored was made from this log, and not from one that was here before."""
        head = self._log.head()
        if self._size in {0, head.size}:
            return self._size == 0 or self._tree.root().hex() == head.root[7:]
        if self._size > head.size:
            return False
        try:
            proof = self._log.consistency(self._size, head.size)
            merkle.verify_consistency(self._size, head.size, proof, self._tree.root(), bytes.fromhex(head.root[7:]))
        except ProofInvalid:
            return False
        return True

    def _apply(self, stop: int) -> None:
        """Add the rows of the next entries, and move the watermark, in one transaction."""
        leaves = self._leaves(stop)
        batch = self._projector.project(self._size, leaves, ROWS)
        edge = merkle.Tree.of_edge(self._size, self._tree.edge())
        edge.extend(map(merkle.leaf_hash, leaves[: batch.stop - self._size]))
        run = self._connection.execute
        run("BEGIN")
        try:
            self._drop_known(batch)
            for name in TABLES:
                self._insert(name, batch)
            nodes = [node.hex() for node in edge.edge()]
            run("UPDATE watermark SET size = ?, edge = ?", [batch.stop, nodes])
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise
        self._tree = edge
        self._size = batch.stop

    def _leaves(self, stop: int) -> list[bytes]:
        leaves, size = [], 0
        for position in range(self._size, stop):
            leaf = self._log.leaf(position)
            leaves.append(leaf)
            size += len(leaf)
            if size > ENTRY_BYTES:
                break
        return leaves

    def _drop_known(self, batch: Batch) -> None:
        """Drop assessments and pictures that an earlier entry lists as well: they have their rows already."""
        known = {column: self._known(batch, column) for column in ("assessment", "picture")}
        for table, column in (("assessments", "assessment"), ("findings", "picture"), ("finding_names", "picture")):
            if known[column]:
                batch.drop(table, column, known[column])

    def _known(self, batch: Batch, column: str) -> set[Digest]:
        columns = dict(zip([name for name, _ in TABLES["assessments"]], batch.columns("assessments"), strict=False))
        names = list(set(columns.get(column, ())))
        if not names:
            return set()
        self._connection.register("incoming", pa.table({"name": _digests(names)}))
        known = self._connection.execute(
            f"SELECT DISTINCT name FROM incoming JOIN assessments ON {column} = name"  # noqa: S608 - names are ours
        ).fetchall()
        self._connection.unregister("incoming")
        return {digest.from_raw(raw) for (raw,) in known}

    def _insert(self, name: str, batch: Batch) -> None:
        made = batch.columns(name)
        if not made or not made[0]:
            return
        columns = TABLES[name]
        arrays = [
            _digests(values) if kind == "digest" else pa.array(values, _ARROW[kind])
            for values, (_, kind) in zip(made, columns, strict=True)
        ]
        self._connection.register("incoming", pa.table(arrays, names=[column for column, _ in columns]))
        self._connection.execute(f"INSERT INTO {name}_rows SELECT * FROM incoming")  # noqa: S608
        self._connection.unregister("incoming")

    def _renew(self) -> None:
        """Bring the tables of newest rows up to the watermark, in one transaction: once for all batches before it."""
        run = self._connection.execute
        run("BEGIN")
        try:
            for name in NEWEST:
                if run(f"SELECT 1 FROM {name} WHERE seq >= $since LIMIT 1", {"since": self._renewed}).fetchall():  # noqa: S608
                    for sql in duck_finds.renewal(name):
                        run(sql, {"since": self._renewed})
            run("UPDATE watermark SET renewed = ?", [self._size])
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise
        self._renewed = self._size


def _digests(values: list[Digest | None]) -> pa.Array:
    """Make a column of 32-byte blobs, all digests read at once."""
    raw = bytes.fromhex("".join([value[7:] if value else _ABSENT for value in values]))
    valid = None if all(values) else pa.array([bool(value) for value in values], pa.bool_()).buffers()[1]
    if len(raw) != 32 * len(values):
        raise DigestInvalid(given="a column that is not all digests")
    return pa.Array.from_buffers(pa.binary(32), len(values), [valid, pa.py_buffer(raw)])


def _newest(folder: Path) -> Path | None:
    """Give the folder of the newest snapshot that this version can read."""
    with suppress(FileNotFoundError, msgspec.DecodeError):
        made = folder / (folder / _NEWEST).read_text(encoding="ascii")
        if msgspec.json.decode((made / _MARK).read_bytes(), type=Mark).version == VERSION:
            return made
    return None


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
