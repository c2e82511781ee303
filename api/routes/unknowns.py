"""What is not known."""

from api import paging
from api.calls import unknowns as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from pipeline.operations import unknowns
from pipeline.operations.unknowns import Found


def list_all(visit: Visit, ask: calls.ListUnknowns) -> calls.UnknownsPage:
    """List unknowns, the most pressing first."""
    found = [_line(one) for one in unknowns.listed(visit.effects, release=ask.release, environment=ask.environment)]
    kept = tuple(
        one
        for one in found
        if ask.reason in {"", one.reason} and ask.tier in {"", one.tier} and ask.band in {"", one.band}
    )
    items, cursor = paging.page(ask, tuple(sorted(kept, key=_place)), _place, most=visit.instance.settings.limits.page)
    return calls.UnknownsPage(items=items, next_cursor=cursor)


def _place(one: calls.UnknownLine) -> str:
    """Say where a line stands in the order of the listing."""
    head = f"{100 - one.rank:03d} {1_000_000 - one.entropy:07d}"
    names = (one.release, one.environment, one.reason, one.code, one.subject, one.evidence, one.pointer)
    return "\x1f".join((head, *names))


def _line(one: Found) -> calls.UnknownLine:
    row = one.ranked.row
    return calls.UnknownLine(
        release=one.release,
        environment=one.environment,
        reason=row.reason,
        code=row.code,
        subject=row.subject,
        entropy=row.entropy,
        tier=one.ranked.tier,
        pressure=one.ranked.pressure,
        rank=one.ranked.rank,
        band=one.ranked.band,
        evidence=row.evidence or "",
        pointer=row.pointer,
        verdict=one.verdict,
        as_of=one.as_of,
    )


HANDLERS: tuple[AnyHandler, ...] = (Handler(calls.LIST, list_all),)
