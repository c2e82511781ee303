"""Compose's variable syntax: ``$NAME``, ``${NAME}``, ``${NAME:-default}``, ``${NAME:?}``, ``$$``. Pure.

Interpolation has two passes: the plan fills what is public and leaves the rest as written, so that no secret enters an
object; the adapter fills the rest when it speaks to the engine.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from targets.problems import VariableUnset

_REFERENCE: Final = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<op>:?[-?+])(?P<word>[^${}]*))?\})"
)


def public(value: str, known: Mapping[str, str], secrets: frozenset[str]) -> str:
    """Fill what is not secret; leave secret references and ``$$`` for the second pass.

    Raises: target.variable_unset
    """

    def one(found: re.Match[str]) -> str:
        if found["escaped"] or (found["plain"] or found["name"]) in secrets:
            return found[0]
        return _value(found, known).replace("$", "$$")

    return _REFERENCE.sub(one, value)


def everything(value: str, known: Mapping[str, str]) -> str:
    """Fill all that is left.

    Raises: target.variable_unset
    """
    return _REFERENCE.sub(lambda found: "$" if found["escaped"] else _value(found, known), value)


def throughout(thing: Any, fill: Callable[[str], str]) -> Any:
    """Apply a filling to every string of a JSON value, keys apart."""
    if isinstance(thing, str):
        return fill(thing)
    if isinstance(thing, list):
        return [throughout(one, fill) for one in thing]
    if isinstance(thing, dict):
        return {name: throughout(one, fill) for name, one in thing.items()}
    return thing


def names(text: str) -> frozenset[str]:
    """List the variables that a text refers to."""
    return frozenset(found["plain"] or found["name"] for found in _REFERENCE.finditer(text) if not found["escaped"])


def _value(found: re.Match[str], known: Mapping[str, str]) -> str:
    name, op, word = found["plain"] or found["name"], found["op"] or "", found["word"] or ""
    value = known.get(name)
    usable = value is not None and (value != "" or not op.startswith(":"))
    if op.endswith("+"):
        return word if usable else ""
    if usable:
        return value or ""
    if op.endswith("-"):
        return word
    raise VariableUnset(variable=name)
