"""The pure projection of log entries, and the records they name, to rows of the index.

Knows what an entry leads to; what rows a record gives is told in cas.rows. Must not know the database. Rows are a
function of the log and the store: the same entries give the same rows, whoever makes them and in however many steps.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from cas import rows
from cas.digest import Digest
from cas.excerpts import ENTRY, LogEntry
from cas.into import MANY, Into, Kinds, Many
from cas.problems import ObjectMissing
from cas.store import Reader
from cas.tables import Batch

SLAB: Final = 2048
SLAB_BYTES: Final = 1 << 23
"""So many entries, or bytes of what they name, are held as records at a time."""


class Projector:
    """Makes rows of entries. ``admitted`` gives the position of the entry that admitted a record (Log.admitted)."""

    def __init__(self, reader: Reader, admitted: Callable[[Digest], int | None]) -> None:
        self._reader = reader
        self._admitted = admitted
        self._into = Into(reader, admitted)

    def project(self, start: int, leaves: Sequence[bytes], max_rows: int = MANY) -> Batch:
        """Make the rows of consecutive entries, given as their canonical bytes; stops after about ``max_rows``.

        What several entries list as put out by a Run gives its rows once per batch.
        """
        into = self._into
        into.begin(start)
        batch = into.batch
        while batch.stop < start + len(leaves) and batch.count < max_rows:
            self._slab(into, leaves[batch.stop - start : batch.stop - start + SLAB])
        return batch

    def _slab(self, into: Into, leaves: Sequence[bytes]) -> None:
        """Read what some entries lead to, then make its rows kind by kind: (1) entries, (2) Runs' outputs,
        (3) records that they admit, (4) refs that they move.
        """
        batch, records, moves = into.batch, rows.RECORDS, rows.MOVES
        first, size = batch.stop, 0
        entries: list[LogEntry] = []
        put_out: dict[str, dict[type[Any], Many]] = {}
        taken: dict[type[Any], Many] = {}
        decode, admitted = ENTRY.decode, self._admitted
        for seq, leaf in enumerate(leaves, first):
            entry = decode(leaf)
            entries.append(entry)
            for note in entry.runs:
                kinds = rows.OUTPUTS.get(note.stage)
                if kinds is not None and into.first(note.output):
                    size += self._take(put_out.setdefault(note.stage, {}), kinds, seq, note.output)
            # a record that is spoken of again keeps the rows of its first entry
            if entry.record is not None and admitted(entry.record) == seq:
                size += self._take(taken, records, seq, entry.record)
            if size > SLAB_BYTES:
                break
        rows.of_entries(into, first, entries)
        for stage, outputs in put_out.items():
            rows.OUTPUTS[stage].make(into, outputs)
        records.make(into, taken)
        for seq, entry in enumerate(entries, first):
            for at, move in enumerate(entry.moves):
                make = moves.get(move.name.partition("/")[0])
                if make is not None:
                    make(into, seq, at, move, entry)
        batch.stop += len(entries)

    def _take(self, taken: dict[type[Any], Many], kinds: Kinds, seq: int, name: Digest) -> int:
        """Read a record; what retention has taken away, or what has no rows, is left out. Gives the bytes read."""
        try:
            data = self._reader.get(name)
        except ObjectMissing:
            return 0
        record = kinds.read(data)
        if record is not None:
            many = taken.get(type(record))
            if many is None:
                many = taken[type(record)] = Many([], [], [])
            many.seqs.append(seq)
            many.names.append(name)
            many.records.append(record)
        return len(data)
