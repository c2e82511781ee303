"""Is no secret found where the release comes from?"""

from typing import Annotated, Final

import msgspec

from cas.records.base import Count, Part
from cas.records.evidence import Binding
from cas.records.report import ReportedFinding, ReportFacts
from policy.demanded import (
    MISSING_FLIPS,
    MISSING_SENTENCES,
    MORE_SENTENCE,
    Demand,
    History,
    every,
    missing,
    shown,
    status_of,
)
from policy.gate import Answer, FactView, Gate
from policy.globs import any_matches

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_UNVERIFIED: Final = "unverified: "  # so begin messages of tools that tried a secret and could not confirm it


class Params(Part, frozen=True, kw_only=True):
    """How many secrets may be there; ``verified_only`` leaves out what the tool itself could not confirm.

    A tool that does not verify at all says nothing about it: its findings count. ``ignore_paths`` are globs of places
    such as test fixtures; what lies there is shown.
    """

    allowed: Count = 0
    verified_only: bool = False
    ignore_paths: tuple[str, ...] = ()
    count_suppressed: bool = False
    history: History = "all"
    binding: Binding = "attested"
    formats: _Globs = ("*",)
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail when more secrets count than allowed; unknown without a complete secret scan for every component.

    Secrets that other reports found count too; they are no secret scan.
    """
    scan = Demand(
        ReportFacts, ("secrets",), params.binding, params.formats, params.platforms, "secret scan", params.history
    )
    anything = Demand(
        ReportFacts, ("secrets", "findings"), "asserted", ("*",), params.platforms, history=params.history
    )
    secrets = [(one, each) for one in every(view, anything) for each in one.facts.results if each.category == "secret"]
    counted = [(one, each) for one, each in secrets if not _left_out(params, each)]
    left_out = [(one, each) for one, each in secrets if _left_out(params, each)]
    unknown = tuple(missing(view, scan))
    failed = len(counted) > params.allowed
    told = (("count", len(counted)), ("allowed", params.allowed))
    findings = tuple(shown("secret_found", counted, lambda _: told, (("revoke_secret", ""),))) if failed else ()
    ignored = tuple(shown("secret_ignored", left_out, lambda each: (("why", _left_out(params, each)),)))
    return Answer(
        status_of(failed, bool(unknown)),
        (*findings, *unknown, *ignored),
        (("secrets", len(counted)), ("ignored", len(left_out))),
    )


def _left_out(params: Params, each: ReportedFinding) -> str:
    """Say why a secret does not count; empty when it does."""
    if each.suppressed and not params.count_suppressed:
        return each.suppressed
    if params.verified_only and each.message.startswith(_UNVERIFIED):
        return "not verified"
    return "an ignored path" if any_matches(params.ignore_paths, each.path) else ""


GATE = Gate(
    "secret_findings",
    1,
    Params,
    check,
    asks="Is no secret found where the release comes from?",
    remedy="Revoke the secret, remove it from the history, scan again, and submit the report.",
    sentences=(
        ("secret_found", "{tool} found a secret ({rule}) at {place}: {count} found, {allowed} allowed."),
        ("secret_ignored", "A secret that {tool} found ({rule}) at {place} does not count: {why}."),
        MORE_SENTENCE,
        *MISSING_SENTENCES,
    ),
    flips=(("revoke_secret", "Revoke the secret and remove it; then scan again."), *MISSING_FLIPS),
)
