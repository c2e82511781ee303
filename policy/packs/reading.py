"""Policy packs as their authors write them: YAML to PolicyPack, with every fault at once. Must not know storing.

Each fault says line and column, what is wrong, and what is allowed.
"""

import re
from typing import Any, Final, get_args

from cas import canon
from cas.digest import is_digest
from cas.problems import Category, Fault, Problem, RecordInvalid
from cas.records.policy import Enforcement, GateUse, Override, Param, PolicyPack
from policy.gate import AnyGate
from policy.gates.catalog import GATES
from policy.packs.marked_yaml import Marked, load
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
)
USE_KEYS: Final = ("id", "gate", "enforcement", "with")
OVERRIDE_KEYS: Final = ("environment", "id", "enforcement", "with")
MAX_USES: Final = 200
MAX_TTL: Final = 366 * 86_400
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


def read_pack(data: bytes) -> PolicyPack:
    """Read a pack.

    (1) YAML within its bounds; (2) keys and types; (3) every gate use against the catalog; (4) overrides against the
    uses they change, with the parameters that result.

    Raises: policy.yaml_invalid, policy.pack_invalid with all faults
    """
    marked = load(data)  # (1)
    reader = _Reader(marked)
    top = reader.mapping(marked.value, "", PACK_KEYS, ("name", "version", "gates"))  # (2)
    gates = _uses(reader, top.get("gates"), "/gates", moment=False)  # (3)
    moment = _uses(reader, top.get("moment"), "/moment", moment=True)
    if "gates" in top and not gates and not reader.faults:
        reader.wrong("/gates", "pack_empty", "a pack without gates denies everything: name at least one")
    overrides = _overrides(reader, top.get("overrides"), (*gates, *moment))  # (4)
    table = top.get("trust_table")
    if table is not None and not (isinstance(table, str) and is_digest(table)):
        reader.wrong("/trust_table", "pack_type", "must be the digest of a stored VEX trust table")
        table = None
    name, version = reader.slug(top.get("name"), "/name"), reader.text(top.get("version"), "/version", 100)
    pack = PolicyPack(
        name=name,
        version=version,
        description=reader.text(top.get("description", ""), "/description", 65_536),
        gates=gates,
        moment=moment,
        overrides=overrides,
        verdict_ttl_seconds=reader.seconds(top.get("verdict_ttl_seconds", 86_400), "/verdict_ttl_seconds"),
        decision_ttl_seconds=reader.seconds(top.get("decision_ttl_seconds", 3_600), "/decision_ttl_seconds"),
        trust_table=table,
    )
    if reader.faults:
        raise PackInvalid(faults=tuple(reader.faults))
    return _bounded(pack)


def _bounded(pack: PolicyPack) -> PolicyPack:
    try:
        return canon.to_record(canon.of_record(pack), PolicyPack)
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


def _overrides(reader: _Reader, value: Any, uses: tuple[GateUse, ...]) -> tuple[Override, ...]:
    by_id = {use.id: use for use in uses}
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
        merged = {param.name: param for param in (*use.params, *params)}
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
