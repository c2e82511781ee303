"""Environments, targets, freeze windows."""

from api import paging
from api.calls import environments as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest
from cas.records.release import Environment
from pipeline.operations import environments


def set_environment(visit: Visit, ask: calls.SetEnvironment) -> calls.EnvironmentView:
    """Make or change an environment."""
    environment, name = environments.set_environment(
        visit.effects,
        visit.caller,
        ask.environment,
        order=ask.order,
        after=ask.after,
        production=ask.production,
        required_approvals=ask.required_approvals,
        approver_groups=ask.approver_groups,
        separation_of_duties=ask.separation_of_duties,
        personal_key_required=ask.personal_key_required,
        soak_seconds=ask.soak_seconds,
        variables=None if ask.variables is None else dict(ask.variables),
        secrets=None if ask.secrets is None else dict(ask.secrets),
        allowed_bind_paths=ask.allowed_bind_paths,
        health_timeout_seconds=ask.health_timeout_seconds,
        retention_days=ask.retention_days,
    )
    return _view(visit, environment, name)


def list_all(visit: Visit, ask: calls.ListEnvironments) -> calls.EnvironmentsPage:
    """List environments in their order."""
    found = environments.list_environments(visit.effects)
    items, cursor = paging.page(
        ask,
        found,
        lambda one: f"{one.environment.order:012d} {one.environment.name}",
        most=visit.instance.settings.limits.page,
    )
    return calls.EnvironmentsPage(
        items=tuple(_view(visit, one.environment, one.digest) for one in items), next_cursor=cursor
    )


def show(visit: Visit, ask: calls.ShowEnvironment) -> calls.EnvironmentView:
    """Show an environment."""
    return _named(visit, ask.environment)


def add_target(visit: Visit, ask: calls.AddTarget) -> calls.EnvironmentView:
    """Add a host."""
    environments.add_target(
        visit.effects,
        visit.caller,
        ask.environment,
        ask.name,
        type_=ask.type,
        platform=ask.platform,
        settings=dict(ask.settings),
    )
    return _named(visit, ask.environment)


def remove_target(visit: Visit, ask: calls.RemoveTarget) -> calls.EnvironmentView:
    """Take a host out."""
    environments.remove_target(visit.effects, visit.caller, ask.environment, ask.name)
    return _named(visit, ask.environment)


def set_freeze(visit: Visit, ask: calls.SetFreeze) -> calls.EnvironmentView:
    """Add a freeze window."""
    environment, name = environments.set_freeze(
        visit.effects,
        visit.caller,
        ask.environment,
        ask.start,
        ask.end,
        reason=ask.reason,
        exceptions=ask.exceptions,
        zone=ask.zone,
    )
    return _view(visit, environment, name)


def clear_freeze(visit: Visit, ask: calls.ClearFreeze) -> calls.EnvironmentView:
    """Take out a freeze window."""
    environment, name = environments.clear_freeze(visit.effects, visit.caller, ask.environment, ask.start)
    return _view(visit, environment, name)


def _named(visit: Visit, name: str) -> calls.EnvironmentView:
    return _view(visit, *environments.find_environment(visit.effects, name))


def _view(visit: Visit, environment: Environment, name: str) -> calls.EnvironmentView:
    targets = tuple(
        calls.TargetView(id=digest.uuid_of(at), digest=at, target=target)
        for target, at in environments.targets_of(visit.effects, environment)
    )
    return calls.EnvironmentView(id=digest.uuid_of(name), digest=name, environment=environment, targets=targets)


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.SET, set_environment),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.ADD_TARGET, add_target),
    Handler(calls.REMOVE_TARGET, remove_target),
    Handler(calls.SET_FREEZE, set_freeze),
    Handler(calls.CLEAR_FREEZE, clear_freeze),
)
