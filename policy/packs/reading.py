"""Policy packs as their authors write them: YAML to a pack, with every fault at once. Must not know storing.

Each fault says line and column, what is wrong, and what is allowed. A pack that includes others or carries cases
becomes a ``policy_pack/2``; every other one stays what it always was.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec

from cas import canon, digest
from cas.digest import Digest, is_digest
from cas.problems import Category, Fault, ObjectMissing, Problem, RecordInvalid
from cas.records.policy import Enforcement, GateUse, Override, Param, PolicyPack
from cas.records.policy_life import Include, PolicyPack2
from policy.gate import AnyGate
from policy.gates.catalog import GATES
from policy.packs import cases as shapes
from policy.packs import view
from policy.packs.cases import Case
from policy.packs.marked_yaml import Marked, load
from policy.packs.view import AnyPack, PackUnresolved
from policy.params import faults_of

ENFORCEMENTS: Final = get_args(Enforcement)
PACK_KEYS: Final = (
    "name",
    "version",
    "description",
    "gates",
    "moment",
    "overrides",
    "verdict_ttl_seconds",
    "decision_ttl_seconds",
    "trust_table",
    "include",
    "cases",
)
INCLUDE_KEYS: Final = ("pack", "prefix")
USE_KEYS: Final = ("id", "gate", "enforcement", "with")
OVERRIDE_KEYS: Final = ("environment", "id", "enforcement", "with")
MAX_USES: Final = 200
MAX_TTL: Final = 366 * 86_400
MAX_INCLUDES: Final = 32
_SLUG: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_BY_ID: Final = {gate.id: gate for gate in GATES}


class PackInvalid(Problem):
    """A policy pack cannot be stored; ``faults`` lists why."""

    code = "policy.pack_invalid"
    category = Category.INVALID
    title = "The policy pack is not valid"
    remedy = "Correct every fault listed; the pack's JSON Schema shows what each gate takes."


class _Reader:
    """One pack being read, and what is wrong with it."""

    def __init__(self, marked: Marked) -> None:
        self.marked = marked
        self.faults: list[Fault] = []
        self.ids: set[str] = set()

    def wrong(self, pointer: str, code: str, message: str) -> None:
        self.faults.append(self.marked.fault(pointer, f"policy.{code}", message))

    def once(self, pointer: str, code: str, message: str) -> None:
        """Tell a fault whose code is whole, unless it was told before."""
        if not any((fault.pointer, fault.code) == (pointer, code) for fault in self.faults):
            self.faults.append(self.marked.fault(pointer, code, message))

    def mapping(self, value: Any, pointer: str, keys: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.wrong(pointer, "pack_type", f"must be a mapping with {', '.join(keys)}")
            return {}
        for key in value:
            if key not in keys:
                self.wrong(
                    f"{pointer}/{key}", "pack_key_unknown", f"{key} is not known here; allowed: {', '.join(keys)}"
                )
        for key in needed:
            if key not in value:
                self.wrong(pointer, "pack_key_missing", f"{key} must be given")
        return value

    def listed(self, value: Any, pointer: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MAX_USES:
            self.wrong(pointer, "pack_type", f"must be a list of at most {MAX_USES}")
            return []
        return value

    def slug(self, value: Any, pointer: str) -> str:
        if isinstance(value, str) and _SLUG.match(value):
            return value
        self.wrong(pointer, "pack_name", "must be letters, digits, dot, dash or underscore, at most 128")
        return "x"

    def text(self, value: Any, pointer: str, most: int) -> str:
        if isinstance(value, str) and len(value) <= most:
            return value
        self.wrong(pointer, "pack_type", f"must be text of at most {most} characters (quote numbers)")
        return ""

    def seconds(self, value: Any, pointer: str) -> int:
        if type(value) is int and 1 <= value <= MAX_TTL:
            return value
        self.wrong(pointer, "pack_type", f"must be whole seconds, 1 to {MAX_TTL}")
        return 1

    def enforcement(self, value: Any, pointer: str) -> Any:
        if value in ENFORCEMENTS:
            return value
        self.wrong(pointer, "pack_enforcement", f"must be one of {', '.join(ENFORCEMENTS)}")
        return "block"

    def params(self, value: Any, pointer: str) -> tuple[Param, ...]:
        if value is None:
            return ()
        if not isinstance(value, dict):
            self.wrong(pointer, "pack_type", "must be a mapping of the gate's parameters")
            return ()
        found = []
        for name in sorted(value):
            given = tuple(value[name]) if isinstance(value[name], list) else value[name]
            plain = isinstance(given, str | int) or (
                isinstance(given, tuple) and all(isinstance(x, str) for x in given)
            )
            if plain and _SLUG.match(name):
                found.append(Param(name=name, value=given))
            else:
                self.wrong(
                    f"{pointer}/{name}", "param_invalid", "must be text, a whole number, true, false or a list of texts"
                )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Written:
    """A pack as written: what is stored, what it asks in the end, the cases it carries, where all that stands."""

    pack: AnyPack
    flat: PolicyPack
    cases: tuple[Case, ...]
    marked: Marked

    @property
    def cases_bytes(self) -> bytes | None:
        """What a pack with cases names."""
        return shapes.written(self.cases) if self.cases else None


def _nothing(name: Digest) -> AnyPack:
    raise ObjectMissing(digest=name)


def read_pack(data: bytes) -> AnyPack:
    """Read a pack that includes nothing.

    Raises: policy.yaml_invalid, policy.pack_invalid with all faults
    """
    return read_written(data).pack


def read_written(data: bytes, find: Callable[[Digest], AnyPack] = _nothing) -> Written:
    """Read a pack; ``find`` gives the packs it includes, or raises a Problem.

    (1) YAML within its bounds; (2) keys and types; (3) every gate use against the catalog; (4) includes, taken in;
    (5) overrides against the uses they change, with the parameters that result; (6) cases.

    Raises: policy.yaml_invalid, policy.pack_invalid with all faults
    """
    marked = load(data)  # (1)
    reader = _Reader(marked)
    needed = (
        ("name", "version")
        if isinstance(marked.value, dict) and "include" in marked.value
        else ("name", "version", "gates")
    )
    top = reader.mapping(marked.value, "", PACK_KEYS, needed)  # (2)
    gates = _uses(reader, top.get("gates"), "/gates", moment=False)  # (3)
    moment = _uses(reader, top.get("moment"), "/moment", moment=True)
    include = _includes(reader, top.get("include"))
    cases = _cases(reader, top.get("cases"))  # (6)
    pack = _top(
        reader,
        top,
        PolicyPack2(
            name="x",
            version="",
            description="",
            include=include,
            gates=gates,
            moment=moment,
            overrides=(),
            verdict_ttl_seconds=1,
            decision_ttl_seconds=1,
            trust_table=None,
            cases=None,
        ),
    )
    below = _flattened(reader, pack, find)  # (4)
    if not below.gates and not reader.faults:
        reader.wrong("/gates", "pack_empty", "a pack without gates denies everything: name at least one")
    overrides = _overrides(reader, top.get("overrides"), below)  # (5)
    whole = msgspec.structs.replace(pack, overrides=overrides, cases=_named(cases))
    flat = _flattened(reader, whole, find)
    if reader.faults:
        raise PackInvalid(faults=tuple(reader.faults))
    # without includes, what is asked is what is written
    return Written(_bounded(whole) if include or cases else _bounded(flat), flat, cases, marked)


def _named(cases: tuple[Case, ...]) -> Digest | None:
    return digest.of_bytes(shapes.written(cases)) if cases else None


def _top(reader: _Reader, top: dict[str, Any], pack: PolicyPack2) -> PolicyPack2:
    table = top.get("trust_table")
    if table is not None and not (isinstance(table, str) and is_digest(table)):
        reader.wrong("/trust_table", "pack_type", "must be the digest of a stored VEX trust table")
        table = None
    return msgspec.structs.replace(
        pack,
        name=reader.slug(top.get("name"), "/name"),
        version=reader.text(top.get("version"), "/version", 100),
        description=reader.text(top.get("description", ""), "/description", 65_536),
        verdict_ttl_seconds=reader.seconds(top.get("verdict_ttl_seconds", 86_400), "/verdict_ttl_seconds"),
        decision_ttl_seconds=reader.seconds(top.get("decision_ttl_seconds", 3_600), "/decision_ttl_seconds"),
        trust_table=table,
    )


def _flattened(reader: _Reader, pack: PolicyPack2, find: Callable[[Digest], AnyPack]) -> PolicyPack:
    """Take in what a pack includes; what does not come together is a fault where it is named, told once."""
    own = msgspec.structs.replace(pack, include=())
    try:
        return view.flattened(pack, "", lambda name, _: find(name))
    except PackUnresolved as problem:
        for fault in problem.fields["faults"]:
            reader.once(fault.pointer, fault.code, fault.message)
    except Problem as problem:
        missing = str(problem.fields.get("digest", ""))
        at = next((at for at, each in enumerate(pack.include) if each.pack == missing), 0)
        reader.once(f"/include/{at}", "policy.include_missing", f"{missing or problem.title} is no pack stored here")
    return view.flattened(own, "", lambda name, _: find(name))


def _includes(reader: _Reader, value: Any) -> tuple[Include, ...]:
    found = []
    for at, item in enumerate(reader.listed(value, "/include")):
        place = f"/include/{at}"
        given = {"pack": item} if isinstance(item, str) else reader.mapping(item, place, INCLUDE_KEYS, ("pack",))
        name, prefix = given.get("pack"), given.get("prefix", "")
        if not (isinstance(name, str) and is_digest(name)):
            reader.wrong(place, "include_digest", "must be the digest of a stored pack: sha256: and 64 hex digits")
        elif prefix != "" and not (isinstance(prefix, str) and _SLUG.match(prefix) and len(prefix) <= 32):
            reader.wrong(f"{place}/prefix", "pack_name", "must be letters, digits, dot, dash, underscore, at most 32")
        else:
            found.append(Include(pack=name, prefix=prefix))
    if len(found) > MAX_INCLUDES:
        reader.wrong("/include", "pack_type", f"must be a list of at most {MAX_INCLUDES}")
    return tuple(found[:MAX_INCLUDES])


def _cases(reader: _Reader, value: Any) -> tuple[Case, ...]:
    if value is None:
        return ()
    cases, faults = shapes.read(value)
    for fault in faults:
        reader.once(fault.pointer, fault.code, fault.message)
    return cases


def _bounded(pack: AnyPack) -> AnyPack:
    try:
        return view.pack_of(canon.of_record(pack))
    except RecordInvalid as error:
        raise PackInvalid(faults=(Fault("", "policy.pack_type", str(error.fields.get("reason"))),)) from error


def _uses(reader: _Reader, value: Any, pointer: str, *, moment: bool) -> tuple[GateUse, ...]:
    found = []
    for at, item in enumerate(reader.listed(value, pointer)):
        place = f"{pointer}/{at}"
        use = reader.mapping(item, place, USE_KEYS, ("gate",))
        gate = _gate(reader, use.get("gate"), f"{place}/gate", moment=moment) if "gate" in use else None
        params = reader.params(use.get("with"), f"{place}/with")
        default = gate.name if gate else "x"
        identity = reader.slug(use.get("id", default), f"{place}/id")
        enforcement = reader.enforcement(use.get("enforcement", "block"), f"{place}/enforcement")
        if identity in reader.ids:
            reader.wrong(place, "id_twice", f"the id {identity} stands twice; give each use its own id")
        if gate is not None:
            reader.ids.add(identity)
            _check_params(reader, gate, params, f"{place}/with")
            found.append(GateUse(id=identity, gate=gate.id, params=params, enforcement=enforcement))
    return tuple(found)


def _gate(reader: _Reader, value: Any, pointer: str, *, moment: bool) -> AnyGate | None:
    allowed = ", ".join(gate.id for gate in GATES if gate.moment == moment)
    gate = _BY_ID.get(value) if isinstance(value, str) else None
    if gate is None:
        reader.wrong(pointer, "gate_unknown", f"no such gate; allowed here: {allowed}")
    elif gate.moment != moment:
        other = "moment" if gate.moment else "gates"
        reader.wrong(pointer, "gate_misplaced", f"{gate.id} belongs under {other}; allowed here: {allowed}")
        return None
    return gate


def _check_params(reader: _Reader, gate: AnyGate, params: tuple[Param, ...], pointer: str) -> None:
    for fault in faults_of(gate, params, pointer):
        reader.faults.append(reader.marked.fault(fault.pointer, fault.code, f"{gate.id}: {fault.message}"))


def _overrides(reader: _Reader, value: Any, flat: PolicyPack) -> tuple[Override, ...]:
    by_id = {use.id: use for use in (*flat.gates, *flat.moment)}
    below = {(one.environment, one.id): one.params for one in flat.overrides}
    found: dict[tuple[str, str], Override] = {}
    for at, item in enumerate(reader.listed(value, "/overrides")):
        place = f"/overrides/{at}"
        given = reader.mapping(item, place, OVERRIDE_KEYS, ("environment", "id"))
        environment = reader.slug(given.get("environment"), f"{place}/environment")
        use = by_id.get(given["id"]) if isinstance(given.get("id"), str) else None
        params = reader.params(given.get("with"), f"{place}/with")
        if use is None:
            allowed = ", ".join(sorted(by_id)) or "none"
            reader.wrong(f"{place}/id", "override_unknown", f"no gate use of this id; allowed: {allowed}")
            continue
        merged = {param.name: param for param in (*use.params, *below.get((environment, use.id), ()), *params)}
        _check_params(reader, _BY_ID[use.gate], tuple(merged[name] for name in sorted(merged)), f"{place}/with")
        enforcement = None
        if given.get("enforcement") is not None:
            enforcement = reader.enforcement(given["enforcement"], f"{place}/enforcement")
        if (environment, use.id) in found:
            reader.wrong(place, "override_twice", f"{use.id} is changed twice for {environment}")
        found[(environment, use.id)] = Override(
            environment=environment, id=use.id, params=params, enforcement=enforcement
        )
    return tuple(found[key] for key in sorted(found))
