"""What is not known."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Call, PageAsk
from cas.digest import Digest


class ListUnknowns(PageAsk, frozen=True, kw_only=True):
    """Of one release or environment, or of all, as the newest verdicts found it; ``tier`` and ``band`` keep one."""

    release: Annotated[str, msgspec.Meta(max_length=200)] = ""
    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""
    tier: Annotated[str, msgspec.Meta(max_length=2)] = ""
    band: Annotated[str, msgspec.Meta(max_length=16)] = ""


class UnknownLine(Answer, frozen=True, kw_only=True):
    """An unknown: entropy and pressure in millionths, rank 0 to 100."""

    release: str
    environment: str
    reason: str
    code: str
    subject: str
    entropy: int
    tier: str
    pressure: int
    rank: int
    band: str
    evidence: str
    pointer: str
    verdict: Digest
    as_of: str


class UnknownsPage(Answer, frozen=True, kw_only=True):
    """A page of unknowns, the most pressing first."""

    items: tuple[UnknownLine, ...]
    next_cursor: str


LIST = Call(
    "unknown.list", "GET", "/unknowns", ListUnknowns, UnknownsPage, "gate:read", "List what is not known, ranked."
)
CALLS = (LIST,)
