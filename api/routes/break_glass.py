"""Break glass: ask, sign, list, review."""

from api.bodies import decoded, encoded
from api.calls import break_glass as calls
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from pipeline.operations import break_glass
from pipeline.operations.break_glass import Broken, Waiting


def request(visit: Visit, ask: calls.RequestBreakGlass) -> calls.BreakGlassRequestView:
    """Ask that a verdict be set aside."""
    made = break_glass.request(
        visit.effects, visit.caller, ask.release, ask.environment, ask.reason, ask.ticket, ask.expires_at
    )
    return _request(visit, made)


def list_all(visit: Visit, _ask: calls.ListBreakGlass) -> calls.BreakGlassList:
    """List what waits."""
    return calls.BreakGlassList(
        waiting=tuple(_request(visit, one) for one in break_glass.waiting(visit.effects)),
        unreviewed=tuple(_broken(visit, one) for one in break_glass.unreviewed(visit.effects)),
    )


def to_sign(visit: Visit, ask: calls.OneBreakGlassRequest) -> calls.BreakGlassToSign:
    """Give what each of the two signs."""
    statement = break_glass.to_sign(visit.effects, ask.glass_request)
    found = break_glass.find(visit.effects, ask.glass_request)
    return calls.BreakGlassToSign(statement=encoded(statement), request=found.request)


def sign(visit: Visit, ask: calls.SignBreakGlass) -> calls.BreakGlassRequestView:
    """Take one person's signature."""
    return _request(visit, break_glass.sign(visit.effects, visit.caller, decoded(ask.envelope)))


def review(visit: Visit, ask: calls.ReviewBreakGlass) -> calls.BreakGlassView:
    """Note a review."""
    return _broken(visit, break_glass.review(visit.effects, visit.caller, ask.break_glass, ask.outcome, ask.reason))


def _request(visit: Visit, one: Waiting) -> calls.BreakGlassRequestView:
    return calls.BreakGlassRequestView(
        id=one.id,
        digest=one.digest,
        request=one.request,
        signed_by=tuple(who(visit.effects, person) for person in one.signed.people),
        break_glass=one.glass,
    )


def _broken(visit: Visit, one: Broken) -> calls.BreakGlassView:
    return calls.BreakGlassView(
        digest=one.digest,
        break_glass=one.glass,
        people=tuple(who(visit.effects, person) for person in one.glass.people),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.REQUEST, request),
    Handler(calls.LIST, list_all),
    Handler(calls.TO_SIGN, to_sign),
    Handler(calls.SIGN, sign),
    Handler(calls.REVIEW, review),
)
