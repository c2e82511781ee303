"""What an order of versions is, and the pieces its keys are made of. Must not know any ecosystem.

A key is lower-case hex whose text order is the order of versions. Numbers of any length become a length byte and their
digits; every variable part ends with a mark lower than whatever may follow it, so no key is a prefix of another that
sorts differently.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

MAX_VERSION = 1024
MAX_DIGITS = 250
LOWEST = "00"
"""The key of OSV's ``introduced: "0"``: not above any key."""


class VersionInvalidError(ValueError):
    """The text is not a version of this ecosystem: it has no place in its order."""


class Orderable(Protocol):
    """Whatever can be compared with its like."""

    def __lt__(self, other: Any, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scheme:
    """An ecosystem's order of versions.

    ``sort`` gives something comparable for a version text, or raises VersionInvalidError. ``exact`` says that it is a
    hex key, equal to the ecosystem's order, that may be stored; without it (Maven, whose order is not transitive) only
    pairs can be compared.
    """

    name: str
    sort: Callable[[str], Any]
    exact: bool = True

    def key(self, version: str) -> str:
        """Give the stored form of a version; empty when it has none."""
        if not self.exact:
            return ""
        try:
            return str(self.sort(version))
        except VersionInvalidError:
            return ""


def number(digits: str) -> bytes:
    """Encode decimal digits so that bytes compare as the numbers do.

    Raises: VersionInvalidError
    """
    digits = digits.lstrip("0")
    if len(digits) > MAX_DIGITS:
        raise VersionInvalidError("number too long")
    return bytes((len(digits),)) + digits.encode("ascii")


def bounded(version: str) -> str:
    """Refuse versions beyond 1,024 characters or outside ASCII, and strip blanks around.

    Raises: VersionInvalidError
    """
    version = version.strip()
    if not version or len(version) > MAX_VERSION or not version.isascii():
        raise VersionInvalidError("empty, too long or not ASCII")
    return version
