"""The words of custom rules: what they may call, what they may look at. Must not know how a rule is read or run.

Whatever is not listed is refused: a builtin of a later engine version has no effect until it is listed here.
"""

# ruff: noqa: SIM905 - a word list reads best as words

import re
from typing import Any, Final, TypeAlias

import msgspec

from cas.records.base import Part, Record
from cas.records.picture import AssessedFinding2, EvidenceRow2, Reach
from cas.records.release import Component
from cas.records.verdict import ComponentRow, UnknownRow

PACKAGE: Final = "stella"
ENTRIES: Final = ("deny", "warn")

BUILTINS: Final = frozenset(
    """
    count sum product max min sort abs ceil floor round numbers.range
    concat contains startswith endswith lower upper replace split sprintf substring indexof indexof_n format_int
    trim trim_left trim_right trim_prefix trim_suffix trim_space to_number
    strings.any_prefix_match strings.any_suffix_match strings.count strings.replace_n strings.reverse
    array.concat array.slice array.reverse
    object.get object.keys object.remove object.union object.union_n object.filter object.subset
    union intersection
    is_string is_number is_boolean is_null is_array is_object is_set type_name
    semver.compare semver.is_valid glob.match glob.quote_meta regex.match
    """.split()
)
"""Functions of their arguments alone: no clock, randomness, network, environment, file, printing, tracing."""

OPERATORS: Final = frozenset(
    """
    equal neq gt gte lt lte plus minus mul div rem and or internal.member_2 internal.member_3
    """.split()
)
"""What operators are called in a compiled plan."""

FORBIDDEN_ROOTS: Final = frozenset(
    """
    opa time rand uuid http net trace print io rego crypto graph graphql json yaml base64 base64url hex urlquery units
    providers walk bits internal reachable set cast_array cast_set cast_string cast_boolean cast_null cast_object
    """.split()
)
KEYWORDS: Final = frozenset("as contains default else every false if import in not null package some true with".split())
RESERVED: Final = (
    frozenset({"input", "data", "rego", "future", "assign", "eq", "and", "or", "plus", "minus", "mul", "div", "rem"})
    | {name.split(".")[0] for name in BUILTINS}
    | FORBIDDEN_ROOTS
)
"""Names that a rule may not give to anything of its own."""

Shape: TypeAlias = Any
"""What may follow a value: a dict of fields, ``[shape]`` for a list, ``{}`` for a plain value, None for anything."""


def _row(kind: type[Part] | type[Record], *without: str) -> Shape:
    fields = msgspec.structs.fields(kind)
    return {field.name: _value(field.type) for field in fields if field.name not in without}


def _value(kind: Any) -> Shape:
    if isinstance(kind, type) and issubclass(kind, Part | Record):
        return _row(kind)
    inner = getattr(kind, "__args__", ())
    if getattr(kind, "__origin__", None) is tuple and inner:
        return [_value(inner[0])]
    return {}


SHAPE: Final[Shape] = {
    "release": {"name": {}, "line": {}, "components": [_row(Component, "resolution", "images_kept")], "source": None},
    "environment": {"name": {}, "order": {}, "after": {}, "production": {}},
    "components": [_row(ComponentRow)],
    "findings": [_row(AssessedFinding2, "reached") | {"reach": _row(Reach)}],
    "evidence": [_row(EvidenceRow2)],
    "unknowns": [_row(UnknownRow)],
}
"""What ``input`` holds. Fractions are in millionths, scores in tenths; what is absent is null or empty."""

_ATOM: Final = (
    r"(?:\\[d.\\+*?()\[\]{}|^$/-]|\[\^?(?:[A-Za-z0-9_ .,:;@#%&=/+~!-]|\\[d.\\\]^-])+\]|[A-Za-z0-9_ .,:;@#%&=/~!<>\"'-])"
)
_TIMES: Final = r"(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})?"
_PLAIN: Final = rf"(?:{_ATOM}{_TIMES})*"
_GROUP: Final = rf"\((?:{_ATOM})*(?:\|(?:{_ATOM})*)*\){_TIMES}"
_PATTERN: Final = re.compile(rf"\A\^?(?:{_PLAIN}|(?:{_PLAIN}{_GROUP})+{_PLAIN})\$?\Z")
MAX_PATTERN: Final = 200


def regular(pattern: str) -> bool:
    r"""Tell whether a pattern is one that every engine reads alike and none needs long for.

    Letters, digits, ``.``, classes, ``\d``, escaped signs, ``* + ? {n,m}``; groups hold alternatives of characters and
    no repetition of their own; no flags, back references, look-around, lazy or possessive repetition.
    """
    return len(pattern) <= MAX_PATTERN and _PATTERN.match(pattern) is not None
