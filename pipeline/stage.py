"""Stages: pure functions from one input record to one output record, and the only code that runs them.

A stage sees nothing but ``io``: it may read what its input names, and what that names in turn. Everything it wants to
keep goes through ``io.keep``. ``advance`` is the only place where a digest becomes a record and a record a digest.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from cas import canon
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import Record
from cas.records.proof import Run, RunNote
from cas.store import Reader, Store, save
from pipeline.engines import NO_ENGINES, EngineAbsent, Engines
from pipeline.held import Held, held_of
from pipeline.named import Named, Names

I = TypeVar("I", bound=Record)  # noqa: E741 - I for input, O for output
O = TypeVar("O", bound=Record)  # noqa: E741
R = TypeVar("R", bound=Record)
T = TypeVar("T")
_NOTHING: Final = Named(b"")


class ReadUnnamed(Problem):
    """A stage asked for an object that nothing it has read names."""

    code = "stage.read_unnamed"
    category = Category.INTERNAL
    title = "A stage read something its input does not name"
    remedy = "Name it in the stage's input record."


class StageIO:
    """What a stage may do: load and read by named digest, ask the engines it was given, keep. Notes all it did."""

    engines: Engines = NO_ENGINES

    def __init__(
        self, store: Reader, keep: Callable[[bytes], Digest], question: bytes, held: Held | None = None
    ) -> None:
        self._store = store
        self._keep = keep
        self._named = Names(Named(question))
        self._held = held_of(store) if held is None else held
        self._seen: dict[Digest, Named] = {}  # what was read here names
        self._via = ""  # the object last derived through, and what it names
        self._below: frozenset[Digest] = frozenset()
        self.reads: set[Digest] = set()
        self.keeps: set[Digest] = set()

    def read(self, wanted: Digest) -> bytes:
        """Give the bytes of a named object.

        Raises: stage.read_unnamed, cas.object_missing, cas.object_corrupt
        """
        if wanted not in self._named:
            raise ReadUnnamed(digest=wanted)
        data = self._store.get(wanted)
        if wanted not in self.reads:
            self.reads.add(wanted)
            self._seen[wanted] = named = Named(data)
            self._named.add(named)
        return data

    def derive(self, wanted: Digest, make: Callable[[bytes], T], *, via: Digest) -> T:
        """Give ``make`` of an object that ``via``, which was read before, names.

        Made once per store, since bytes and ``make`` are pure; counts as a read whether it was made now or before.

        Raises: as ``read``, and what ``make`` raises
        """
        if via != self._via and via in self.reads:
            self._via, self._below = via, self._names(via).listed()
        if (via != self._via or wanted not in self._below) and wanted not in self._named:
            raise ReadUnnamed(digest=wanted)
        held = self._held.get(wanted, make)
        if held is None:
            data = self._store.get(wanted)
            held = (make(data),)
            self._held.put(wanted, make, held, data)
        self.reads.add(wanted)
        value: T = held[0]
        return value

    def derive_each(self, wanted: Sequence[tuple[Digest, Digest]], make: Callable[[bytes], T]) -> list[T]:
        """Give ``make`` of many objects, each given with the object read before that names it; else as ``derive``.

        Raises: as ``derive``
        """
        made = self._held.of(make)
        above, named = "", _NOTHING
        out: list[T] = []
        for name, via in wanted:
            if via != above:
                above, named = via, self._names(via) if via in self.reads else _NOTHING
            if name not in named and name not in self._named:
                raise ReadUnnamed(digest=name)
            found = made.get(name)
            if found is None:
                data = self._store.get(name)
                found = (make(data),)
                self._held.put(name, make, found, data)
            out.append(found[0])
        self.reads.update([name for name, _ in wanted])
        return out

    def again(self, wanted: AbstractSet[Digest], *, via: Digest) -> None:
        """Count as read what was made of objects before and is remembered by whoever asks.

        Raises: stage.read_unnamed
        """
        if wanted:
            unnamed = wanted - self._names(via).listed() if via in self.reads else wanted
            if unnamed:
                raise ReadUnnamed(digest=min(unnamed))
            self.reads |= wanted

    def _names(self, via: Digest) -> Named:
        return self._seen.get(via) or self._held.names(via, self._store)

    def load(self, wanted: Digest, kind: type[R]) -> R:
        """Give a named record.

        Raises: as ``read``, and cas.record_invalid
        """
        return canon.to_record(self.read(wanted), kind)

    def ask(self, engine: str, request: bytes) -> bytes:
        """Have an engine compute: a function of the request, under the version that the stage names.

        Raises: stage.engine_absent, and what the engine raises
        """
        found = self.engines.get(engine)
        if found is None:
            raise EngineAbsent(engine=engine)
        return found.answer(request)

    def keep(self, thing: Record | bytes) -> Digest:
        """Keep a record or bytes beside the output, and give its digest."""
        data = thing if isinstance(thing, bytes) else canon.of_record(thing)
        name = self._keep(data)
        self.keeps.add(name)
        return name


@dataclass(frozen=True, slots=True)
class Stage(Generic[I, O]):
    """A published stage. ``name`` and ``version`` are frozen with the import closure of ``compute``."""

    name: str
    version: int
    input: type[I]
    output: type[O] | tuple[type[O], ...]
    compute: Callable[[I, StageIO], O]
    engines: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Done(Generic[O]):
    """What a stage left: its output, and the Run to be listed in the entry that admits it."""

    digest: Digest
    record: O
    note: RunNote


def advance(
    stage: Stage[I, O],
    question: Digest,
    store: Store,
    make_io: Callable[[Reader, Callable[[bytes], Digest], bytes], StageIO] = StageIO,
    engines: Engines = NO_ENGINES,
) -> Done[O]:
    """Load the input, run the stage, save output, keeps and Run: the only such code.

    ``make_io`` may give a StageIO that remembers what it decoded; it must answer as StageIO does.

    Raises: what the stage raises (a Problem: no answer), stage.read_unnamed
    """
    data = store.get(question)
    io = make_io(store, store.put, data)
    io.engines = engines
    output = stage.compute(canon.to_record(data, stage.input), io)
    name = save(store, output)
    run = Run(
        stage=stage.name,
        version=stage.version,
        engines=stage.engines,
        input=question,
        output=name,
        reads=tuple(sorted(io.reads)),
        keeps=tuple(sorted(io.keeps)),
    )
    note = RunNote(run=save(store, run), stage=stage.name, version=stage.version, input=question, output=name)
    return Done(name, output, note)


AnyStage = Stage[Any, Any]
