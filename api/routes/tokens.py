"""Tokens are records through the log; their text is handed out once and never kept."""

from datetime import timedelta

from api import paging
from api.calls import tokens as calls
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.times import plus
from api.visit import Visit
from cas import refs
from cas.problems import EntryMissing, Fault
from cas.records.access import Token, TokenIssuer
from cas.store import load
from pipeline.operations import token_exchange
from pipeline.operations.tokens import Reach, mint
from pipeline.operations.work import Work


def create(visit: Visit, ask: calls.CreateToken) -> calls.TokenMade:
    """Make a token; nobody can hand out a scope that they do not have."""
    _check_scopes(visit, ask.scopes, calls.CREATE.name)
    work = Work(visit.effects, visit.caller)
    reach = Reach(ask.scopes, ask.environments, ask.components)
    minted = mint(work, ask.name, reach, visit.caller.actor, plus(work.now, timedelta(days=ask.days)))
    work.note("token.created", minted.digest, (work.move(minted.ref, minted.digest),))
    work.commit()
    return calls.TokenMade(token=minted.text, view=_view(minted.token))


def _check_scopes(visit: Visit, scopes: tuple[str, ...], call: str) -> None:
    held = visit.asker.token.scopes if visit.asker.token is not None else calls.SCOPES
    faults = tuple(
        Fault(f"/scopes/{at}", "token.scope_unknown" if scope not in calls.SCOPES else "token.scope_not_held", scope)
        for at, scope in enumerate(scopes)
        if scope not in calls.SCOPES or scope not in held
    )
    if faults:
        raise RequestInvalid(call=call, faults=faults)


def list_all(visit: Visit, ask: calls.ListTokens) -> calls.TokensPage:
    """List tokens, expired ones included."""
    names = visit.effects.log.refs("token/")
    items, cursor = paging.page(ask, names, lambda item: item[0], most=visit.instance.settings.limits.page)
    views = tuple(_view(load(visit.effects.store, at, Token)) for _, at in items)
    return calls.TokensPage(items=views, next_cursor=cursor)


def revoke(visit: Visit, ask: calls.RevokeToken) -> calls.TokenView:
    """Revoke a token; what it did stays."""
    name = refs.token(ask.id.removeprefix("token:"))
    work = Work(visit.effects, visit.caller)
    found = work.ref(name)
    if found is None:
        raise EntryMissing(token=ask.id[:80])
    work.note("token.revoked", found, (work.move(name, None),))
    work.commit()
    return _view(load(visit.effects.store, found, Token))


def set_issuer(visit: Visit, ask: calls.SetIssuer) -> calls.IssuerView:
    """Trust a provider; nobody can have a scope handed out that they do not have."""
    _check_scopes(visit, ask.scopes, calls.SET_ISSUER.name)
    offered = token_exchange.Offered(
        ask.name,
        ask.issuer,
        ask.audience,
        ask.keys.encode(),
        ask.claims,
        ask.scopes,
        ask.environments,
        ask.components,
        ask.minutes,
    )
    return _issuer(token_exchange.set_issuer(visit.effects, visit.caller, offered))


def list_issuers(visit: Visit, ask: calls.ListIssuers) -> calls.IssuersPage:
    """List the providers that are trusted."""
    found = token_exchange.issuers(visit.effects)
    items, cursor = paging.page(ask, found, lambda one: one.name, most=visit.instance.settings.limits.page)
    return calls.IssuersPage(items=tuple(map(_issuer, items)), next_cursor=cursor)


def remove_issuer(visit: Visit, ask: calls.RemoveIssuer) -> calls.IssuerView:
    """Trust a provider no longer."""
    return _issuer(token_exchange.remove_issuer(visit.effects, visit.caller, ask.name))


def exchange(visit: Visit, ask: calls.ExchangeToken) -> calls.TokenMade:
    """Exchange an identity token; whoever holds one may ask."""
    minted = token_exchange.exchange(visit.effects, visit.caller, ask.identity_token, wanted=ask.issuer)
    return calls.TokenMade(token=minted.text, view=_view(minted.token))


def _issuer(record: TokenIssuer) -> calls.IssuerView:
    return calls.IssuerView(
        name=record.name,
        issuer=record.issuer,
        audience=record.audience,
        keys=record.keys,
        claims=record.claims,
        scopes=record.scopes,
        environments=record.environments,
        components=record.components,
        minutes=record.minutes,
        created_by=record.created_by,
        created_at=record.created_at,
    )


def _view(token: Token) -> calls.TokenView:
    return calls.TokenView(
        id=token.id,
        name=token.name,
        scopes=token.scopes,
        environments=token.environments,
        components=token.components,
        created_by=token.created_by,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.CREATE, create),
    Handler(calls.LIST, list_all),
    Handler(calls.REVOKE, revoke),
    Handler(calls.SET_ISSUER, set_issuer),
    Handler(calls.LIST_ISSUERS, list_issuers),
    Handler(calls.REMOVE_ISSUER, remove_issuer),
    Handler(calls.EXCHANGE, exchange),
)
