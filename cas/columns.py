"""The forms of strings in records, checked column by column: many digests in a few passes instead of a regex each.

A field names its form in ``Meta.extra``; msgspec holds it to its length, this module to its signs. A type that cannot
be walked is refused when its plan is made, so no form is left unchecked.
"""

import functools
import re
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from cas.problems import RecordInvalid

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_HEX: Final = b"0123456789abcdef"
_LENGTH: Final = 71
_FEW: Final = 8
_HEAD: Final = tuple(enumerate(b"sha256:"))
_KNOWN: Final[set[str | None]] = set()  # of the form of a digest
MAX_KNOWN: Final = 1 << 16

Check = Callable[[Sequence[Any]], bool]
"""Tells whether all values of a column have their form."""


def are_digests(values: Collection[str | None]) -> bool:
    """Tell whether all have the form of a digest, but for those that are not there.

    Records name each other, so most were seen before: a string that has the form has it wherever it stands.
    """
    if _KNOWN.issuperset(values):
        return True
    new = set(values).difference(_KNOWN)
    if not (_are_digests(new) if len(new) < _FEW else _are_many(new)):
        return False
    if len(_KNOWN) > MAX_KNOWN:
        _KNOWN.clear()
    _KNOWN.update(new)
    return True


def _are_digests(values: Collection[str | None]) -> bool:
    for value in values:  # noqa: SIM110 - asked of every small record: a generator costs as much again
        if value is not None and not _DIGEST.fullmatch(value):
            return False
    return True


def _are_many(values: Collection[str | None]) -> bool:
    wanted = [value for value in values if value is not None]
    joined = "".join(wanted)
    if not joined.isascii() or set(map(len, wanted)) != {_LENGTH}:
        return False
    raw = joined.encode()
    # what is left without hex digits are the letters s, h and the colon of each; then each stands at its place
    if raw.translate(None, _HEX) != b"sh:" * len(wanted):
        return False
    return all(raw[at::_LENGTH].count(sign) == len(wanted) for at, sign in _HEAD)


def _matching(pattern: str) -> Check:
    match = re.compile(pattern).search
    return lambda values: all(map(match, set(values)))


@functools.cache
def plan(kind: Any) -> Check | None:
    """Compile the check of a column of one type; None when the type holds no form.

    Raises: TypeError when a form hides in a type that cannot be walked
    """
    origin, given = get_origin(kind), get_args(kind)
    if origin is Annotated:
        forms = [meta.extra for meta in given[1:] if isinstance(meta, msgspec.Meta) and meta.extra]
        if forms:
            return are_digests if forms[0]["form"] == "digest" else _matching(forms[0]["form"])
        return plan(given[0])
    if origin in (Union, UnionType):
        return _optional(kind, [each for each in given if each is not type(None)])
    if origin is tuple:
        return _many(given[0]) if given[-1:] == (Ellipsis,) else _places(given)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    if origin is Literal or kind in (str, int, bool, type(None), bytes, Any):
        return None
    raise TypeError(f"no way through {kind} to the forms in it")


def _optional(kind: Any, choices: list[Any]) -> Check | None:
    checks = [plan(choice) for choice in choices]
    if not any(checks):
        return None
    check = checks[0]
    if check is None or len(choices) > 1:
        raise TypeError(f"a form in one choice of {kind}")
    if check is are_digests:
        return check
    return lambda values: check([value for value in values if value is not None])


def _many(inner: Any) -> Check | None:
    check = plan(inner)
    return None if check is None else lambda values: check(list(chain.from_iterable(values)))


def _places(inner: tuple[Any, ...]) -> Check | None:
    checks = [(itemgetter(at), check) for at, each in enumerate(inner) if (check := plan(each)) is not None]
    return _all(checks)


def _struct(kind: type[msgspec.Struct]) -> Check | None:
    digests, others = _forms(kind)
    return _all([*_as_one_column(digests), *((attrgetter(name), check) for name, check in others)])


def _forms(kind: type[msgspec.Struct]) -> tuple[list[str], list[tuple[str, Check]]]:
    """Give the fields of a struct that are digests, and the others that hold forms, each with its check."""
    checks = {each.name: check for each in msgspec.structs.fields(kind) if (check := plan(each.type)) is not None}
    digests = [name for name, check in checks.items() if check is are_digests]
    return digests, [(name, check) for name, check in checks.items() if name not in digests]


def _as_one_column(digests: list[str]) -> list[tuple[Callable[[Any], Any], Check]]:
    if len(digests) < 2:
        return [(attrgetter(name), are_digests) for name in digests]
    return [(attrgetter(*digests), lambda values: are_digests(list(chain.from_iterable(values))))]


def _all(checks: Sequence[tuple[Callable[[Any], Any], Check]]) -> Check | None:
    if not checks:
        return None

    def every(values: Sequence[Any]) -> bool:
        if not values:
            return True
        for get, check in checks:  # noqa: SIM110 - asked of every small record: a generator costs as much again
            if not check(list(map(get, values))):
                return False
        return True

    return every


@functools.cache
def _alone(kind: type[msgspec.Struct]) -> tuple[tuple[Callable[[Any], Any], Check], ...]:
    """Compile the checks of one value by itself, each with what gives its column."""
    digests, others = _forms(kind)
    many = [(attrgetter(*digests), are_digests)] if len(digests) > 1 else []
    single = [(name, are_digests) for name in digests] if len(digests) == 1 else []
    types = {each.name: each.type for each in msgspec.structs.fields(kind)}
    return (*many, *(_column(name, types[name], check) for name, check in (*single, *others)))


def _column(name: str, kind: Any, check: Check) -> tuple[Callable[[Any], Any], Check]:
    """Give a field of one value as a column: a tuple's items, or all there is."""
    given = get_args(kind)
    inner = plan(given[0]) if get_origin(kind) is tuple and given[-1:] == (Ellipsis,) else None
    return (_in_a_column(name), check) if inner is None else (attrgetter(name), inner)


def _in_a_column(name: str) -> Callable[[Any], Any]:
    get = attrgetter(name)
    return lambda value: (get(value),)


def check(value: msgspec.Struct) -> None:
    """Hold every string of a record to the form its type names.

    Raises: cas.record_invalid
    """
    kind = type(value)
    for column, wanted in _alone(kind):
        if not wanted(column(value)):
            raise RecordInvalid(kind=kind.__name__, reason="a digest, an instant or a name is not of its form")
