"""The digests that bytes name, asked one by one: what a reader of those bytes may go on to read.

Listed once for all that is asked; of few bytes, only when something is asked.
"""

from typing import Final

from cas import digest
from cas.digest import Digest

FEW_BYTES: Final = 4096
FEW_OBJECTS: Final = 4


class Named:
    """The digests that one object's bytes name."""

    __slots__ = ("_data", "_listed")

    def __init__(self, data: bytes) -> None:
        few = len(data) <= FEW_BYTES
        self._data = data if few else b""
        self._listed: frozenset[Digest] | None = None if few else digest.named_in(data)

    def __contains__(self, name: Digest) -> bool:
        """Tell whether the bytes name a digest."""
        return name in self.listed()

    def listed(self) -> frozenset[Digest]:
        """Give all of them."""
        found = self._listed
        if found is None:
            found = self._listed = digest.named_in(self._data)
        return found


class Names:
    """Those of several objects as one."""

    __slots__ = ("_last", "_listed")

    def __init__(self, first: Named) -> None:
        self._last = [first]
        self._listed: set[Digest] = set()

    def add(self, named: Named) -> None:
        """Take in what one more object names."""
        self._last.append(named)
        if len(self._last) > FEW_OBJECTS:
            for each in self._last:
                self._listed |= each.listed()
            self._last.clear()

    def __contains__(self, name: Digest) -> bool:
        """Tell whether one of the objects names a digest."""
        if name in self._listed:
            return True
        for each in self._last:  # noqa: SIM110 - asked for every read of every stage: a generator costs as much again
            if name in each:
                return True
        return False
