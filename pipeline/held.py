"""What stages have made of records, held per store: the same bytes always make the same. Must not know any kind.

Holds results of pure functions over immutable objects, so a hit and a miss differ in time only. Bound to one store
object: a sealed store, which replay reads through, begins empty and sees only what it may. Oldest out first.
"""

import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from cas.digest import Digest
from cas.store import Reader
from pipeline.named import FEW_BYTES, Named

MAX_BYTES: Final = 256 << 20
"""Bytes behind what is held; what was made of them may take more or less."""


class Held:
    """Made values by digest and maker, and the digests that an object names."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._made: dict[Callable[[Any], Any], dict[Digest, tuple[Any]]] = {}
        self._held: deque[tuple[Digest, dict[Digest, tuple[Any]], int]] = deque()  # in the order of coming
        self._names: dict[Digest, Named] = {}
        self._bytes = 0
        self._max_bytes = max_bytes

    def of(self, make: Callable[[Any], Any]) -> dict[Digest, tuple[Any]]:
        """Give all that one maker made and that is held, each in a tuple, to be looked at only."""
        found = self._made.get(make)
        if found is None:
            with self._lock:
                found = self._made.setdefault(make, {})
        return found

    def get(self, name: Digest, make: Callable[[Any], Any]) -> tuple[Any] | None:
        """Give what was made, in a tuple; None when it is not held."""
        return self.of(make).get(name)

    def put(self, name: Digest, make: Callable[[Any], Any], value: tuple[Any], data: bytes) -> None:
        """Hold what was made of an object's bytes, and what it names when that costs nothing."""
        made = self.of(make)
        size = len(data)
        with self._lock:
            if name in made or size > self._max_bytes:
                return
            made[name] = value
            self._held.append((name, made, size))
            self._bytes += size
            if size <= FEW_BYTES and name not in self._names:
                self._names[name] = Named(data)
            while self._bytes > self._max_bytes:
                oldest, among, size = self._held.popleft()
                self._bytes -= size
                del among[oldest]
                self._names.pop(oldest, None)

    def names(self, name: Digest, reader: Reader) -> Named:
        """Give the digests that an object names."""
        found = self._names.get(name)
        if found is None:
            found = Named(reader.get(name))
            with self._lock:
                self._names[name] = found
        return found


_HELD: Final[weakref.WeakKeyDictionary[Any, Held]] = weakref.WeakKeyDictionary()
_LOCK: Final = threading.Lock()


def held_of(store: Reader) -> Held:
    """Give what is held for a store; a store that cannot be referred to weakly begins empty each time."""
    try:
        with _LOCK:
            return _HELD.setdefault(store, Held())
    except TypeError:
        return Held()
