"""A Handler: who performs a Call. Decode, one operation, encode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from api.calls.call import Ask, Call
from api.visit import Visit

Q = TypeVar("Q", bound=Ask)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Handler(Generic[Q, A]):
    """A line of a resource's tuple."""

    call: Call[Q, A]
    perform: Callable[[Visit, Q], A]


AnyHandler = Handler[Any, Any]
