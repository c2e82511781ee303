"""Is there evidence of the user's own kind, and does it say what it must?"""

import re
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from cas.records.base import Part
from cas.records.evidence import Binding
from cas.records.forms import Slug
from cas.records.report import GenericFacts
from cas.records.verdict import EvidenceRef, Finding
from policy.demanded import MISSING_FLIPS, MISSING_SENTENCES, Demand, Held, bound, components, held, missing, status_of
from policy.gate import Answer, FactView, Gate, finding

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_DEMAND: Final = re.compile(r"([^=<>]{1,128})(>=|<=|=)(.{0,1024})\Z", re.DOTALL)
_NUMBER: Final = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?\Z")
_Demanded = Annotated[str, msgspec.Meta(pattern=r"^[^=<>]{1,128}(>=|<=|=)[^\n]{0,1024}$(?!\n)")]


class Params(Part, frozen=True, kw_only=True):
    """Which kind, as registered, and what its newest document must say.

    Each of ``demands`` is ``key=value``, ``key>=number`` or ``key<=number`` over the document's top-level values.
    """

    kind: Slug
    demands: tuple[_Demanded, ...] = ()
    binding: Binding = "attested"
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail where a document says otherwise; unknown without one, or when it does not say what is demanded."""
    formats = (f"generic/{params.kind}@*",)
    demand = Demand(
        GenericFacts, ("generic",), params.binding, formats, params.platforms, f"{params.kind} document", "newest"
    )
    failures: list[Finding] = []
    unknown = list(missing(view, demand))
    documents = 0
    for component in components(view, params.platforms):
        found = held(view, component, demand)
        documents += len(bound(found, params.binding))
        for one in (_answer(each, told) for each in found for told in params.demands):
            if one is not None:
                (unknown if one.code == "value_missing" else failures).append(one)
    status = status_of(bool(failures), bool(unknown))
    return Answer(status, (*failures, *unknown), (("documents", documents), ("failed", len(failures))))


def _answer(one: Held[GenericFacts], demanded: str) -> Finding | None:
    """Hold a document to one demand; None when it is met."""
    key, sign, wanted = next(iter(_parts(demanded)))
    values = dict(one.facts.values)
    about = (("name", one.facts.name), ("key", key), ("demanded", f"{sign} {wanted}"))
    where = EvidenceRef(digest=one.row.raw, pointer="/" + key.replace("~", "~0").replace("/", "~1"))
    flips = (("submit_report", "generic"),)
    if key not in values:
        return finding("value_missing", about, component=one.row.component, evidence=[where], flips=flips)
    given = values[key]
    if sign == "=" and given == wanted:
        return None
    if sign != "=":
        left, right = _scaled(given), _scaled(wanted)
        if left is not None and right is not None and (left >= right if sign == ">=" else left <= right):
            return None
    said = (*about, ("found", given[:200]))
    return finding("value_differs", said, component=one.row.component, evidence=[where], flips=flips)


def _parts(demanded: str) -> Iterator[tuple[str, str, str]]:
    found = _DEMAND.match(demanded)
    yield (found[1], found[2], found[3]) if found else (demanded, "=", "")


def _scaled(text: str) -> int | None:
    """Read a decimal number exactly, as a count of its thirtieth decimal place; None when it is none."""
    found = _NUMBER.match(text.strip())
    if found is None:
        return None
    number = int(found[2]) * 10**30 + int((found[3] or "").ljust(30, "0"))
    return -number if found[1] else number


GATE = Gate(
    "generic_evidence",
    1,
    Params,
    check,
    asks="Is there evidence of the user's own kind, and does it say what it must?",
    remedy="Submit a document of the kind that says what the policy demands.",
    sentences=(
        ("value_differs", "The {name} document says {found} for {key}; {demanded} is demanded."),
        ("value_missing", "The {name} document says nothing of {key}; {demanded} is demanded."),
        *MISSING_SENTENCES,
    ),
    flips=MISSING_FLIPS,
)
