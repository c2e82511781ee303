"""Every call there is, in the order of the documents. A new resource adds a line here and in api/routes/catalog.py."""

from api.calls import (
    break_glass,
    deployments,
    drafts,
    environments,
    evaluations,
    evidence,
    feeds,
    health,
    line,
    log,
    policies,
    promotions,
    releases,
    replays,
    search,
    tokens,
    trust,
    verdicts,
    vex,
    waivers,
)
from api.calls.call import AnyCall

CALLS: tuple[AnyCall, ...] = (
    *health.CALLS,
    *evidence.CALLS,
    *feeds.CALLS,
    *releases.CALLS,
    *drafts.CALLS,
    *environments.CALLS,
    *policies.CALLS,
    *waivers.CALLS,
    *verdicts.CALLS,
    *evaluations.CALLS,
    *vex.CALLS,
    *promotions.CALLS,
    *break_glass.CALLS,
    *deployments.CALLS,
    *line.CALLS,
    *replays.CALLS,
    *search.CALLS,
    *log.CALLS,
    *trust.CALLS,
    *tokens.CALLS,
)
BY_NAME: dict[str, AnyCall] = {call.name: call for call in CALLS}
