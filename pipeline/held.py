"""What stages have made of records, held per store: the same bytes always make the same. Must not know any kind.

Holds results of pure functions over immutable objects, so a hit and a miss differ in time only. Bound to one store
object: a sealed store, which replay reads through, begins empty and sees only what it may. Oldest out first.
"""

import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

from cas import digest
from cas.digest import Digest
from cas.store import Reader

MAX_BYTES: Final = 256 << 20
"""Bytes behind what is held; what was made of them may take more or less."""

_Key = tuple[Digest, Callable[[Any], Any]]


class Held:
    """Made values by digest and maker, and the digests that an object names."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._made: dict[_Key, tuple[tuple[Any], int]] = {}
        self._names: dict[Digest, frozenset[Digest]] = {}
        self._bytes = 0
        self._max_bytes = max_bytes

    def get(self, name: Digest, make: Callable[[Any], Any]) -> tuple[Any] | None:
        """Give what was made, in a tuple; None when it is not held."""
        found = self._made.get((name, make))
        return found[0] if found is not None else None

    def put(self, name: Digest, make: Callable[[Any], Any], value: tuple[Any], size: int) -> None:
        """Hold what was made of an object of this size."""
        with self._lock:
            if (name, make) in self._made or size > self._max_bytes:
                return
            self._made[name, make] = (value, size)
            self._bytes += size
            while self._bytes > self._max_bytes:
                oldest = next(iter(self._made))
                self._bytes -= self._made.pop(oldest)[1]
                self._names.pop(oldest[0], None)

    def names(self, name: Digest, reader: Reader) -> frozenset[Digest]:
        """Give the digests that an object names."""
        found = self._names.get(name)
        if found is None:
            found = digest.named_in(reader.get(name))
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
