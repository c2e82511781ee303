"""The kinds of evidence that are registered, as they stand. Loads no schema validator: it only lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.records.report import OwnKind
from cas.store import load
from pipeline.effects import Effects

_REFS: Final = refs.own_kind("")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind by digest and value. ``existed``: it had this schema before."""

    digest: Digest
    kind: OwnKind
    existed: bool


def every(effects: Effects) -> Iterator[Kept]:
    """Give the kinds registered here, by name."""
    for _, name in effects.log.refs(_REFS):
        yield Kept(name, load(effects.store, name, OwnKind), existed=True)
