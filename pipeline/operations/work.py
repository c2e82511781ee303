"""Work: one operation's captures and stage runs, ended by one append. The only writer of entries."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from cas.digest import Digest
from cas.log import Appended, RefIs
from cas.records.base import Record
from cas.records.proof import Entry, HeadSet, RefMove, RunNote
from cas.store import load, save
from pipeline.effects import Caller, Effects
from pipeline.stage import Done, Stage, advance

I = TypeVar("I", bound=Record)  # noqa: E741
O = TypeVar("O", bound=Record)  # noqa: E741


class Work:
    """Collects what an operation did; ``commit`` appends it with what it expects to replace.

    Refs are read through ``ref``, each once: what the operation computed from and what the append expects to replace
    are the same value, whoever writes in between. Entries added with ``note`` are appended together, all or nothing.
    A head set that several records of one append join is written once: the last of their entries moves it.
    """

    def __init__(self, effects: Effects, caller: Caller) -> None:
        self.effects = effects
        self.caller = caller
        self.now = effects.clock.now()
        self._runs: list[RunNote] = []
        self._entries: list[Entry] = []
        self._expect: list[RefIs] = []
        self._refs: dict[str, Digest | None] = {}  # as first read here, or as moved since
        self._joining: dict[str, tuple[int, set[Digest]]] = {}  # by head set: the last entry that adds, and all added

    def save(self, record: Record) -> Digest:
        """Keep a captured record."""
        return save(self.effects.store, record)

    def run(self, stage: Stage[I, O], question: I) -> Done[O]:
        """Run a stage over a record, or give this instance's own earlier Run of it.

        Raises: what the stage raises
        """
        name = self.save(question)
        known = self.effects.log.ran(stage.name, stage.version, name)
        if known is not None:
            kinds = stage.output if isinstance(stage.output, tuple) else (stage.output,)
            for kind in kinds:
                if self._is(known.output, kind):
                    return Done(known.output, load(self.effects.store, known.output, kind), known)
        done = advance(stage, name, self.effects.store, engines=self.effects.engines)
        self._runs.append(done.note)
        return done

    def again(self, done: Done[O]) -> Done[O]:
        """List a Run that an earlier attempt of the same operation made."""
        self._runs.append(done.note)
        return done

    def _is(self, digest: Digest, kind: type[Record]) -> bool:
        tag = str(kind.__struct_config__.tag).encode()
        return b'"kind":"' + tag + b'"' in self.effects.store.get(digest)

    def ref(self, name: str) -> Digest | None:
        """Give what a ref names, as this work first saw it or has moved it since."""
        if name in self._joining:
            self._settle(name)
        if name not in self._refs:
            self._refs[name] = self.effects.log.ref(name)
        return self._refs[name]

    def members(self, name: str) -> tuple[Digest, ...]:
        """Give the members of a head set; empty when it does not exist."""
        digest = self.ref(name)
        return load(self.effects.store, digest, HeadSet).members if digest else ()

    def expect(self, name: str, digest: Digest | None) -> None:
        """Demand that a ref still names this when the work is appended."""
        self._expect.append(RefIs(name, digest))

    def move(self, name: str, new: Digest | None) -> RefMove:
        """Move a ref from what it names now."""
        move = RefMove(name=name, old=self.ref(name), new=new)
        self._refs[name] = new
        return move

    def add(self, name: str, member: Digest, *, without: Sequence[Digest] = ()) -> RefMove:
        """Move a head set to one that holds ``member`` and no longer ``without``."""
        members = (set(self.members(name)) - set(without)) | {member}
        return self.move(name, self.save(HeadSet(members=tuple(sorted(members)))))

    def note(
        self,
        event: str,
        record: Digest | None,
        moves: Sequence[RefMove] = (),
        *,
        joins: Sequence[str] = (),
        envelopes: Sequence[Digest] = (),
        verifications: Sequence[Digest] = (),
        beside: Sequence[Digest] = (),
    ) -> None:
        """Add an entry with the runs made since the one before; ``joins`` names the head sets that the record joins."""
        if record is not None:
            for name in joins:
                _, added = self._joining.get(name, (0, set()))
                added.add(record)
                self._joining[name] = (len(self._entries), added)
        self._entries.append(
            Entry(
                event=event,
                record=record,
                runs=tuple(self._runs),
                envelopes=tuple(sorted(envelopes)),
                verifications=tuple(sorted(verifications)),
                beside=tuple(sorted(beside)),
                moves=tuple(moves),
                actor=self.caller.actor,
                when=self.now,
            )
        )
        self._runs = []

    def settle(self) -> None:
        """Write the head sets that records have joined; what is saved by an operation is then all there."""
        for name in tuple(self._joining):
            self._settle(name)

    def _settle(self, name: str) -> None:
        at, added = self._joining.pop(name)
        members = tuple(sorted({*self.members(name), *added}))
        moves = (self.move(name, self.save(HeadSet(members=members))), *self._entries[at].moves)
        self._entries[at] = msgspec.structs.replace(self._entries[at], moves=moves)

    @property
    def noted(self) -> bool:
        """Tell whether there is anything to append."""
        return bool(self._entries)

    def commit(self) -> Appended:
        """Append everything noted, and wait until it is durable.

        Raises: cas.expectation_failed, cas.sync_failed, cas.home_read_only
        """
        self.settle()
        entries, self._entries = self._entries, []
        return self.effects.log.append(entries, self._expect).result()
