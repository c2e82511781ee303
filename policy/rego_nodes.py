"""What a rule is made of, as read. Must not know how it is read, nor what names mean."""

from dataclasses import dataclass, field
from typing import TypeAlias

from policy.rego_text import Token


@dataclass(slots=True)
class Const:
    """A string, number, true, false or null."""

    token: Token


@dataclass(slots=True)
class Call:
    """Arguments in parentheses, as part of a reference."""

    arguments: "list[Expr]"


@dataclass(slots=True)
class Ref:
    """A name and what follows it: field names, indexes, calls."""

    root: Token
    parts: "list[Token | Expr | Call]" = field(default_factory=list)


@dataclass(slots=True)
class Many:
    """Values put together: an operator's operands, a list, a set, an object's keys and values."""

    values: "list[Expr]"


@dataclass(slots=True)
class Comprehension:
    """What is collected for every way in which a body holds."""

    heads: "list[Expr]"
    body: "list[Literal]"


@dataclass(slots=True)
class Pattern:
    """What a value is taken apart into: names that come to be, and constants."""

    names: list[Token]
    whole: bool  # a single name for the whole value


@dataclass(slots=True)
class Literal:
    """One line of a body: ``expr`` holds, is given names, or is walked through."""

    expr: "Expr"
    patterns: list[Pattern] = field(default_factory=list)
    each: bool = False  # names are given to the members of ``expr``
    inner: "list[Literal]" = field(default_factory=list)  # of every


Expr: TypeAlias = Const | Ref | Many | Comprehension


@dataclass(slots=True)
class Branch:
    """A value and the body under which it stands; rules have one, and one per ``else``."""

    values: list[Expr]
    body: list[Literal]


@dataclass(slots=True)
class Rule:
    """A rule: ``kind`` tells sets, functions and values apart."""

    name: Token
    kind: str  # contains, function, value
    arguments: list[Pattern]
    branches: list[Branch]
