"""Bearer tokens in exchange for the identity tokens of CI jobs (RFC 8693 in spirit), so that CI keeps no secret.

Whose identity tokens count, and what they are worth, is a record; the provider's keys are handed over, never fetched.
A token made in exchange acts for the person who wrote that record, as any token acts for whoever made it: nobody
approves through a provider what they asked for through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.problems import Category, EntryMissing, Fault, Problem
from cas.records.access import Token, TokenExchange, TokenIssuer
from cas.records.base import Pairs
from cas.records.proof import RefMove
from cas.store import load
from pipeline.attest import identity_token
from pipeline.attest.identity_token import IdentityInvalid
from pipeline.effects import Caller, Effects
from pipeline.operations.tokens import Minted, Reach, mint
from pipeline.operations.work import Work
from policy.globs import matches

MAX_MINUTES: Final = 24 * 60
MAX_CLAIMS: Final = 16
MAX_ISSUERS: Final = 64
_SWEPT: Final = 100
_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
_TOLD: Final = ("jti", "sub")
_LONGEST: Final = 1024


class TokenIssuerInvalid(Problem):
    """A record of an identity provider breaks its rules."""

    code = "token.issuer_invalid"
    category = Category.INVALID
    title = "Unacceptable identity provider"
    remedy = "Correct the faults listed; a claim has to say whose jobs are meant: --claim sub=repo:acme/shop:*."


class IdentityRefused(Problem):
    """An identity token is genuine, but nobody here said that it may be exchanged."""

    code = "auth.identity_refused"
    category = Category.DENIED
    title = "This identity gets no token here"
    remedy = "Compare the claims with those of: stella token issuer list. Name the provider when several fit."


@dataclass(frozen=True, slots=True)
class Offered:
    """What the next record of a provider is to say; the clock, the nonce and who asks are added."""

    name: str
    issuer: str
    audience: str
    keys: bytes
    claims: Pairs
    scopes: Sequence[str]
    environments: Sequence[str] = ()
    components: Sequence[str] = ()
    minutes: int = 60


def set_issuer(effects: Effects, caller: Caller, offered: Offered) -> TokenIssuer:
    """Trust a provider for some jobs, or replace what is trusted under a name.

    Raises: token.issuer_invalid, attest.key_set_invalid
    """
    identity_token.read_keys(offered.keys)
    work = Work(effects, caller)
    ref = refs.token_issuer(offered.name)
    _check(offered, known=work.ref(ref) is not None, count=len(effects.log.refs("token_issuer/")))
    record = TokenIssuer(
        name=offered.name,
        issuer=offered.issuer,
        audience=offered.audience,
        keys=effects.store.put(offered.keys),
        claims=tuple(sorted(offered.claims)),
        scopes=tuple(sorted(set(offered.scopes))),
        environments=tuple(sorted(set(offered.environments))),
        components=tuple(sorted(set(offered.components))),
        minutes=offered.minutes,
        created_by=caller.actor,
        created_at=work.now,
        nonce=effects.entropy.nonce(),
    )
    name = work.save(record)
    work.note("token.issuer_set", name, (work.move(ref, name),))
    work.commit()
    return record


def _check(offered: Offered, *, known: bool, count: int) -> None:
    faults = []
    names = [claim for claim, _ in offered.claims]
    if not offered.issuer.startswith("https://"):  # OpenID Connect Discovery 1.0, section 3
        faults.append(Fault("/issuer", "not_https", "an issuer is an https:// address, spelled as in its tokens"))
    if len(set(names)) != len(names) or len(names) > MAX_CLAIMS:
        faults.append(Fault("/claims", "order", f"each claim once, at most {MAX_CLAIMS}"))
    if not any(glob.strip("*?") for _, glob in offered.claims):
        faults.append(
            Fault("/claims", "anybody", "a claim has to say whose jobs are meant: a provider issues to anybody")
        )
    if not offered.scopes:
        faults.append(Fault("/scopes", "empty", "a token without a scope may do nothing"))
    if not 1 <= offered.minutes <= MAX_MINUTES:
        faults.append(Fault("/minutes", "out_of_range", f"1 to {MAX_MINUTES}"))
    if not known and count >= MAX_ISSUERS:
        faults.append(Fault("/name", "too_many", f"at most {MAX_ISSUERS} providers"))
    if faults:
        raise TokenIssuerInvalid(reason=faults[0].message, pointer=faults[0].pointer, faults=tuple(faults))


def issuers(effects: Effects) -> tuple[TokenIssuer, ...]:
    """List the providers that are trusted, by name."""
    return tuple(load(effects.store, name, TokenIssuer) for _, name in sorted(effects.log.refs("token_issuer/")))


def remove_issuer(effects: Effects, caller: Caller, name: str) -> TokenIssuer:
    """Trust a provider no longer. What was exchanged before lives to its end, unless it is revoked.

    Raises: cas.entry_missing
    """
    work = Work(effects, caller)
    ref = refs.token_issuer(name)
    found = work.ref(ref)
    if found is None:
        raise EntryMissing(token_issuer=name[:80])
    work.note("token.issuer_removed", found, (work.move(ref, None),))
    work.commit()
    return load(effects.store, found, TokenIssuer)


def exchange(effects: Effects, caller: Caller, text: str, *, wanted: str = "") -> Minted:
    """Give a bearer token to whoever holds a provider's identity token; ``wanted`` names the record it is to be by.

    (1) records of its issuer; (2) its signature under the record's keys, its audience, its time; (3) the one record
    whose claims it fits; (4) the token, with what the identity token said beside it.

    Raises: auth.identity_invalid, auth.identity_refused
    """
    said = identity_token.issuer_of(text)
    fitting: list[_Fit] = []
    refused: Problem = IdentityRefused(issuer=said[:200])
    for _, at in effects.log.refs("token_issuer/"):  # (1)
        record = load(effects.store, at, TokenIssuer)
        if record.issuer == said and wanted in ("", record.name):
            try:
                fitting.append(_fit(effects, text, at, record))
            except (IdentityInvalid, IdentityRefused) as problem:
                refused = problem
    if len(fitting) > 1:
        raise IdentityRefused(reason="several providers fit", providers=", ".join(each.record.name for each in fitting))
    if not fitting:
        raise refused
    return _made(effects, caller, fitting[0])


@dataclass(frozen=True, slots=True)
class _Fit:
    """A record that an identity token fits, and what the token says."""

    at: Digest
    record: TokenIssuer
    claims: Pairs
    ends: int


def _fit(effects: Effects, text: str, at: Digest, record: TokenIssuer) -> _Fit:
    """Hold a token against one record. Claims are looked at last: only those of a genuine token are spoken of."""
    claims = identity_token.verify(text, identity_token.read_keys(effects.store.get(record.keys)))  # (2)
    now = int(datetime.strptime(effects.clock.now(), _FORM).replace(tzinfo=UTC).timestamp())
    ends = identity_token.check_claims(claims, record.issuer, record.audience, now)
    for name, glob in record.claims:  # (3)
        value = identity_token.text_of(claims, name)
        if value is None or not matches(glob, value):
            raise IdentityRefused(provider=record.name, claim=name, found=(value or "")[:200])
    told = {*_TOLD, *(name for name, _ in record.claims)}
    kept = ((name, identity_token.text_of(claims, name)) for name in sorted(told))
    return _Fit(at, record, tuple((name, value[:_LONGEST]) for name, value in kept if value is not None), ends)


def _made(effects: Effects, caller: Caller, fit: _Fit) -> Minted:  # (4)
    work, record = Work(effects, caller), fit.record
    now = datetime.strptime(work.now, _FORM).replace(tzinfo=UTC)
    reach = Reach(record.scopes, record.environments, record.components)
    ends = (now + timedelta(minutes=record.minutes)).strftime(_FORM)
    minted = mint(work, record.name, reach, record.created_by, ends)
    expired = datetime.fromtimestamp(fit.ends, UTC).strftime(_FORM)
    told = work.save(TokenExchange(token=minted.digest, issuer=fit.at, claims=fit.claims, expired_at=expired))
    work.expect(refs.token_issuer(record.name), fit.at)  # what is trusted no longer gives no token
    moves = [work.move(minted.ref, minted.digest), *_swept(work)]
    work.note("token.exchanged", told, moves)
    work.commit()
    return minted


def _swept(work: Work) -> list[RefMove]:
    """Let tokens that have ended go, a few at a time, so that a busy CI leaves no heap of them."""
    effects, gone = work.effects, []
    for ref, at in effects.log.refs("token/"):
        if load(effects.store, at, Token).expires_at <= work.now:
            gone.append(work.move(ref, None))
        if len(gone) >= _SWEPT:
            break
    return gone
