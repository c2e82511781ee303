"""A VEX trust table as people write it: YAML with classes for sources, everything left out as in the built-in table.

Places are lines; all faults are told together. Must not know where tables are stored.
"""

from typing import Any, Final

import msgspec

from cas.problems import Category, Fault, Problem
from cas.records.policy import VexSource, VexTrustTable
from policy.packs.marked_yaml import Marked, load
from policy.trust_directory import VECTORS, SourceClass, source
from policy.trust_table import BUILT_IN


class TrustFileInvalid(Problem):
    """The YAML is no trust table."""

    code = "policy.trust_file_invalid"
    category = Category.INVALID
    title = "Not a VEX trust table"
    remedy = "Correct every line named; stella vex trust show prints one to start from."


class _Source(msgspec.Struct, forbid_unknown_fields=True, rename={"source_class": "class"}):
    source_class: SourceClass
    signers: tuple[str, ...] = ()
    provenance: int | None = None
    coverage: int | None = None
    replayability: int | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    version: str
    sources: tuple[_Source, ...]
    provenance_weight: int = BUILT_IN.provenance_weight
    coverage_weight: int = BUILT_IN.coverage_weight
    replayability_weight: int = BUILT_IN.replayability_weight
    strengths: dict[str, int] = msgspec.field(default_factory=dict)
    conflict_penalty: int = BUILT_IN.conflict_penalty
    minimum_score: int = BUILT_IN.minimum_score
    unverified_counts: bool = BUILT_IN.unverified_counts


_STRENGTHS: Final = frozenset(name for name, _ in BUILT_IN.strengths)


def read_table(data: bytes) -> VexTrustTable:
    """Read a table from YAML (or JSON, which is YAML).

    Raises: policy.yaml_invalid, policy.trust_file_invalid with the faults
    """
    marked = load(data)
    try:
        given = msgspec.convert(marked.value, _File)
        return _table(given)
    except msgspec.ValidationError as error:
        raise TrustFileInvalid(faults=(_fault(marked, str(error)),)) from error


def _fault(marked: Marked, message: str) -> Fault:
    """Give the place that the decoder names, as a line."""
    said, _, path = message.partition(" - at `$")
    pointer = path.rstrip("`").replace("[...]", "").replace("[", "/").replace("]", "").replace(".", "/")
    return Fault(pointer, "policy.trust_file", f"{marked.at(pointer)}: {said}")


def _table(given: _File) -> VexTrustTable:
    unknown = sorted(set(given.strengths) - _STRENGTHS)
    if unknown:
        raise msgspec.ValidationError(f"no strength is named {unknown[0][:80]!r} - at `$.strengths`")
    weights = given.provenance_weight + given.coverage_weight + given.replayability_weight
    if weights > 1_000_000:
        raise msgspec.ValidationError("the three weights must sum to at most 1,000,000 - at `$.provenance_weight`")
    table = {
        "kind": str(VexTrustTable.__struct_config__.tag),
        "name": given.name,
        "version": given.version,
        "provenance_weight": given.provenance_weight,
        "coverage_weight": given.coverage_weight,
        "replayability_weight": given.replayability_weight,
        "sources": msgspec.to_builtins(tuple(_source(each) for each in given.sources)),
        "strengths": sorted((dict(BUILT_IN.strengths) | given.strengths).items()),
        "freshness": BUILT_IN.freshness,
        "conflict_penalty": given.conflict_penalty,
        "minimum_score": given.minimum_score,
        "unverified_counts": given.unverified_counts,
    }
    return msgspec.convert(table, VexTrustTable)


def _source(given: _Source) -> VexSource:
    base = source(given.source_class, given.signers)
    numbers = {
        name: value
        for name in ("provenance", "coverage", "replayability")
        if (value := getattr(given, name)) is not None
    }
    return msgspec.structs.replace(base, **numbers)


def write_table(table: VexTrustTable) -> str:
    """Write a table as ``read_table`` reads it, its freshness left out: that is frozen."""
    lines = [f"name: {_text(table.name)}", f"version: {_text(table.version)}", "sources:"]
    for one in table.sources:
        lines.append(f"  - class: {one.source_class}")
        if one.signers:
            lines.append(f"    signers: [{', '.join(map(_text, one.signers))}]")
        own = (one.provenance, one.coverage, one.replayability)
        if own != VECTORS[one.source_class]:
            names = ("provenance", "coverage", "replayability")
            lines += [f"    {name}: {value}" for name, value in zip(names, own, strict=True)]
    lines.append("strengths:")
    lines += [f"  {name}: {value}" for name, value in table.strengths]
    for name in ("provenance_weight", "coverage_weight", "replayability_weight", "conflict_penalty", "minimum_score"):
        lines.append(f"{name}: {getattr(table, name)}")
    lines.append(f"unverified_counts: {str(table.unverified_counts).lower()}")
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    return msgspec.json.encode(str(value)).decode()
