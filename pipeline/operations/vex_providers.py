"""VEX providers: configured, listed, shown. A configuration is a record that a ref names; it never holds a secret.

What a provider's own key or trusted root verifies is told beside each document that is pulled. What counts when a
release is judged stays with the instance's trust root: ``vouched`` says whether that vouches for the same signer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from cas import refs
from cas.digest import Digest
from cas.problems import EntryMissing
from cas.records.proof import Key
from cas.records.vex_provider import VexProvider
from cas.store import load
from pipeline import vex_config
from pipeline.attest.problems import KeyInvalid
from pipeline.attest.signatures import read_public
from pipeline.effects import Caller, Effects
from pipeline.operations import sigstore_trust, trust, vex_artifacts
from pipeline.operations.vex_artifacts import provider_ref
from pipeline.operations.work import Work
from pipeline.vex_config import Around, Value
from policy.globs import matches

_REFS: Final = provider_ref("")


@dataclass(frozen=True, slots=True)
class Configured:
    """A provider as it stands. ``vouched``: the instance's own trust knows the signer that it expects."""

    digest: Digest
    provider: VexProvider
    vouched: bool


def every(effects: Effects) -> Iterator[Configured]:
    """Give the providers, by id."""
    for _, name in effects.log.refs(_REFS):
        yield _configured(effects, name)


def find(effects: Effects, name: str) -> Configured:
    """Give one provider.

    Raises: cas.entry_missing
    """
    found = effects.log.ref(provider_ref(name))
    if found is None:
        raise EntryMissing(name=name[:128])
    return _configured(effects, found)


def configure(
    effects: Effects, caller: Caller, name: str, given: Mapping[str, Value], clear: Sequence[str] = ()
) -> Configured:
    """Configure a provider: the fields given replace those that stand, cleared ones go, the rest stays.

    Raises: vex.provider_config_invalid, vex.provider_config_required, cas.expectation_failed
    """
    work = Work(effects, caller)
    before = work.ref(provider_ref(name))
    kept = vex_config.texts_of(load(effects.store, before, VexProvider)) if before else {}
    texts = {field: value for field, value in (kept | vex_config.read(given)).items() if field not in clear}
    vex_config.read(dict.fromkeys(clear, ""))  # refuses what is no field
    head = work.ref(vex_artifacts.artifacts_ref(name))
    work.expect(vex_artifacts.artifacts_ref(name), head)
    made = vex_config.build(name, texts, _around(effects, name), before)
    if before is not None and _same(load(effects.store, before, VexProvider), made):
        return _configured(effects, before)
    saved = work.save(made)
    work.note("vex.provider_configured", saved, (work.move(provider_ref(name), saved),))
    work.commit()
    return _configured(effects, saved)


def _same(before: VexProvider, made: VexProvider) -> bool:
    return vex_config.texts_of(before) == vex_config.texts_of(made)


def keys_of(effects: Effects, provider: VexProvider) -> tuple[Key, ...]:
    """Read a provider's public keys, sorted by id."""
    found = {key.id: key for key in (_key(effects.store.get(each.payload)) for each in provider.keys)}
    return tuple(found[name] for name in sorted(found))


def _key(data: bytes) -> Key:
    return read_public(data, ("submit",))


def _configured(effects: Effects, name: Digest) -> Configured:
    provider = load(effects.store, name, VexProvider)
    return Configured(name, provider, _vouched(effects, provider))


def _vouched(effects: Effects, provider: VexProvider) -> bool:
    """Tell whether the instance's trust, changed under its root only, vouches for whom the provider expects."""
    if provider.mode == "keypair":
        people = trust.current(effects).directory.people
        counting = {key.id for person in people for key in person.keys if key.revoked_at is None}
        return all(key.id in counting for key in keys_of(effects, provider))
    held = sigstore_trust.current(effects)
    return provider.mode == "keyless" and any(
        (provider.tuf_root is None or root.root == provider.tuf_root.payload)
        and matches(each.issuer, provider.issuer)
        and matches(each.identity, provider.subject)
        for root in (held.roots if held else ())
        for each in root.identities
    )


def _around(effects: Effects, name: str) -> Around:
    """Look at the artifacts and the instance's trust that a configuration is judged beside."""
    own = {key.id for key in trust.current(effects).root.keys} if effects.log.ref(refs.TRUST_ROOT) else set()
    kept = vex_artifacts.every(effects, name)
    unfit = {
        (field, one.id): _unfit(field, one.artifact.key, effects.store.get(one.artifact.payload), own)
        for one in kept
        for field in vex_config.ARTIFACTS
    }
    held = sigstore_trust.current(effects)
    return Around({one.id: one.artifact.payload for one in kept}, unfit, sigstore=bool(held and held.roots))


def _unfit(field: str, meant: str, data: bytes, own: set[str]) -> str:
    """Say why an artifact is not what a field wants; empty when it is."""
    if field != meant:
        return f"the artifact was handed over for {meant}"
    if field == "tuf_root":
        return sigstore_trust.unreadable(data)
    try:
        if field == "keys":
            return "a key of this instance's trust root" if _key(data).id in own else ""
        x509.load_pem_x509_certificates(data)
    except (KeyInvalid, ValueError):
        return "no public key in PEM that can be used" if field == "keys" else "no certificates in PEM"
    return ""
