"""Policy packs and custom rules."""

from api import paging
from api.calls import policies as calls
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import refs
from cas.digest import Digest
from cas.problems import Fault
from cas.records.policy import PolicyPack
from cas.store import load
from pipeline.operations import policy, rules

_PACKS = refs.policy_pack("")
_ACTIVE = refs.policy("")


def store(visit: Visit, ask: calls.StorePolicy) -> calls.PolicyView:
    """Check and store a pack."""
    if bool(ask.yaml) == bool(ask.starter):
        raise RequestInvalid(call="policy.store", faults=(Fault("/yaml", "policy.source", "either yaml or starter"),))
    stored = policy.store_pack(
        visit.effects, visit.caller, policy.starter(ask.starter) if ask.starter else ask.yaml.encode()
    )
    return _view(visit, stored.digest, existed=stored.existed)


def list_all(visit: Visit, ask: calls.ListPolicies) -> calls.PoliciesPage:
    """List the newest pack of each name."""
    items, cursor = paging.page(
        ask, visit.effects.log.refs(_PACKS), lambda item: item[0], most=visit.instance.settings.limits.page
    )
    return calls.PoliciesPage(items=tuple(_view(visit, at) for _, at in items), next_cursor=cursor)


def show(visit: Visit, ask: calls.ShowPolicy) -> calls.PolicyView:
    """Show a pack."""
    return _view(visit, policy.find_pack(visit.effects, ask.policy))


def activate(visit: Visit, ask: calls.ActivatePolicy) -> calls.PolicyView:
    """Let a pack judge an environment."""
    return _view(visit, policy.activate(visit.effects, visit.caller, ask.policy, ask.environment))


def _view(visit: Visit, name: Digest, *, existed: bool = False) -> calls.PolicyView:
    active = tuple(ref.removeprefix(_ACTIVE) for ref, at in visit.effects.log.refs(_ACTIVE) if at == name)
    pack = load(visit.effects.store, name, PolicyPack)
    return calls.PolicyView(digest=name, pack=pack, active_in=active, existed=existed)


def check_rule(visit: Visit, ask: calls.CheckRule) -> calls.RuleCheckView:
    """Check a custom rule."""
    fit = rules.check_rule(visit.effects, ask.source.encode())
    return calls.RuleCheckView(package=fit.package, asks=fit.asks)


def store_rule(visit: Visit, ask: calls.CheckRule) -> calls.RuleView:
    """Check and store a custom rule."""
    stored = rules.store_rule(visit.effects, visit.caller, ask.source.encode())
    return calls.RuleView(digest=stored.digest, rule=stored.rule, existed=stored.existed)


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.STORE, store),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.ACTIVATE, activate),
    Handler(calls.CHECK_RULE, check_rule),
    Handler(calls.STORE_RULE, store_rule),
)
