"""Have enough people approved this very verdict, none of them the one who asked, and nobody refused?"""

from dataclasses import dataclass, field

from cas.records.base import Count, Part, Slug
from cas.records.proof import Directory, Person
from cas.records.verdict import EvidenceRef, Finding
from policy.gate import Answer, Gate, MomentView, Vote, finding


class Params(Part, frozen=True, kw_only=True):
    """What the pack demands; the environment's own demands hold as well, whichever is stricter."""

    minimum: Count = 0
    groups: tuple[Slug, ...] = ()  # one approval of each
    separation_of_duties: bool = False
    personal_key: bool = False
    rollback: bool = False  # demanded for rollbacks too


@dataclass(slots=True)
class _Tally:
    """Who counts so far."""

    people: dict[str, set[str]] = field(default_factory=dict)  # actor id → groups
    ends: set[str] = field(default_factory=set)
    vetoes: list[Finding] = field(default_factory=list)
    void: list[Finding] = field(default_factory=list)


def check(params: Params, view: MomentView) -> Answer:
    """Fail after a veto; unknown while approvals are missing; pass when enough people, of every group, approved.

    A person counts once. Void, and shown as such: approvals of another promotion, verdict or environment, expired
    ones, those of the requester (by person, login or owner of the signing key), of people whom the directory does not
    know, and without a personal key where one is demanded. A veto needs none of that but this promotion.
    """
    tally = _Tally()
    for vote in sorted(view.votes, key=lambda vote: vote.digest):
        _count(params, view, vote, tally)
    if tally.vetoes:
        return Answer("fail", (*tally.vetoes, *tally.void))
    demanded = max(params.minimum, view.environment.required_approvals)
    groups = sorted(set(params.groups) | set(view.environment.approver_groups))
    missing: list[Finding] = []
    if len(tally.people) < demanded:
        missing.append(
            finding(
                "approvals_missing",
                (("given", len(tally.people)), ("demanded", demanded)),
                flips=(("approve", str(demanded - len(tally.people))),),
            )
        )
    missing.extend(
        finding("group_missing", (("group", group),), flips=(("approve_group", group),))
        for group in groups
        if not any(group in mine for mine in tally.people.values())
    )
    counted = (("given", len(tally.people)), ("demanded", demanded))
    return Answer("unknown" if missing else "pass", (*missing, *tally.void), counted, tuple(sorted(tally.ends)))


def _count(params: Params, view: MomentView, vote: Vote, tally: _Tally) -> None:
    approval = vote.approval
    if approval.decision == "reject" and approval.promotion == view.promotion_digest:
        tally.vetoes.append(_about(vote, "vetoed", "ask_again"))
        return
    reason = _void(params, view, vote)
    if reason:
        tally.void.append(_about(vote, reason, "approve_again"))
        return
    groups = set(vote.admitted.groups)
    person = _person(view.directory, vote.admitted.person)
    if person is not None:
        groups &= set(person.groups)
    tally.people.setdefault(vote.admitted.person, set()).update(groups)
    tally.ends.add(approval.expires_at)


def _void(params: Params, view: MomentView, vote: Vote) -> str:
    approval, admitted = vote.approval, vote.admitted
    if approval.promotion != view.promotion_digest:
        return "of_another_promotion"
    if approval.verdict != view.verdict_digest:
        return "of_another_verdict"
    if approval.environment != view.environment.name:
        return "of_another_environment"
    if approval.expires_at <= view.as_of:
        return "expired"
    if view.directory is not None and _person(view.directory, admitted.person) is None:
        return "approver_unknown"
    if any(signer != admitted.login for signer in vote.signers):
        return "signed_by_another"
    if (params.separation_of_duties or view.environment.separation_of_duties) and _is_requester(view, vote):
        return "own_request"
    personal = admitted.personal and admitted.login in vote.signers
    if (params.personal_key or view.environment.personal_key_required) and not personal:
        return "no_personal_key"
    return ""


def _is_requester(view: MomentView, vote: Vote) -> bool:
    asked = view.requester_login
    return vote.admitted.person == view.promotion.requested_by or (
        asked != "" and (vote.admitted.login == asked or asked in vote.signers)
    )


def _person(directory: Directory | None, actor: str) -> Person | None:
    return next((person for person in directory.people if person.id == actor), None) if directory else None


def _about(vote: Vote, code: str, flip: str) -> Finding:
    return finding(
        code,
        (("login", vote.admitted.login), ("expires_at", vote.approval.expires_at)),
        evidence=(EvidenceRef(digest=vote.digest, pointer="/approval"),),
        flips=((flip, vote.admitted.login),),
    )


GATE = Gate(
    "approvals",
    1,
    Params,
    check,
    asks="Have enough people approved this verdict, none of them the one who asked?",
    remedy="Ask the approvers; each signs with their own key.",
    sentences=(
        ("approvals_missing", "{given} of {demanded} approvals are there."),
        ("group_missing", "Nobody of the group {group} has approved."),
        ("vetoed", "{login} refused this promotion."),
        ("of_another_promotion", "The approval of {login} is for another promotion."),
        ("of_another_verdict", "The approval of {login} is for another verdict of this promotion."),
        ("of_another_environment", "The approval of {login} is for another environment."),
        ("expired", "The approval of {login} ended at {expires_at}."),
        ("approver_unknown", "{login} is not in the directory."),
        ("signed_by_another", "The approval in the name of {login} carries somebody else's signature."),
        ("own_request", "{login} asked for this promotion and cannot approve it."),
        ("no_personal_key", "The approval of {login} was not signed with a personal key."),
    ),
    flips=(
        ("approve", "{argument} more people approve."),
        ("approve_group", "Somebody of the group {argument} approves."),
        ("approve_again", "{argument}, or somebody else who may, approves this verdict."),
        ("ask_again", "A new promotion is asked for, with what {argument} objected to resolved."),
    ),
    moment=True,
)
