"""The JSON Schema of a policy pack, generated from the catalog of gates: what editors and the reference show."""

from typing import Any

import msgspec

from policy.gate import AnyGate
from policy.gates.catalog import GATES
from policy.packs import cases
from policy.packs.reading import ENFORCEMENTS, MAX_INCLUDES, MAX_TTL, MAX_USES

SLUG = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"


_DIGEST: dict[str, Any] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def pack_schema() -> dict[str, Any]:
    """Build the schema (draft 2020-12) of a pack as its author writes it."""
    slug = {"type": "string", "pattern": SLUG}
    tests = cases.schema()
    ttl = {"type": "integer", "minimum": 1, "maximum": MAX_TTL}
    override = {
        "type": "object",
        "additionalProperties": False,
        "required": ["environment", "id"],
        "properties": {"environment": slug, "id": slug, "enforcement": _enforcement(), "with": {"type": "object"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy pack",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "version"],
        "anyOf": [{"required": ["gates"]}, {"required": ["include"]}],
        "properties": {
            "name": slug,
            "version": {"type": "string", "maxLength": 100},
            "description": {"type": "string", "maxLength": 65_536},
            "gates": {"type": "array", "minItems": 1, "maxItems": MAX_USES, "items": _uses(moment=False)},
            "moment": {"type": "array", "maxItems": MAX_USES, "items": _uses(moment=True)},
            "overrides": {"type": "array", "maxItems": MAX_USES, "items": override},
            "verdict_ttl_seconds": ttl,
            "decision_ttl_seconds": ttl,
            "trust_table": _DIGEST,
            "include": {"type": "array", "maxItems": MAX_INCLUDES, "items": _include()},
            "cases": tests["cases"],
        },
        "$defs": tests["$defs"],
    }


def _include() -> dict[str, Any]:
    prefix = {"type": "string", "pattern": "^([A-Za-z0-9][A-Za-z0-9._-]{0,31})?$"}
    named = {
        "type": "object",
        "additionalProperties": False,
        "required": ["pack"],
        "properties": {"pack": _DIGEST, "prefix": prefix},
    }
    return {"oneOf": [_DIGEST, named]}


def _enforcement() -> dict[str, Any]:
    return {"enum": list(ENFORCEMENTS)}


def _uses(*, moment: bool) -> dict[str, Any]:
    return {"oneOf": [_use(gate) for gate in GATES if gate.moment == moment]}


def _use(gate: AnyGate) -> dict[str, Any]:
    return {
        "title": gate.id,
        "description": gate.asks,
        "type": "object",
        "additionalProperties": False,
        "required": ["gate", "with"] if _needs_params(gate) else ["gate"],
        "properties": {
            "id": {"type": "string", "pattern": SLUG},
            "gate": {"const": gate.id},
            "enforcement": _enforcement(),
            "with": params_schema(gate),
        },
    }


def _needs_params(gate: AnyGate) -> bool:
    return any(field.required for field in msgspec.structs.fields(gate.params))


def params_schema(gate: AnyGate) -> dict[str, Any]:
    """Build the schema of one gate's parameters, definitions inlined; null stands for "leave it out"."""
    schema = msgspec.json.schema(gate.params)
    found: dict[str, Any] = schema["$defs"][gate.params.__name__]
    return {key: value for key, value in found.items() if key != "title"}
