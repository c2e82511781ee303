"""Records for tests: the published shape of every kind as text, and hypothesis strategies that build any record."""

import json
from functools import cache
from pathlib import Path

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from cas.digest import Digest
from cas.records import base
from cas.records.catalog import KINDS

GOLDEN = Path(__file__).parent.parent / "golden" / "records.json"

_INSTANTS = st.builds(
    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format,
    st.integers(1, 9999),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def tag(kind):
    return str(kind.__struct_config__.tag)


def _bare(kind):
    """A string whose form is checked by columns, as the one that msgspec would check."""
    return inspect.StrType(pattern=kind.extra_json_schema["pattern"])


def spell(kind):
    """Spell a type as text, so that a changed shape is a changed line."""
    match kind:
        case inspect.UnionType():
            return " | ".join(sorted(spell(one) for one in kind.types))
        case inspect.LiteralType():
            return "literal(" + ", ".join(map(repr, kind.values)) + ")"
        case inspect.VarTupleType():
            return f"[{spell(kind.item_type)}]"
        case inspect.TupleType():
            return "(" + ", ".join(spell(one) for one in kind.item_types) + ")"
        case inspect.StructType():
            return kind.cls.__name__
        case inspect.IntType():
            # None: not bounded, which the tests refuse
            return f"int({kind.ge}..{kind.le})"
        case inspect.StrType() if kind.pattern:
            return f"/{kind.pattern}/"
        case inspect.Metadata():
            return spell(_bare(kind))
        case inspect.StrType():
            return f"str({kind.min_length or 0}..{'' if kind.max_length is None else kind.max_length})"
        case inspect.BoolType():
            return "bool"
        case inspect.NoneType():
            return "null"
    return f"FORBIDDEN {kind!r}"


def structs(kind, seen=None):
    """Every struct that a kind is made of, itself included."""
    seen = {} if seen is None else seen
    if kind in seen:
        return seen
    info = inspect.type_info(kind)
    seen[kind] = info
    for field in info.fields:
        for struct in _inside(field.type):
            structs(struct, seen)
    return seen


def _inside(kind):
    match kind:
        case inspect.StructType():
            yield kind.cls
        case inspect.UnionType():
            for one in kind.types:
                yield from _inside(one)
        case inspect.VarTupleType():
            yield from _inside(kind.item_type)
        case inspect.TupleType():
            for one in kind.item_types:
                yield from _inside(one)


NAMED = {
    spell(inspect.type_info(getattr(base, name))): name
    for name in ("ActorId", "Count", "Instant", "Millionths", "Name", "Nonce", "SafeInt", "Slug", "Tenths", "Text")
} | {spell(inspect.type_info(Digest)): "Digest"}


def named(kind):
    text = spell(kind)
    for spelled, name in NAMED.items():
        text = text.replace(spelled, name)
    return text


def shapes():
    """The shape of every kind and of every part it uses, by name, and of the types they share."""
    found = {f"type {name}": spelled for spelled, name in NAMED.items()}
    for kind in KINDS:
        for struct, info in structs(kind).items():
            name = tag(struct) if struct.__struct_config__.tag else f"part {struct.__name__}"
            told = {field.encode_name: named(field.type) for field in info.fields}
            # an array's values have no names: their order is the shape
            found[name] = [" ".join(pair) for pair in told.items()] if info.array_like else told
    return dict(sorted(found.items()))


def shapes_text():
    return json.dumps(shapes(), indent=1, sort_keys=True) + "\n"


@cache
def some(kind):
    """A strategy for any value of a record kind."""
    info = inspect.type_info(kind)
    return st.builds(kind, **{field.name: _some(field.type) for field in info.fields})


def _some(kind):
    match kind:
        case inspect.UnionType():
            return st.one_of(*(_some(one) for one in kind.types))
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.VarTupleType():
            return st.lists(_some(kind.item_type), max_size=2).map(tuple)
        case inspect.TupleType():
            return st.tuples(*(_some(one) for one in kind.item_types))
        case inspect.StructType():
            return some(kind.cls)
        case inspect.IntType():
            low = -(2**53) + 1 if kind.ge is None else kind.ge
            return st.integers(low, 2**53 - 1 if kind.le is None else kind.le)
        case inspect.StrType():
            return _some_text(kind)
        case inspect.Metadata():
            return _some_text(_bare(kind))
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise AssertionError(kind)


def _some_text(kind):
    if kind.pattern is None:
        return _TEXT.filter(lambda text: len(text) >= (kind.min_length or 0))
    if "T(" in kind.pattern:
        return _INSTANTS
    return st.from_regex(kind.pattern.replace(r"$(?!\n)", r"\Z"))


def blank(kind, **given):
    """A record with the fields that matter to a test; every other one holds the least its type allows."""
    info = inspect.type_info(kind)
    return kind(**{field.name: given.get(field.name, _least(field.type)) for field in info.fields})


_LEAST = {"Digest": "sha256:" + "0" * 64, "Instant": "2026-03-01T12:00:00Z", "Nonce": "0" * 32, "Slug": "x"} | {
    "ActorId": "person:" + "a" * 32
}


def _least(kind):
    match kind:
        case inspect.Metadata():
            return _least(_bare(kind))
        case inspect.UnionType():
            return None if any(isinstance(one, inspect.NoneType) for one in kind.types) else _least(kind.types[0])
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.VarTupleType():
            return ()
        case inspect.TupleType():
            return tuple(_least(one) for one in kind.item_types)
        case inspect.StructType():
            return blank(kind.cls)
        case inspect.IntType():
            return max(kind.ge or 0, 0)
        case inspect.BoolType():
            return False
    return _LEAST.get(named(kind), "x" * (kind.min_length or 0))


def plain(record):
    """A record as plain values, for a reference encoder."""
    return json.loads(msgspec.json.encode(record))


if __name__ == "__main__":
    GOLDEN.write_text(shapes_text(), encoding="utf-8")
