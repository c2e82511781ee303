"""Tokens are records through the log; their text is handed out once and never kept."""

from datetime import timedelta

from api import paging
from api.auth import token_text
from api.calls import tokens as calls
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.times import plus
from api.visit import Visit
from cas import digest, refs
from cas.problems import EntryMissing, Fault
from cas.records.access import Token
from cas.store import load
from pipeline.operations.work import Work


def create(visit: Visit, ask: calls.CreateToken) -> calls.TokenMade:
    """Make a token; nobody can hand out a scope that they do not have."""
    _check_scopes(visit, ask.scopes)
    effects = visit.effects
    work = Work(effects, visit.caller)
    nonce = effects.entropy.nonce()
    text = token_text(nonce, effects.entropy.token())
    token = Token(
        id=f"token:{nonce}",
        name=ask.name,
        digest=digest.of_bytes(text.encode()),
        scopes=tuple(sorted(set(ask.scopes))),
        environments=tuple(sorted(set(ask.environments))),
        components=tuple(sorted(set(ask.components))),
        created_by=visit.caller.actor,
        created_at=work.now,
        expires_at=plus(work.now, timedelta(days=ask.days)),
        nonce=effects.entropy.nonce(),
    )
    name = work.save(token)
    work.note("token.created", name, (work.move(refs.token(nonce), name),))
    work.commit()
    return calls.TokenMade(token=text, view=_view(token))


def _check_scopes(visit: Visit, scopes: tuple[str, ...]) -> None:
    held = visit.asker.token.scopes if visit.asker.token is not None else calls.SCOPES
    faults = tuple(
        Fault(f"/scopes/{at}", "token.scope_unknown" if scope not in calls.SCOPES else "token.scope_not_held", scope)
        for at, scope in enumerate(scopes)
        if scope not in calls.SCOPES or scope not in held
    )
    if faults:
        raise RequestInvalid(call="token.create", faults=faults)


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
)
