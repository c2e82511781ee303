"""Exchanging an identity token: who gets what, and what the log keeps of it."""

from dataclasses import replace

import pytest

from cas import refs
from cas.problems import EntryMissing, ExpectationFailed
from cas.records.access import Token, TokenExchange
from cas.store import load
from pipeline.attest.identity_token import IdentityInvalid
from pipeline.effects import Caller
from pipeline.operations import token_exchange
from pipeline.operations.token_exchange import IdentityRefused, Offered, TokenIssuerInvalid
from tests.support.identity import AUDIENCE, ISSUER, SUBJECT, identity, jwk, key_set
from tests.support.world import ALICE, CountingEntropy, World

JOB = Caller(actor="system:" + "0" * 32, login="nobody")
OFFERED = Offered(
    name="ci",
    issuer=ISSUER,
    audience=AUDIENCE,
    keys=key_set(),
    claims=(("sub", "repo:acme/shop:*"), ("repository", "acme/shop")),
    scopes=("gate:run", "evidence:write"),
    environments=("prod",),
    minutes=15,
)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def effects(world):
    return world.effects()


def allowed(effects, **others):
    """Trust the provider."""
    return token_exchange.set_issuer(effects, ALICE, replace(OFFERED, **others))


def now(world):
    return world.clock.now()


def entries(effects):
    return [entry for _, entry in effects.log.read(0, effects.log.head().size)]


def test_a_job_that_fits_gets_what_the_record_says_and_no_more(world, effects):
    issuer = allowed(effects)
    text = identity(now(world))
    minted = token_exchange.exchange(effects, JOB, text)
    token = minted.token
    assert (token.scopes, token.environments, token.components) == (("evidence:write", "gate:run"), ("prod",), ())
    assert token.created_by == ALICE.actor == issuer.created_by
    assert effects.log.ref(minted.ref) == minted.digest
    assert load(effects.store, minted.digest, Token) == token
    assert minted.text.startswith("stella_")


def test_the_log_tells_which_job_got_it_but_no_secret(world, effects):
    allowed(effects)
    text = identity(now(world), actor="a person's name")
    minted = token_exchange.exchange(effects, JOB, text)
    entry = entries(effects)[-1]
    told = load(effects.store, entry.record, TokenExchange)
    assert entry.event == "token.exchanged"
    assert told.token == minted.digest
    assert told.claims == (("jti", "job-1"), ("repository", "acme/shop"), ("sub", SUBJECT))
    held = b"".join(map(effects.store.get, effects.store.digests()))
    assert minted.text.encode() not in held
    assert text.rpartition(".")[2].encode() not in held
    assert b"a person's name" not in held


@pytest.mark.parametrize(
    "others",
    [{"sub": "repo:evil/shop:x"}, {"repository": "evil/shop"}, {"repository": None}, {"repository": ["acme/shop"]}],
)
def test_a_genuine_job_of_somebody_else_gets_nothing(world, effects, others):
    allowed(effects)
    size = effects.log.head().size
    with pytest.raises(IdentityRefused):
        token_exchange.exchange(effects, JOB, identity(now(world), **others))
    assert effects.log.head().size == size
    assert effects.log.refs("token/") == ()


def test_the_token_lives_as_long_as_the_record_says_and_is_swept_then(world, effects):
    allowed(effects)
    first = token_exchange.exchange(effects, JOB, identity(now(world)))
    assert (first.token.created_at, first.token.expires_at) == ("2026-03-01T12:00:00Z", "2026-03-01T12:15:00Z")
    world.clock.at = "2026-03-01T12:15:00Z"
    second = token_exchange.exchange(effects, JOB, identity(now(world)))
    assert [ref for ref, _ in effects.log.refs("token/")] == [second.ref]


def test_no_token_without_a_provider_and_none_after_it_was_removed(world, effects):
    text = identity(now(world))
    with pytest.raises(IdentityRefused):
        token_exchange.exchange(effects, JOB, text)
    allowed(effects)
    token_exchange.exchange(effects, JOB, text)
    token_exchange.remove_issuer(effects, ALICE, "ci")
    with pytest.raises(IdentityRefused):
        token_exchange.exchange(effects, JOB, text)
    with pytest.raises(EntryMissing):
        token_exchange.remove_issuer(effects, ALICE, "ci")


def test_new_keys_end_the_old_ones(world, effects):
    allowed(effects, keys=key_set(jwk("ES256")))
    allowed(effects, keys=key_set(jwk("EdDSA")))
    with pytest.raises(IdentityInvalid):
        token_exchange.exchange(effects, JOB, identity(now(world)))
    assert token_exchange.exchange(effects, JOB, identity(now(world), algorithm="EdDSA")).token.name == "ci"
    assert [one.name for one in token_exchange.issuers(effects)] == ["ci"]


def test_when_several_records_fit_one_has_to_be_named(world, effects):
    allowed(effects)
    allowed(effects, name="wide", claims=(("sub", "repo:acme/*"),), scopes=("release:write",))
    text = identity(now(world))
    with pytest.raises(IdentityRefused, match="several"):
        token_exchange.exchange(effects, JOB, text)
    assert token_exchange.exchange(effects, JOB, text, wanted="wide").token.scopes == ("release:write",)
    with pytest.raises(IdentityRefused):
        token_exchange.exchange(effects, JOB, text, wanted="other")


def test_a_provider_removed_meanwhile_gives_nothing(world, effects):
    allowed(effects)

    class Meanwhile(CountingEntropy):
        def token(self):
            token_exchange.remove_issuer(effects, ALICE, "ci")
            return super().token()

    with pytest.raises(ExpectationFailed):
        token_exchange.exchange(replace(effects, entropy=Meanwhile(1000)), JOB, identity(now(world)))
    assert effects.log.refs("token/") == ()


@pytest.mark.parametrize(
    ("others", "pointer"),
    [
        ({"issuer": "http://ci.example"}, "/issuer"),
        ({"claims": (("sub", "*"),)}, "/claims"),
        ({"claims": (("sub", "**?"),)}, "/claims"),
        ({"claims": ()}, "/claims"),
        ({"claims": (("sub", "a"), ("sub", "b"))}, "/claims"),
        ({"scopes": ()}, "/scopes"),
        ({"minutes": 0}, "/minutes"),
        ({"minutes": 1441}, "/minutes"),
    ],
)
def test_a_record_that_would_let_anybody_in_is_refused_before_anything_is_kept(effects, others, pointer):
    with pytest.raises(TokenIssuerInvalid) as caught:
        allowed(effects, **others)
    assert pointer in [fault.pointer for fault in caught.value.fields["faults"]]
    assert effects.log.ref(refs.token_issuer("ci")) is None
