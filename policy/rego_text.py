"""Rego source as tokens. Strict: what is not plainly Rego is refused with its place. Must not know grammar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["name", "number", "string", "sign", "end"]

_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\n]+|\#[^\n]*)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<number>(?:0|[1-9][0-9]*)(?![A-Za-z0-9_]|\.[0-9]))"""
    r"""|(?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*"|`[^`"\x00-\x1f]*`)"""
    r"""|(?P<sign>:=|==|!=|<=|>=|[<>+\-*/%&|,;:.(){}\[\]=])"""
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign, where it stands, and whether blanks or a line end come before it."""

    kind: Kind
    text: str
    line: int
    column: int
    apart: bool  # after a blank
    fresh: bool  # the first of its line

    def __str__(self) -> str:
        return self.text if self.kind != "end" else "the end"


class Unreadable(Exception):  # noqa: N818 - a place and a reason, turned into a fault
    """A place that cannot be read."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line, self.column, self.message = line, column, message


def tokens(text: str) -> Iterator[Token]:
    """Give the tokens of a module, and ``end``.

    Raises: Unreadable
    """
    at, line, start = 0, 1, 0
    apart = fresh = True
    while at < len(text):
        found = _TOKEN.match(text, at)
        column = at - start + 1
        if found is None:
            raise Unreadable(line, column, f"{text[at : at + 12]!r} cannot be read here: {_hint(text[at])}")
        word, kind = found[0], found.lastgroup
        if kind == "blank":
            apart = True
        else:
            yield Token(kind, word, line, column, apart, fresh)  # type: ignore[arg-type]  # a group's name
            apart = fresh = False
        breaks = word.count("\n")
        if breaks:
            line, start, fresh = line + breaks, at + word.rindex("\n") + 1, True
        at = found.end()
    yield Token("end", "", line, at - start + 1, True, True)


def _hint(sign: str) -> str:
    if sign in "\"'`":
        return "strings stand in double quotes on one line, or raw in backquotes; neither holds the other"
    if sign.isdigit():
        return "only whole numbers; fractions are in millionths, scores in tenths"
    if sign == "$":
        return "template strings are not known; use sprintf"
    return "no such sign; names are ASCII, lines end with a line feed"
