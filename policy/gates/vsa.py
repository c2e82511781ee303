"""Did a trusted verifier sum up, lately, that the image passed its policy at a level?"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec

from cas.records.attest import VsaFacts
from cas.records.base import Part
from cas.records.evidence import Binding
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.demanded import MISSING_SENTENCES, Demand, Held, bound, components, held, missing, status_of
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches
from policy.instants import DAY, plus, seconds_or_none

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_PASSED: Final = "PASSED"


class Params(Part, frozen=True, kw_only=True):
    """Whose summary, how far it must have got, how old it may be.

    ``minimum`` is a SLSA level of the ``track`` (SLSA_BUILD_LEVEL_3 fits 3 and less); 0 demands none. ``levels`` are
    further words that must stand among the verified levels.
    """

    verifiers: _Globs
    minimum: Annotated[int, msgspec.Meta(ge=0, le=9)] = 1
    track: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9]{0,31}$(?!\n)")] = "BUILD"
    levels: tuple[str, ...] = ()
    resources: _Globs = ("*",)
    policies: _Globs = ("*",)  # of the policy's URI or digest
    max_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    binding: Binding = "attested"
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Of each demanded verifier its newest summary counts, and each must pass; unknown without any summary."""
    demand = Demand(
        VsaFacts, ("attestation",), params.binding, ("slsa-vsa/*",), params.platforms, "verification summary"
    )
    failures: list[Finding] = []
    ends: list[str] = []
    for component in components(view, params.platforms):
        found = bound(held(view, component, demand), params.binding)
        counted = _newest(each for each in found if any_matches(params.verifiers, each.facts.verifier))
        if found and not counted:
            failures.append(_foreign(params, component, found))
        for one in counted:
            failures += _told(params, component, one, view.question.as_of)
            ends += [plus(one.facts.created_at, params.max_days * DAY)] if one.facts.created_at else []
    unknown = [msgspec.structs.replace(each, flips=(("submit_vsa", ""),)) for each in missing(view, demand)]
    status = status_of(bool(failures), bool(unknown))
    later = tuple(sorted({end for end in ends if end > view.question.as_of}))
    return Answer(status, (*failures, *unknown), (("failed", len(failures)),), later)


def _newest(found: Iterable[Held[VsaFacts]]) -> list[Held[VsaFacts]]:
    """Keep what each verifier said last about each resource; said in the same second, all of it."""
    groups: dict[tuple[str, str], list[Held[VsaFacts]]] = {}
    for each in found:
        groups.setdefault((each.facts.verifier, each.facts.resource), []).append(each)
    last = {key: max(each.facts.created_at for each in group) for key, group in groups.items()}
    return [each for key in sorted(groups) for each in groups[key] if each.facts.created_at == last[key]]


def _foreign(params: Params, component: ComponentRow, found: tuple[Held[VsaFacts], ...]) -> Finding:
    return finding(
        "verifier_missing",
        (
            ("verifiers", ",".join(sorted({each.facts.verifier for each in found}))[:1000]),
            ("demanded", ",".join(params.verifiers)),
            ("platform", component.platform),
        ),
        component=component.component,
        evidence=[EvidenceRef(digest=each.row.raw, pointer="/predicate/verifier") for each in found],
        flips=(("submit_vsa", ""),),
    )


def _told(params: Params, component: ComponentRow, one: Held[VsaFacts], as_of: str) -> Iterator[Finding]:
    facts = one.facts
    about = (("verifier", facts.verifier[:500]), ("platform", component.platform))

    def say(code: str, pointer: str, *arguments: tuple[str, str | int]) -> Finding:
        where = (EvidenceRef(digest=one.row.raw, pointer=f"/predicate/{pointer}"),)
        flips = (("verify_again", ""),)
        return finding(code, (*about, *arguments), component=component.component, evidence=where, flips=flips)

    if facts.result != _PASSED:
        yield say("vsa_not_passed", "verificationResult", ("result", facts.result or "nothing"))
    if not any_matches(params.resources, facts.resource):
        yield say("vsa_of_another_resource", "resourceUri", ("resource", facts.resource[:500] or "nothing"))
    if not (any_matches(params.policies, facts.policy) or any_matches(params.policies, facts.policy_digest)):
        yield say("vsa_by_another_policy", "policy", ("policy", facts.policy[:500] or "nothing"))
    reached = max((_level(each, params.track) for each in facts.levels), default=0)
    if reached < params.minimum:
        demanded = f"SLSA_{params.track}_LEVEL_{params.minimum}"
        yield say("level_too_low", "verifiedLevels", ("levels", ",".join(facts.levels)[:500]), ("demanded", demanded))
    for wanted in sorted(set(params.levels) - set(facts.levels)):
        yield say("level_too_low", "verifiedLevels", ("levels", ",".join(facts.levels)[:500]), ("demanded", wanted))
    if not _fresh(facts.created_at, params.max_days, as_of):
        yield say("vsa_not_fresh", "timeVerified", ("verified", facts.created_at or "never"), ("days", params.max_days))


def _level(text: str, track: str) -> int:
    """Read n of SLSA_<track>_LEVEL_n; anything else is no level."""
    number = text.removeprefix(f"SLSA_{track}_LEVEL_")
    return int(number) if number != text and len(number) == 1 and number in "0123456789" else 0


def _fresh(verified: str, days: int, as_of: str) -> bool:
    return seconds_or_none(verified) is not None and verified <= as_of < plus(verified, days * DAY)


GATE = Gate(
    "vsa",
    1,
    Params,
    check,
    asks="Did a trusted verifier find, lately, that the image passed its policy at the demanded level?",
    remedy="Have the image verified again by a demanded verifier, and submit the signed summary.",
    sentences=(
        ("vsa_not_passed", "{verifier} says {result} of this component on {platform}; PASSED is demanded."),
        ("level_too_low", "{verifier} verified {levels} on {platform}; {demanded} is demanded."),
        ("vsa_of_another_resource", "{verifier} verified the resource {resource}, not this one, on {platform}."),
        ("vsa_by_another_policy", "{verifier} verified by the policy {policy} on {platform}, which is not demanded."),
        ("vsa_not_fresh", "{verifier} verified this on {platform} at {verified}; at most {days} days count."),
        ("verifier_missing", "Verification summaries on {platform} are by {verifiers}; {demanded} is demanded."),
        *MISSING_SENTENCES,
    ),
    flips=(
        ("submit_vsa", "Submit a verification summary of a demanded verifier, signed, over the image."),
        ("verify_again", "Have the verifier check the image again, and submit its new summary."),
    ),
)
