"""The stop-line."""

from api.asker import OutOfBounds
from api.calls import line as calls
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from pipeline.operations import stop_line
from pipeline.operations.stop_line import Stopped


def show(visit: Visit, _ask: calls.ShowLine) -> calls.LineView:
    """Show whether the line is stopped."""
    return _view(visit, stop_line.current(visit.effects))


def stop(visit: Visit, ask: calls.StopTheLine) -> calls.LineView:
    """Stop the line."""
    _reach(visit, ask.environments)
    return _view(visit, stop_line.stop(visit.effects, visit.caller, ask.environments, ask.reason))


def lift(visit: Visit, ask: calls.LiftTheLine) -> calls.LineView:
    """Lift the stop."""
    _reach(visit, ask.environments)
    return _view(visit, stop_line.lift(visit.effects, visit.caller, ask.environments))


def _reach(visit: Visit, environments: tuple[str, ...]) -> None:
    """Refuse what the asker's token does not reach: all environments, for one that is bound to some."""
    token = visit.asker.token
    if token is not None and token.environments and not environments:
        raise OutOfBounds(environments="all")
    for environment in environments:
        visit.asker.reach(environment=environment)


def _view(visit: Visit, found: Stopped | None) -> calls.LineView:
    if found is None:
        return calls.LineView(stopped=False)
    return calls.LineView(
        stopped=True,
        everywhere=not found.stop.environments,
        environments=found.stop.environments,
        reason=found.stop.reason,
        by=who(visit.effects, found.stop.by),
        at=found.stop.at,
        digest=found.digest,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.SHOW, show),
    Handler(calls.STOP, stop),
    Handler(calls.LIFT, lift),
)
