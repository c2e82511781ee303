"""Where the index's rows go, and where what they need besides is read; records read kind by kind.

Knows nothing of any kind's rows; cas.rows does.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from cas import columns
from cas.digest import Digest
from cas.excerpts import KIND
from cas.problems import ObjectMissing
from cas.records.release import Environment
from cas.store import Reader
from cas.tables import Batch

R = TypeVar("R", bound=msgspec.Struct)

MANY: Final = 1 << 20
"""More rows than one ref's move gives: room between the items of two moves."""

KNOWN: Final = 4096
"""So many names of environments and promotions are remembered."""


@dataclass(frozen=True, slots=True)
class Many:
    """Records of one kind, with their names and the entries that led to them."""

    seqs: list[int]
    names: list[Digest]
    records: list[Any]


class Kinds:
    """Kinds of records that have rows."""

    def __init__(self, kinds: Iterable[type[Any]]) -> None:
        self._decode = {str(kind.__struct_config__.tag).encode(): msgspec.json.Decoder(kind).decode for kind in kinds}

    def read(self, data: bytes) -> Any:
        """Decode a record of these kinds; None for one of another.

        The last ``kind`` in the bytes is nearly always the record's own: who looks for it first reads the record once
        instead of twice. The decoder holds the record to it.
        """
        at = data.rfind(b'"kind":"') + 8
        decode = self._decode.get(data[at : data.find(b'"', at)])
        if decode is not None:
            try:
                return decode(data)
            except msgspec.ValidationError:
                pass  # a part's kind, or a fault: told below
        decode = self._decode.get(KIND.decode(data).kind.encode())
        return decode and decode(data)


class Into:
    """Where rows go, and where what they need besides is read."""

    def __init__(self, reader: Reader, admitted: Callable[[Digest], int | None]) -> None:
        self._reader = reader
        self.admitted = admitted
        self.batch = Batch(0)
        self._seen: set[Digest] = set()
        self._known: dict[tuple[type[Any], Digest], Any] = {}

    def begin(self, start: int) -> None:
        """Begin an empty batch."""
        self.batch = Batch(start)
        self._seen = set()

    def first(self, name: Digest) -> bool:
        """Tell whether this is asked for the first time in this batch."""
        size = len(self._seen)
        self._seen.add(name)
        return len(self._seen) > size

    def load(self, name: Digest | None, kind: type[R]) -> R | None:
        """Read a record; None for what retention has taken away, which then has no rows."""
        if name is None:
            return None
        try:
            record = msgspec.json.decode(self._reader.get(name), type=kind)
        except ObjectMissing:
            return None
        columns.check(record)
        return record

    def read(self, name: Digest, kinds: Kinds) -> Any:
        """Read a record of one of some kinds; None for one of another kind, or one that retention has taken away."""
        try:
            record = kinds.read(self._reader.get(name))
        except ObjectMissing:
            return None
        if record is not None:
            columns.check(record)
        return record

    def recall(self, name: Digest, kind: type[R]) -> R | None:
        """Read a record that is asked for again and again."""
        key = kind, name
        if key not in self._known:
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known[key] = self.load(name, kind)
        found: R | None = self._known[key]
        return found

    def environment_name(self, name: Digest) -> str:
        """Give the name of an environment's record; empty when it is gone."""
        found = self.recall(name, Environment)
        return found.name if found else ""


MakeMany = Callable[[Into, Many], None]
MakeOne = Callable[[Into, int, Digest, Any], None]


class Makers(Kinds):
    """Kinds of records, each with the function that makes its rows."""

    def __init__(self, makers: dict[type[Any], MakeMany]) -> None:
        super().__init__(makers)
        self._makers = makers

    def make(self, into: Into, taken: dict[type[Any], Many]) -> None:
        """Make the rows of records that were read, their strings held to their forms."""
        for kind, many in taken.items():
            check = columns.plan(kind)  # type: ignore[arg-type]  # classes are hashable
            if check is not None and not check(many.records):
                for record in many.records:
                    columns.check(record)  # says which
            self._makers[kind](into, many)


def each(make: MakeOne) -> MakeMany:
    """Make rows record by record, for kinds of which there are few."""

    def made(into: Into, many: Many) -> None:
        for seq, name, record in zip(many.seqs, many.names, many.records, strict=True):
            make(into, seq, name, record)

    return made


def fields(names: str) -> Callable[[Iterable[Any]], list[list[Any]]]:
    """Give the function that turns records into columns of some of their fields."""
    getters = [attrgetter(name) for name in names.split()]
    return lambda records: [list(map(get, records)) for get in getters]


def below(many: Many, parts: Sequence[Sequence[Any]]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Give the columns seq, item, name of the record above, and the parts themselves, one row a part."""
    counts = list(map(len, parts))
    return (
        list(chain.from_iterable(map(repeat, many.seqs, counts))),
        list(chain.from_iterable(map(range, counts))),
        list(chain.from_iterable(map(repeat, many.names, counts))),
        list(chain.from_iterable(parts)),
    )
