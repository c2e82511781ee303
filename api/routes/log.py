"""The log's head, entries, proofs and checkpoint."""

import base64
from typing import Final

from api import paging
from api.calls import log as calls
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest, merkle
from cas.digest import Digest
from cas.log import LogHead
from cas.problems import EntryMissing
from cas.records.proof import Entry

ORIGIN: Final = "stella/"


def head(visit: Visit, _ask: calls.LogHeadAsk) -> calls.LogHeadView:
    """Give size and root."""
    at = visit.effects.log.head()
    return calls.LogHeadView(origin=visit.instance.origin, size=at.size, root=at.root)


def entries(visit: Visit, ask: calls.EntriesAsk) -> calls.EntriesPage:
    """List entries: all of them by their positions, some as the index finds them."""
    limit = paging.limit(ask, visit.instance.settings.limits.page)
    last = paging.place(ask)
    if ask.event or ask.record:
        record = ask.record if digest.is_digest(ask.record) else None
        if ask.record and record is None:
            return calls.EntriesPage(items=(), next_cursor="")
        found = visit.instance.index().entries(
            last, limit, event=ask.event or None, record=record, oldest_first=ask.oldest_first
        )
        positions, more = [row.seq for row in found.rows], found.after
    else:
        positions, more = _positions(visit.effects.log.head().size, last, limit, oldest_first=ask.oldest_first)
    log = visit.effects.log
    items = [_view(visit, at, one) for position in positions for at, one in log.read(position, position + 1)]
    return calls.EntriesPage(items=tuple(items), next_cursor=paging.cursor(ask, more))


def _positions(size: int, last: int | None, limit: int, *, oldest_first: bool) -> tuple[list[int], int | None]:
    """Give a page of positions, and the last of them when more follow."""
    if oldest_first:
        left = range(0 if last is None else min(last + 1, size), size)
    else:
        left = range((size if last is None else min(last, size)) - 1, -1, -1)
    page = list(left[:limit])
    return page, page[-1] if len(left) > limit else None


def entry(visit: Visit, ask: calls.EntryAsk) -> calls.EntryView:
    """Show one entry."""
    if ask.position >= visit.effects.log.head().size:
        raise EntryMissing(position=ask.position)
    for at, found in visit.effects.log.read(ask.position, ask.position + 1):
        return _view(visit, at, found)
    raise EntryMissing(position=ask.position)


def _view(visit: Visit, at: int, found: Entry) -> calls.EntryView:
    return calls.EntryView(position=at, entry=found, who=who(visit.effects, found.actor))


def inclusion(visit: Visit, ask: calls.InclusionAsk) -> calls.ProofView:
    """Prove that an entry is in the log."""
    at = _tree(visit, ask.size)
    if ask.position >= at.size:
        raise EntryMissing(position=ask.position, size=at.size)
    hashes = visit.effects.log.inclusion(ask.position, at.size)
    leaf = merkle.leaf_hash(visit.effects.log.leaf(ask.position))
    return calls.ProofView(size=at.size, root=at.root, leaf=leaf.hex(), hashes=tuple(item.hex() for item in hashes))


def consistency(visit: Visit, ask: calls.ConsistencyAsk) -> calls.ProofView:
    """Prove that the log only grew."""
    at = _tree(visit, ask.new)
    if not 0 < ask.old <= at.size:
        raise EntryMissing(old=ask.old, new=at.size)
    hashes = visit.effects.log.consistency(ask.old, at.size)
    return calls.ProofView(size=at.size, root=at.root, leaf="", hashes=tuple(item.hex() for item in hashes))


def _tree(visit: Visit, size: int) -> LogHead:
    head_now = visit.effects.log.head()
    if size in (0, head_now.size):
        return head_now
    if size > head_now.size:
        raise EntryMissing(size=size, log_size=head_now.size)
    return LogHead(size, _root_at(visit, size))


def _root_at(visit: Visit, size: int) -> Digest:
    """Compute the root of an earlier tree from its leaves."""
    tree = merkle.Tree()
    tree.extend(merkle.leaf_hash(visit.effects.log.leaf(at)) for at in range(size))
    return digest.from_raw(tree.root())


def checkpoint(visit: Visit, _ask: calls.CheckpointAsk) -> calls.CheckpointView:
    """Sign the durable head with the server's key (C2SP signed note)."""
    from cas import checkpoint as notes  # noqa: PLC0415 - only this call signs notes

    at = visit.effects.log.head()
    server = visit.effects.server
    stated = notes.of_head(f"{ORIGIN}{visit.instance.origin}", at)
    spki = base64.b64decode(server.key.spki)
    verifier = notes.Verifier(stated.origin, notes.ED25519, spki[-32:])  # RFC 8410: the raw key ends the SPKI
    note = notes.signed(stated, (notes.sign(stated, verifier, server.sign),))
    return calls.CheckpointView(
        note=note.decode(), verifier=verifier.text(), size=at.size, root=at.root, at=visit.effects.clock.now()
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.HEAD, head),
    Handler(calls.ENTRIES, entries),
    Handler(calls.ENTRY, entry),
    Handler(calls.CHECKPOINT, checkpoint),
    Handler(calls.INCLUSION, inclusion),
    Handler(calls.CONSISTENCY, consistency),
)
