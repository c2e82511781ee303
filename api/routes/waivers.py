"""Waivers: ask, sign, approve, refuse, list, withdraw."""

from api import paging
from api.bodies import decoded, encoded
from api.calls import waivers as calls
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas.records.policy import Waiver2
from pipeline.operations import waivers
from pipeline.operations.waivers import Granted, Requested, Wanted
from policy.instants import DAY, seconds


def request(visit: Visit, ask: calls.RequestWaiver) -> calls.WaiverRequestView:
    """Ask that a risk be accepted."""
    wanted = Wanted(
        vulnerability=ask.vulnerability,
        reason=ask.reason,
        ticket=ask.ticket,
        expires_at=ask.expires_at,
        effect=ask.effect,
        severity=ask.severity,
        control=ask.control,
        component=ask.component,
        environment=ask.environment,
        subject=ask.subject,
        line=ask.line,
        while_version=ask.while_version,
        while_reach=ask.while_reach,
    )
    return _requested(visit, waivers.request(visit.effects, visit.caller, wanted))


def requests(visit: Visit, ask: calls.ListRequests) -> calls.WaiverRequestsPage:
    """List what waits, oldest first."""
    items, cursor = paging.page(
        ask,
        waivers.waiting(visit.effects),
        lambda one: f"{one.request.requested_at} {one.digest}",
        most=visit.instance.settings.limits.page,
    )
    return calls.WaiverRequestsPage(items=tuple(_requested(visit, one) for one in items), next_cursor=cursor)


def to_sign(visit: Visit, ask: calls.OneRequest) -> calls.WaiverToSign:
    """Give what an approver signs."""
    statement = waivers.to_sign(visit.effects, ask.waiver_request)
    return calls.WaiverToSign(
        statement=encoded(statement), request=waivers.find(visit.effects, ask.waiver_request).request
    )


def approve(visit: Visit, ask: calls.ApproveWaiver) -> calls.WaiverView:
    """Let a request take effect."""
    return _waiver(visit, waivers.approve(visit.effects, visit.caller, decoded(ask.envelope)))


def refuse(visit: Visit, ask: calls.OneRequest) -> calls.WaiverRequestView:
    """End a request without effect."""
    return _requested(visit, waivers.refuse(visit.effects, visit.caller, ask.waiver_request))


def list_all(visit: Visit, ask: calls.ListWaivers) -> calls.WaiversPage:
    """List waivers, soonest end first."""
    shown = (_waiver(visit, one) for one in waivers.listed(visit.effects, ask.environment or "any"))
    if ask.ending_days:
        shown = (one for one in shown if 0 < one.days_left <= ask.ending_days)
    items, cursor = paging.page(
        ask,
        tuple(shown),
        lambda one: f"{one.waiver.expires_at} {one.digest}",
        most=visit.instance.settings.limits.page,
    )
    return calls.WaiversPage(items=tuple(items), next_cursor=cursor)


def withdraw(visit: Visit, ask: calls.WithdrawWaiver) -> calls.WaiverView:
    """Take a waiver back."""
    return _waiver(visit, waivers.withdraw(visit.effects, visit.caller, ask.waiver))


def _requested(visit: Visit, one: Requested) -> calls.WaiverRequestView:
    return calls.WaiverRequestView(
        id=one.id, digest=one.digest, request=one.request, requested_by=who(visit.effects, one.request.requested_by)
    )


def _waiver(visit: Visit, one: Granted) -> calls.WaiverView:
    asked = one.waiver.requested_by if isinstance(one.waiver, Waiver2) else one.waiver.approved_by
    left = seconds(one.waiver.expires_at) - seconds(visit.effects.clock.now())
    return calls.WaiverView(
        digest=one.digest,
        waiver=one.waiver,
        requested_by=who(visit.effects, asked),
        approved_by=who(visit.effects, one.waiver.approved_by),
        days_left=max(0, -(-left // DAY)),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.REQUEST, request),
    Handler(calls.REQUESTS, requests),
    Handler(calls.TO_SIGN, to_sign),
    Handler(calls.APPROVE, approve),
    Handler(calls.REFUSE, refuse),
    Handler(calls.LIST, list_all),
    Handler(calls.WITHDRAW, withdraw),
)
