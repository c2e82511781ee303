"""What judging needs of a policy pack, whichever kind it is of: the pure view of its readers.

A pack that includes others becomes one that does not: the included gates first, in order, then its own. Loops are
impossible, since a pack names others by digest; depth and count are bounded all the same.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from cas import canon
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.policy import GateUse, Override, PolicyPack
from cas.records.policy_life import Include, PolicyPack2

MAX_DEPTH: Final = 8
MAX_PACKS: Final = 32  # included by one pack, all together
MAX_USES: Final = 200

AnyPack: TypeAlias = PolicyPack | PolicyPack2
Load: TypeAlias = Callable[[Digest, Digest], AnyPack]
"""Gives the pack of a digest (first) that another pack (second) names."""

_TAG: Final = msgspec.json.Decoder(msgspec.defstruct("Kind", [("kind", str)]))


class PackUnresolved(Problem):
    """What a pack includes does not come together: not here, too deep, too much, ids that collide."""

    code = "policy.pack_unresolved"
    category = Category.INVALID
    title = "The pack's includes do not come together"
    remedy = "Store the included packs first; give colliding ids a prefix; name the trust table that counts."


def pack_of(data: bytes) -> AnyPack:
    """Read a pack's canonical bytes.

    Raises: cas.record_invalid
    """
    try:
        second = getattr(_TAG.decode(data), "kind", "") == str(PolicyPack2.__struct_config__.tag)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        second = False
    return canon.to_record(data, PolicyPack2) if second else canon.to_record(data, PolicyPack)


def whole_of(data: bytes, read: Callable[[Digest], bytes]) -> PolicyPack:
    """Read a pack's canonical bytes, and take in what it includes.

    Raises: cas.record_invalid, policy.pack_unresolved, what ``read`` raises
    """
    return flattened(pack_of(data), "", lambda name, _: pack_of(read(name)))


def flattened(pack: AnyPack, name: Digest, load: Load) -> PolicyPack:
    """Give a pack as it asks: without includes, what they bring taken in.

    An own use takes the place of the included one whose id it has, and what the included pack changed of that one for
    an environment no longer holds. An own override goes over the included one, parameter by parameter.

    Raises: policy.pack_unresolved, what ``load`` raises
    """
    return pack if isinstance(pack, PolicyPack) else _flat(pack, name, load, [0], 1)


def _flat(pack: AnyPack, name: Digest, load: Load, count: list[int], depth: int) -> PolicyPack:
    if isinstance(pack, PolicyPack):
        return pack
    taken = []
    for at, each in enumerate(pack.include):
        count[0] += 1
        if depth >= MAX_DEPTH or count[0] > MAX_PACKS:
            raise _unresolved(at, "include_too_many", f"at most {MAX_PACKS} packs, {MAX_DEPTH} deep, are taken in")
        taken.append((at, each, _flat(load(each.pack, name), each.pack, load, count, depth + 1)))
    own = {use.id for use in (*pack.gates, *pack.moment)}
    gates = _uses([(at, each, flat.gates) for at, each, flat in taken], pack.gates, own)
    moment = _uses([(at, each, flat.moment) for at, each, flat in taken], pack.moment, own)
    ids = [use.id for use in (*gates, *moment)]
    if len(set(ids)) < len(ids) or len(ids) > MAX_USES:
        raise _unresolved(0, "include_id_twice", f"an id stands twice, or there are more than {MAX_USES} gate uses")
    tables = {flat.trust_table for _, _, flat in taken if flat.trust_table} if pack.trust_table is None else set()
    if len(tables) > 1:
        raise _unresolved(0, "include_tables", "the included packs name different trust tables: name one yourself")
    return PolicyPack(
        name=pack.name,
        version=pack.version,
        description=pack.description,
        gates=gates,
        moment=moment,
        overrides=_overrides([(each, flat) for _, each, flat in taken], pack.overrides, own),
        verdict_ttl_seconds=min((pack.verdict_ttl_seconds, *(flat.verdict_ttl_seconds for _, _, flat in taken))),
        decision_ttl_seconds=min((pack.decision_ttl_seconds, *(flat.decision_ttl_seconds for _, _, flat in taken))),
        trust_table=pack.trust_table or next(iter(tables), None),
    )


def _uses(
    taken: list[tuple[int, Include, tuple[GateUse, ...]]], own: tuple[GateUse, ...], ids: set[str]
) -> tuple[GateUse, ...]:
    replacing = {use.id: use for use in own}
    found: dict[str, GateUse] = {}
    for at, each, uses in taken:
        for use in uses:
            name = each.prefix + use.id
            if name in found:
                raise _unresolved(at, "include_id_twice", f"{name} comes from two packs: give one of them a prefix")
            if name in replacing:
                found[name] = replacing.pop(name)
            elif name in ids:
                raise _unresolved(
                    at, "include_id_twice", f"{name} is a gate of the evidence in one, of the moment in the other"
                )
            else:
                found[name] = msgspec.structs.replace(use, id=name)
    return (*found.values(), *replacing.values())


def _overrides(
    taken: list[tuple[Include, PolicyPack]], own: tuple[Override, ...], ids: set[str]
) -> tuple[Override, ...]:
    found = {
        (one.environment, each.prefix + one.id): msgspec.structs.replace(one, id=each.prefix + one.id)
        for each, flat in taken
        for one in flat.overrides
        if each.prefix + one.id not in ids
    }
    for one in own:
        below = found.get((one.environment, one.id))
        params = {param.name: param for param in (*(below.params if below else ()), *one.params)}
        found[one.environment, one.id] = msgspec.structs.replace(
            one,
            params=tuple(params[name] for name in sorted(params)),
            enforcement=one.enforcement or (below.enforcement if below else None),
        )
    return tuple(found[key] for key in sorted(found))


def _unresolved(at: int, code: str, message: str) -> PackUnresolved:
    return PackUnresolved(faults=(Fault(f"/include/{at}", f"policy.{code}", message),))
