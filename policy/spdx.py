"""SPDX licence expressions (SPDX 2.3, annex D): parsed, and held to terms with three answers. Pure; knows no package.

OR needs one side, AND needs both, WITH adds an exception to a licence. AND binds tighter than OR. Operators may be
written in lower case, as real documents do. What is no expression, or no id of the SPDX list, is a name that somebody
wrote: it fits a term as a whole, or is unknown.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from policy.globs import any_matches
from policy.spdx_ids import KNOWN

Standing = Literal["allowed", "denied", "unknown"]
MAX_LENGTH: Final = 4096
MAX_DEPTH: Final = 32
_TOKEN: Final = re.compile(r"\s*(?:([()])|([A-Za-z0-9][A-Za-z0-9.+:-]*))")
_UNKNOWN: Final = frozenset({"", "noassertion", "none", "unknown"})


class ExpressionInvalidError(ValueError):
    """The text is no licence expression."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence, with an exception or none."""

    id: str
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Both:
    """Every part applies."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any one part may be chosen."""

    parts: tuple["Expression", ...]


Expression: TypeAlias = Licence | Both | Either


def parse(text: str) -> Expression:
    """Read an expression.

    Raises: ExpressionInvalidError
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionInvalidError("too long")
    tokens = _tokens(text)
    reader = _Reader(tokens)
    found = reader.either(0)
    if reader.at != len(tokens):
        raise ExpressionInvalidError(f"unexpected {tokens[reader.at]!r}")
    return found


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionInvalidError("a sign that no licence has")
        tokens.append(found[1] or found[2])
        at = found.end()
    return tokens


class _Reader:
    """Reads tokens by descent, no deeper than MAX_DEPTH."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at].upper() if self.at < len(self.tokens) else ""

    def either(self, depth: int) -> Expression:
        return self._joined("OR", self._both, Either, depth)

    def _both(self, depth: int) -> Expression:
        return self._joined("AND", self._one, Both, depth)

    def _joined(
        self,
        word: str,
        part: Callable[[int], Expression],
        kind: type[Either] | type[Both],
        depth: int,
    ) -> Expression:
        parts = [part(depth)]
        while self.peek() == word:
            self.at += 1
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def _one(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ExpressionInvalidError("too deep")
        if self.peek() == "(":
            self.at += 1
            found = self.either(depth + 1)
            if self.peek() != ")":
                raise ExpressionInvalidError("a bracket stays open")
            self.at += 1
            return found
        name = self._name()
        if self.peek() == "WITH":
            self.at += 1
            return Licence(name, self._name())
        return Licence(name)

    def _name(self) -> str:
        if self.peek() in {"", "(", ")", "AND", "OR", "WITH"}:
            raise ExpressionInvalidError("a licence is missing")
        self.at += 1
        return self.tokens[self.at - 1]


@dataclass(frozen=True, slots=True)
class Terms:
    """Globs over licence ids, case ignored. Deny is stronger; an empty ``allow`` lets through what is not denied."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]

    def standing(self, text: str) -> Standing:
        """Hold an expression, or a name that is none, to the terms."""
        if text.strip().lower() in _UNKNOWN:
            return "unknown"
        try:
            expression = parse(text)
        except ExpressionInvalidError:
            return self._named(text.strip().lower()) or "unknown"
        return self._of(expression)

    def _named(self, name: str) -> Standing | None:
        if any_matches(_lower(self.deny), name):
            return "denied"
        return "allowed" if any_matches(_lower(self.allow), name) else None

    def _of(self, expression: Expression) -> Standing:
        if isinstance(expression, Licence):
            return self._licence(expression)
        found = [self._of(part) for part in expression.parts]
        order: tuple[Standing, ...] = (
            ("allowed", "unknown", "denied") if isinstance(expression, Either) else ("denied", "unknown", "allowed")
        )
        return next(each for each in order if each in found)

    def _licence(self, licence: Licence) -> Standing:
        """Judge the licence with its exception where a term names both, else the licence: an exception only permits."""
        name = licence.id.lower()
        if name in _UNKNOWN:
            return "unknown"
        spelled = [f"{name} with {licence.exception.lower()}"] if licence.exception else []
        spelled += [name, name.removesuffix("+")]
        found = next((standing for each in spelled if (standing := self._named(each))), None)
        if found is not None:
            return found
        if name.removesuffix("+") not in KNOWN:
            return "unknown"  # somebody's own word, or a LicenseRef: nobody here knows what it says
        return "denied" if self.allow else "allowed"


def _lower(globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.lower() for each in globs)
