"""Databases in forms of their own, by name: which object is one, and what it says as OSV. A newcomer adds a line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from pipeline.formats import alpine_secdb, debian_tracker

Documents = Callable[[Iterable[bytes]], Iterator[dict[str, Any]]]

FORMS: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], bool], Documents], ...]] = (
    (alpine_secdb.NAME, alpine_secdb.detects, alpine_secdb.documents),
    (debian_tracker.NAME, debian_tracker.detects, debian_tracker.documents),
)
NATIVE: Final[dict[str, Documents]] = {name: documents for name, _, documents in FORMS}


def form_of(document: Mapping[str, Any]) -> str:
    """Name the form that an object has; empty when it has none that we know."""
    return next((name for name, detects, _ in FORMS if detects(document)), "")
