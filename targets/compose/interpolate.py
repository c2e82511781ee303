"""Compose's variables: ``$NAME``, ``${NAME}``, ``${NAME:-default}``, ``$$``. Knows text; must not know services.

Values that are known go in; secrets stay references. What comes out is Compose source text again: a dollar sign that
is meant is ``$$``, a kept reference is ``${NAME}``. (compose-go, template/template.go)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cas.problems import Fault

_TOKEN: Final = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS: Final = (":-", ":?", ":+", "-", "?", "+")
MAX_NESTING: Final = 16


@dataclass(frozen=True, slots=True)
class Variable:
    """One reference. ``operator`` is empty, or one of ``:- - :? ? :+ +`` with its ``argument``."""

    name: str
    operator: str
    argument: tuple["str | Variable", ...]


Parts = tuple[str | Variable, ...]


class TemplateWrong(ValueError):  # noqa: N818 - it never leaves this package
    """A dollar sign that is neither a variable nor ``$$``; kept inside this package, it becomes a fault."""


def parse(text: str) -> Parts:
    """Split text into literals and variables."""
    parts, end = _parse(text, 0, closing=False, nesting=0)
    assert end == len(text)
    return parts


def _parse(text: str, at: int, *, closing: bool, nesting: int) -> tuple[Parts, int]:
    if nesting > MAX_NESTING:
        raise TemplateWrong("defaults nested too deep")
    parts: list[str | Variable] = []
    ends = "$}" if closing else "$"
    while at < len(text):
        end = next((place for place in range(at, len(text)) if text[place] in ends), len(text))
        if end > at:
            parts.append(text[at:end])
        if end == len(text):
            break
        if text[end] == "}":
            return _joined(parts), end + 1
        part, at = _dollar(text, end, nesting)
        parts.append(part)
    if closing:
        raise TemplateWrong("a brace that is not closed")
    return _joined(parts), len(text)


def _dollar(text: str, at: int, nesting: int) -> tuple[str | Variable, int]:
    found = _TOKEN.match(text, at)
    if found is None:
        raise TemplateWrong(text[at : at + 20])
    if found["escaped"]:
        return "$", found.end()
    if found["named"]:
        return Variable(found["named"], "", ()), found.end()
    return _braced(text, found.end(), nesting)


def _joined(parts: list[str | Variable]) -> Parts:
    """Put neighbouring literals together."""
    found: list[str | Variable] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def _braced(text: str, at: int, nesting: int) -> tuple[Variable, int]:
    name = _NAME.match(text, at)
    if name is None:
        raise TemplateWrong(text[max(0, at - 2) : at + 20])
    at = name.end()
    if text[at : at + 1] == "}":
        return Variable(name[0], "", ()), at + 1
    operator = next((op for op in _OPERATORS if text.startswith(op, at)), "")
    if not operator:
        raise TemplateWrong(text[at : at + 20])
    argument, at = _parse(text, at + len(operator), closing=True, nesting=nesting + 1)
    return Variable(name[0], operator, argument), at


def escape(value: str) -> str:
    """Write literal text as Compose source text."""
    return value.replace("$", "$$")


def literal(source: str) -> str | None:
    """Give the text that source text stands for, or None when it holds references or is no template."""
    if "$" not in source:
        return source
    try:
        parts = parse(source)
    except TemplateWrong:
        return None
    return "".join(part for part in parts if isinstance(part, str)) if all(isinstance(p, str) for p in parts) else None


def references(source: str) -> tuple[Variable, ...]:
    """List the variables of source text, those inside defaults too; none when it is no template."""
    if "$" not in source:
        return ()
    try:
        return tuple(_walk(parse(source)))
    except TemplateWrong:
        return ()


def _walk(parts: Parts) -> list[Variable]:
    found: list[Variable] = []
    for part in parts:
        if isinstance(part, Variable):
            found += [part, *_walk(part.argument)]
    return found


@dataclass(slots=True)
class Variables:
    """What is known of variables while a project is read; notes what was asked and what is wrong.

    ``final`` is the moment of rendering: then a variable that nobody declared is a fault. Before, it stays a reference.
    """

    values: Mapping[str, str]
    secrets: frozenset[str] = frozenset()
    final: bool = False
    asked: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def expand(self, text: str, pointer: str) -> str:
        """Fill in what is known; a fault is noted and the text given back as it was."""
        if "$" not in text:
            return text
        try:
            return self._join(parse(text), pointer)
        except TemplateWrong as wrong:
            self.faults.append(Fault(pointer, "compose.interpolation_invalid", f"not a variable: {wrong}"))
            return text

    def _join(self, parts: Parts, pointer: str) -> str:
        return "".join(escape(part) if isinstance(part, str) else self._fill(part, pointer) for part in parts)

    def _fill(self, variable: Variable, pointer: str) -> str:
        name, operator = variable.name, variable.operator
        self.asked.add(name)
        if name in self.secrets:
            return self._keep(variable, pointer)
        value = self.values.get(name)
        present = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return self._join(variable.argument, pointer) if present else ""
        if present:
            return escape(value or "")
        if operator.endswith("-"):
            return self._join(variable.argument, pointer)
        if value is not None and not operator:
            return ""
        if self.final:
            code = "compose.variable_required" if operator else "compose.variable_undeclared"
            self.faults.append(
                Fault(pointer, code, f"{name} has no value: declare it as a variable or a secret of the environment")
            )
            return ""
        return self._keep(variable, pointer)

    def _keep(self, variable: Variable, pointer: str) -> str:
        """Keep a reference. A secret is always set, so an alternative for it is taken and a default is dropped."""
        if variable.operator.endswith("+"):
            return self._join(variable.argument, pointer)
        self.kept.add(variable.name)
        return "${" + variable.name + (":?" if variable.operator.endswith("?") else "") + "}"
