"""Policy packs and VEX trust tables: stored, published by name, made active somewhere. Must not know what gates do."""

from dataclasses import dataclass
from importlib import resources
from typing import Final

from cas import canon, jcs, refs
from cas.digest import Digest, is_digest
from cas.problems import Category, Problem
from cas.records.policy import PolicyPack, VexTrustTable
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.attestations import seal_record
from pipeline.operations.rules import require_rules
from pipeline.operations.work import Work
from policy.packs.reading import read_pack

STARTERS: Final = ("observe", "strict")


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
    pack: PolicyPack
    existed: bool


def starter(name: str) -> bytes:
    """Give the YAML of a starter pack.

    Raises: policy.pack_missing
    """
    if name not in STARTERS:
        raise PackMissing(pack=name[:200], allowed=", ".join(STARTERS))
    return resources.files("policy.packs").joinpath(f"{name}.yaml").read_bytes()


def store_pack(effects: Effects, caller: Caller, yaml_bytes: bytes) -> Stored:
    """Validate a pack, store it canonically with its YAML beside it, and make it the newest of its name.

    Raises: policy.yaml_invalid, policy.pack_invalid with all faults, policy.trust_table_missing, rego.rule_missing
    """
    pack = read_pack(yaml_bytes)
    if pack.trust_table is not None:
        if effects.log.admitted(pack.trust_table) is None:
            raise TableMissing(digest=pack.trust_table)
        load(effects.store, pack.trust_table, VexTrustTable)
    require_rules(effects, pack)
    work = Work(effects, caller)
    name = work.save(pack)
    if work.ref(refs.policy_pack(pack.name)) == name:
        return Stored(name, pack, existed=True)
    sealed = seal_record(effects, "policy", name, ())
    work.note(
        "policy.stored",
        name,
        (work.move(refs.policy_pack(pack.name), name),),
        envelopes=(sealed,),
        beside=(effects.store.put(yaml_bytes),),
    )
    work.commit()
    return Stored(name, pack, existed=False)


def find_pack(effects: Effects, pack: str) -> Digest:
    """Find a pack by name (its newest) or digest, admitted here.

    Raises: policy.pack_missing
    """
    found = pack if is_digest(pack) else effects.log.ref(refs.policy_pack(pack)) if len(pack) <= 200 else None
    if found is None or effects.log.admitted(found) is None:
        raise PackMissing(pack=pack[:200])
    return found


def activate(effects: Effects, caller: Caller, pack: str, environment: str) -> Digest:
    """Make a stored pack the one that judges an environment; verdicts made under another no longer hold.

    Raises: policy.pack_missing, policy.environment_missing, cas.record_invalid when the digest names no pack
    """
    name = find_pack(effects, pack)
    load(effects.store, name, PolicyPack)
    work = Work(effects, caller)
    if len(environment) > 128 or work.ref(refs.environment(environment)) is None:
        raise EnvironmentMissing(environment=environment[:128])
    if work.ref(refs.policy(environment)) == name:
        return name
    work.note("policy.activated", name, (work.move(refs.policy(environment), name),))
    work.commit()
    return name


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
