"""What a pure function gave, remembered: images share packages, and so names and versions. Must not know any of them.

A plain mapping: asked three thousand times for one SBOM, an order of last use costs more than what it would spare.
"""

from collections.abc import Callable
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MAX: Final = 1 << 17


class Remembered(dict[K, V]):
    """Values of a function by its argument; begun anew when there are too many. A key that raises is not kept."""

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        """Make the value."""
        if len(self) >= MAX:
            self.clear()
        found = self[key] = self._make(key)
        return found
