"""Policy packs and VEX trust tables: stored, published by name, made active somewhere. Must not know what gates do."""

from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from cas import canon, jcs, refs
from cas.digest import Digest, is_digest
from cas.problems import Category, Problem
from cas.records.policy import VexTrustTable
from cas.records.policy_life import PolicyActivation
from cas.records.release import Environment
from cas.store import load, save
from pipeline.effects import Caller, Effects
from pipeline.operations.attestations import seal_record
from pipeline.operations.rules import require_rules
from pipeline.operations.work import Work
from policy.packs.reading import Written, read_written
from policy.packs.view import AnyPack, pack_of, whole_of

STARTERS: Final = ("observe", "baseline", "balanced", "strong", "strict")
"""From the most permissive to the strictest: what one blocks, every later one blocks."""


class PackMissing(Problem):
    """There is no pack of this name or digest here."""

    code = "policy.pack_missing"
    category = Category.MISSING
    title = "No such policy pack"
    remedy = "Store the pack first: stella policy store."


class EnvironmentMissing(Problem):
    """There is no environment of this name."""

    code = "policy.environment_missing"
    category = Category.MISSING
    title = "No such environment"
    remedy = "Make the environment first."


class TableMissing(Problem):
    """The pack names a trust table that this instance does not hold."""

    code = "policy.trust_table_missing"
    category = Category.MISSING
    title = "The pack's VEX trust table is not here"
    remedy = "Store the table first, then the pack that names it."


class TableInvalid(Problem):
    """Bytes are not a VEX trust table in its canonical form."""

    code = "policy.trust_table_invalid"
    category = Category.INVALID
    title = "Not a VEX trust table"
    remedy = "Start from the built-in table, and keep its form."


@dataclass(frozen=True, slots=True)
class Stored:
    """A pack by digest and value. ``existed``: the same pack had been stored before."""

    digest: Digest
    pack: AnyPack
    existed: bool


def starter(name: str) -> bytes:
    """Give the YAML of a starter pack.

    Raises: policy.pack_missing
    """
    if name not in STARTERS:
        raise PackMissing(pack=name[:200], allowed=", ".join(STARTERS))
    return resources.files("policy.packs").joinpath(f"{name}.yaml").read_bytes()


class ActivationMissing(Problem):
    """Nothing was active before what is active now, so there is nothing to return to."""

    code = "policy.activation_missing"
    category = Category.CONFLICT
    title = "There is no earlier pack to return to"
    remedy = "Activate the pack you mean: stella policy activate."


class PackUnpublished(Problem):
    """A production environment takes only packs that were approved and published."""

    code = "policy.pack_unpublished"
    category = Category.DENIED
    title = "Production takes only published packs"
    remedy = (
        "Draft, propose, have it approved by another person, publish: stella policy draft, propose, approve, publish."
    )


class EarlierUnpublished(PackUnpublished):
    """The pack to return to was stored and made active, before packs had to be published for production."""

    title = "The pack that was active before was never published, and production takes only published packs since"
    remedy = (
        "Publish that very pack, then roll back: stella policy draft NAME --policy DIGEST keeps its text as a draft; "
        "then stella policy propose NAME, and approve by another person, and publish with the id that propose gives."
    )


class EarlierWithoutCases(PackUnpublished):
    """As above, and that pack cannot be published either: it carries no cases."""

    title = (
        "The pack that was active before was never published, and production takes only published packs since; "
        "without cases it cannot be published as it is"
    )
    remedy = (
        "Draft it again (stella policy draft NAME --policy DIGEST, then print it with stella policy draft NAME), "
        "add cases, which makes it another pack, and publish that: stella policy draft, propose, approve, publish; "
        "then make it active: stella policy activate NAME --environment ENVIRONMENT."
    )


def read_stored(effects: Effects, yaml_bytes: bytes) -> Written:
    """Read a pack against what is stored here: the packs it includes, its rules, its trust table.

    Raises: policy.yaml_invalid, policy.pack_invalid with all faults, policy.trust_table_missing, rego.rule_missing
    """
    written = read_written(yaml_bytes, lambda name: _admitted_pack(effects, name))
    table = written.flat.trust_table
    if table is not None:
        if effects.log.admitted(table) is None:
            raise TableMissing(digest=table)
        load(effects.store, table, VexTrustTable)
    require_rules(effects, written.flat)
    return written


def _admitted_pack(effects: Effects, name: Digest) -> AnyPack:
    if effects.log.admitted(name) is None:
        raise PackMissing(digest=name)
    return pack_of(effects.store.get(name))


def store_pack(effects: Effects, caller: Caller, yaml_bytes: bytes) -> Stored:
    """Validate a pack, store it canonically with its YAML beside it, and make it the newest of its name.

    Raises: policy.yaml_invalid, policy.pack_invalid with all faults, policy.trust_table_missing, rego.rule_missing
    """
    written = read_stored(effects, yaml_bytes)
    work = Work(effects, caller)
    name = work.save(written.pack)
    ref = refs.policy_pack(written.pack.name)
    if work.ref(ref) == name:
        return Stored(name, written.pack, existed=True)
    work.note(
        "policy.stored",
        name,
        (work.move(ref, name),),
        envelopes=(seal_record(effects, "policy", name, ()),),
        beside=kept(effects, written, yaml_bytes),
    )
    work.commit()
    return Stored(name, written.pack, existed=False)


def kept(effects: Effects, written: Written, yaml_bytes: bytes) -> tuple[Digest, ...]:
    """Keep what stands beside a pack: its text, its cases."""
    cases = written.cases_bytes
    return tuple(effects.store.put(data) for data in (yaml_bytes, cases) if data is not None)


def find_pack(effects: Effects, pack: str) -> Digest:
    """Find a pack by name (its newest) or digest, admitted here.

    Raises: policy.pack_missing
    """
    found = pack if is_digest(pack) else effects.log.ref(refs.policy_pack(pack)) if len(pack) <= 200 else None
    if found is None or effects.log.admitted(found) is None:
        raise PackMissing(pack=pack[:200])
    return found


def activate(effects: Effects, caller: Caller, pack: str, environment: str, reason: str = "") -> Digest:
    """Make a stored pack the one that judges an environment; verdicts made under another no longer hold.

    Once any pack was published here, a production environment takes only published ones: nobody changes alone what
    production demands.

    Raises: policy.pack_missing, policy.environment_missing, policy.pack_unpublished,
        cas.record_invalid when the digest names no pack
    """
    name = find_pack(effects, pack)
    whole_of(effects.store.get(name), effects.store.get)
    work = Work(effects, caller)
    _suits(work, name, environment)
    replaced = work.ref(refs.policy(environment))
    if replaced == name:
        return name
    before = work.ref(refs.policy_activation(environment))
    _move(work, environment, name, "activate", reason, before, replaced)
    return name


def roll_back(effects: Effects, caller: Caller, environment: str, reason: str) -> Digest:
    """Return to the pack that was active before the present one; again: to the one before that.

    Raises: policy.environment_missing, policy.activation_missing, policy.pack_unpublished
    """
    work = Work(effects, caller)
    head = work.ref(refs.policy_activation(environment)) if len(environment) <= 128 else None
    now = load(effects.store, head, PolicyActivation) if head else None
    if now is None or now.replaced is None:
        _suits(work, None, environment)
        raise ActivationMissing(environment=environment[:128])
    try:
        _suits(work, now.replaced, environment)
    except PackUnpublished as problem:
        raise _earlier_unpublished(effects, now.replaced, environment) from problem
    earlier = load(effects.store, now.before, PolicyActivation) if now.before else None
    before, replaced = (earlier.before, earlier.replaced) if earlier else (None, None)
    _move(work, environment, now.replaced, "rollback", reason, before, replaced)
    return now.replaced


def _earlier_unpublished(effects: Effects, name: Digest, environment: str) -> PackUnpublished:
    pack = pack_of(effects.store.get(name))
    kind = EarlierUnpublished if getattr(pack, "cases", None) else EarlierWithoutCases
    return kind(name=pack.name, version=pack.version, pack=name, environment=environment)


def _suits(work: Work, pack: Digest | None, environment: str) -> None:
    head = work.ref(refs.environment(environment)) if len(environment) <= 128 else None
    if head is None:
        raise EnvironmentMissing(environment=environment[:128])
    governed = bool(work.effects.log.refs(refs.policy_published("")))
    if pack is not None and governed and load(work.effects.store, head, Environment).production:
        if work.ref(refs.policy_published(pack)) is None:
            raise PackUnpublished(pack=pack, environment=environment)
        work.expect(refs.environment(environment), head)


def _move(  # noqa: PLR0917 - the fields of the record
    work: Work,
    environment: str,
    pack: Digest,
    cause: Literal["activate", "rollback"],
    reason: str,
    before: Digest | None,
    replaced: Digest | None,
) -> None:
    made = PolicyActivation(
        environment=environment,
        pack=pack,
        cause=cause,
        reason=reason,
        before=before,
        replaced=replaced,
        by=work.caller.actor,
        at=work.now,
        nonce=work.effects.entropy.nonce(),
    )
    name = save(work.effects.store, made)
    moves = (work.move(refs.policy(environment), pack), work.move(refs.policy_activation(environment), name))
    event = "policy.activated" if cause == "activate" else "policy.rolled_back"
    work.note(event, pack, moves, beside=(name,))
    work.commit()


def store_trust_table(effects: Effects, caller: Caller, data: bytes) -> Digest:
    """Store a VEX trust table that packs may name.

    Raises: policy.trust_table_invalid
    """
    try:
        table = canon.to_record(jcs.canonical(data, max_bytes=1 << 20), VexTrustTable)
    except Problem as problem:
        raise TableInvalid(reason=problem.detail()[:300]) from problem
    weights = table.provenance_weight + table.coverage_weight + table.replayability_weight
    falling = all(older <= newer for newer, older in zip(table.freshness, table.freshness[1:], strict=False))
    if weights > 1_000_000 or not falling:
        raise TableInvalid(reason="weights must sum to at most one, and freshness must never rise with age")
    work = Work(effects, caller)
    name = work.save(table)
    if effects.log.admitted(name) is None:
        work.note("trust_table.stored", name)
        work.commit()
    return name
