"""JSON schemas shipped with the package, and all faults of a document at once. Must not know any format's meaning.

Formats are asserted (``date-time``, ``uri`` and the others that the validator knows); ``iri`` is not, because real
OpenVEX documents carry identifiers that are none.
"""

import functools
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

import jsonschema_rs

from cas import jcs
from cas.problems import Fault

MAX_FAULTS: Final = 1000
_TOLERATED_FORMATS: Final = frozenset({"iri"})
_BY_ITEM: Final = frozenset(
    {"$id", "type", "title", "description", "items", "additionalItems", "uniqueItems", "examples"}
)
_SHARED: Final = ("jsf-0.82.schema.json", "spdx.schema.json", "cryptography-defs.schema.json")
RELAXED: Final = "spdx-2.2"
"""SPDX 2.2 is judged by the 2.3 schema, but for file checksums, which tools of its time left out."""
SARIF: Final = "sarif-2.1.0"
"""SARIF is judged without its rules on prose: messages of rules may lack ``text``, links and paths need not be URIs."""


CSAF: Final = "csaf-2.0"
"""The CSAF schema without those of CVSS, which a mandatory test of its own asks."""


def _load(name: str) -> Any:
    return jcs.parse(resources.files("pipeline.formats").joinpath("schemas", name).read_bytes())


@functools.cache
def _registry() -> jsonschema_rs.Registry:
    loaded = [_load(name) for name in _SHARED]
    return jsonschema_rs.Registry([(str(schema["$id"]), schema) for schema in loaded])


def _shipped(name: str) -> Any:
    if name == RELAXED:
        schema = _load("spdx-2.3.schema.json")
        schema["properties"]["files"]["items"]["required"] = ["SPDXID", "fileName"]
    elif name == CSAF:
        schema = _load("csaf-2.0.schema.json")
        scores = schema["properties"]["vulnerabilities"]["items"]["properties"]["scores"]["items"]["properties"]
        scores["cvss_v2"] = scores["cvss_v3"] = {"type": "object"}
    elif name == SARIF:
        schema = _without_links(_load("sarif-schema-2.1.0.json"))
        del schema["definitions"]["multiformatMessageString"]["required"]
    else:
        schema = _load(name)
    return schema


@functools.cache
def validator(name: str) -> Any:
    """Compile a shipped schema once per process."""
    schema = _shipped(name)
    return jsonschema_rs.validator_for(schema, validate_formats=True, registry=_registry(), offline=True)


@functools.cache
def items_validator(name: str, member: str) -> tuple[Any, bool] | None:
    """Compile what a shipped schema says of the items of a top-level list; tell whether none may come twice.

    None when the schema says more of the list than can be judged item by item.
    """
    schema = _shipped(name)
    places = (schema, *(each for each in schema.get("oneOf", ()) if isinstance(each, dict)))
    said = next((each["properties"][member] for each in places if member in each.get("properties", ())), None)
    if said is None or not said.keys() <= _BY_ITEM:
        return None
    kept = {key: schema[key] for key in ("$schema", "$id", "definitions", "$defs") if key in schema}
    alone = {**kept, "type": "array", "items": said["items"]}
    judge = jsonschema_rs.validator_for(alone, validate_formats=True, registry=_registry(), offline=True)
    return judge, bool(said.get("uniqueItems"))


def _without_links(schema: Any) -> Any:
    """Leave out the formats of links and paths, wherever they are demanded."""
    if isinstance(schema, dict):
        linked = isinstance(schema.get("format"), str) and schema["format"].startswith("uri")
        return {key: _without_links(value) for key, value in schema.items() if not (linked and key == "format")}
    return [_without_links(each) for each in schema] if isinstance(schema, list) else schema


def pointer(path: Any) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + escaped(str(step)) for step in path)


def escaped(step: str) -> str:
    """Write a step of a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def faults(name: str, document: Any) -> Iterator[Fault]:
    """Give every fault of a document under a schema, 1,000 at most; none when it is valid."""
    yield from told(validator(name), document)


def told(judge: Any, document: Any) -> Iterator[Fault]:
    """Give every fault that a validator finds, 1,000 at most."""
    if judge.is_valid(document):
        return
    found = 0
    for error in judge.iter_errors(document):
        keyword = str(error.schema_path[-1]) if error.schema_path else "schema"
        if keyword == "format" and getattr(error.kind, "format", "") in _TOLERATED_FORMATS:
            continue
        found += 1
        if found > MAX_FAULTS:
            yield Fault("", "evidence.schema.more", f"more than {MAX_FAULTS} faults")
            return
        yield Fault(pointer(error.instance_path), f"evidence.schema.{keyword}", error.message[:300])
