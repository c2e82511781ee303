"""Idempotency keys: a POST done once, whatever is repeated. The key's entry stands in the same append as its effect.

1. A key that was used gives the kept answer; for another request it is refused.
2. Otherwise the log that the operation sees adds ``request.asked`` to the operation's first append: all or nothing, so
   two requests with one key cannot both have an effect, and a crash cannot separate the effect from the key.
3. When the answer is known it is kept, and ``request.answered`` names it.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast

from api.calls.call import AnyCall
from api.calls.moved import Moved
from api.problems import KeyInFlight, KeyReused
from api.visit import Visit
from cas import digest, refs
from cas.digest import Digest
from cas.log import Appended, Log, RefIs
from cas.problems import ExpectationFailed
from cas.records.access import Asked
from cas.records.proof import Entry, RefMove
from cas.store import load, save


class KeyedLog:
    """A Log that adds one entry to the first append that succeeds; everything else is passed on."""

    def __init__(self, log: Log, entry: Entry) -> None:
        self._log = log
        self._entry = entry
        self._first: Future[Appended] | None = None

    @property
    def claimed(self) -> bool:
        """Tell whether the entry is in the log, or on its way."""
        return self._first is not None and not (self._first.done() and self._first.exception() is not None)

    def append(self, entries: Sequence[Entry], expect: Sequence[RefIs] = ()) -> Future[Appended]:
        """See Log."""
        if self.claimed:
            return self._log.append(entries, expect)
        self._first = self._log.append((*entries, self._entry), expect)
        return self._first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class Once:
    """One request with an idempotency key."""

    def __init__(self, visit: Visit, call: AnyCall | Moved, key: str, request: bytes) -> None:
        self._effects = visit.effects
        self._actor = visit.caller.actor
        self._shown_once = call.shown_once
        self._name = refs.asked(digest.of_bytes(f"{self._actor}\n{key}".encode()))
        self.asked = Asked(
            actor=self._actor,
            key=digest.of_bytes(key.encode()),
            call=call.name,
            request=digest.of_bytes(request),
            status=0,
            answer=None,
        )
        self._log: KeyedLog | None = None

    def earlier(self) -> tuple[int, bytes] | None:
        """Give the kept status and answer, if this very request was answered before (1).

        Raises: api.idempotency_key_reused, api.idempotency_key_in_flight
        """
        found = self._effects.log.ref(self._name)
        if found is None:
            return None
        known = load(self._effects.store, found, Asked)
        if known.call != self.asked.call or known.request != self.asked.request:
            raise KeyReused(call=known.call)
        if known.answer is None:
            raise KeyInFlight(call=known.call)
        return known.status, self._effects.store.get(known.answer)

    def begin(self, visit: Visit) -> Visit:
        """Give the visit whose first append claims the key (2)."""
        entry = self._entry("request.asked", self.asked, None)
        self._log = KeyedLog(self._effects.log, entry)
        return replace(visit, effects=replace(self._effects, log=cast("Log", self._log)))

    def answered(self, status: int, answer: bytes) -> None:
        """Keep the answer (3); one that is shown only once is not kept.

        Raises: api.idempotency_key_in_flight when the same key won elsewhere meanwhile
        """
        claimed = self._log is not None and self._log.claimed
        old = save(self._effects.store, self.asked) if claimed else None
        kept = None if self._shown_once else self._effects.store.put(answer)
        done = Asked(
            actor=self.asked.actor,
            key=self.asked.key,
            call=self.asked.call,
            request=self.asked.request,
            status=status,
            answer=kept,
        )
        beside = () if kept is None else (kept,)
        try:
            self._effects.log.append((self._entry("request.answered", done, old, beside),)).result()
        except ExpectationFailed as problem:
            if not claimed:  # nothing was done here: the other request's answer counts
                raise KeyInFlight(call=self.asked.call) from problem
            raise

    def _entry(self, event: str, record: Asked, old: Digest | None, beside: tuple[Digest, ...] = ()) -> Entry:
        name = save(self._effects.store, record)
        return Entry(
            event=event,
            record=name,
            runs=(),
            envelopes=(),
            verifications=(),
            beside=beside,
            moves=(RefMove(name=self._name, old=old, new=name),),
            actor=self._actor,
            when=self._effects.clock.now(),
        )
