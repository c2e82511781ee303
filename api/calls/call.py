"""A Call: one thing that can be asked, with the same request and answer at every door. Never knows who performs it."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

Method = Literal["GET", "POST", "PUT", "DELETE"]
_BRACES: Final = re.compile(r"{(\w+)}")


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks. Path parameters, query and JSON body together make one struct."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered. New optional fields may come; none goes."""


class PageAsk(Ask, frozen=True, kw_only=True):
    """A listing by pages. ``cursor`` is opaque and belongs to the query it came from."""

    limit: int = 50
    cursor: str = ""


Q = TypeVar("Q", bound=Ask)
A = TypeVar("A")


@dataclass(frozen=True)
class Call(Generic[Q, A]):
    """A line of a catalog. ``scope`` is what a token needs; an empty one is open to everybody.

    ``person``: who holds the home may read and administer it, but this is said by somebody: a person's key or a token.
    """

    name: str
    method: Method
    path: str
    request: type[Q]
    answer: type[A]
    scope: str
    summary: str
    status: int = 200
    person: bool = False
    slashes: bool = False  # the last path parameter may hold slashes
    shown_once: bool = False  # the answer holds a secret: it is never kept

    @cached_property
    def in_path(self) -> tuple[str, ...]:
        """Fields of the request that stand in the path."""
        return tuple(_BRACES.findall(self.path))

    @cached_property
    def elsewhere(self) -> tuple[str, ...]:
        """Fields of the request that stand in the query (GET, DELETE) or in the JSON body (POST, PUT)."""
        return tuple(name for name in self.request.__struct_fields__ if name not in self.in_path)

    @property
    def has_body(self) -> bool:
        """Tell whether the request travels in a JSON body."""
        return self.method in ("POST", "PUT")


AnyCall = Call[Any, Any]
