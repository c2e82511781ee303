"""Retiring releases: deprecated, then archived, with a reason. What runs or may be returned to is never archived."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.deploy import Deployed
from cas.records.promotion import Promotion, PromotionStatus
from cas.records.release import Release
from cas.records.release_life import ReleaseState, ReleaseStatus
from cas.store import load
from pipeline import flow
from pipeline.effects import Caller, Effects
from pipeline.operations import releases
from pipeline.operations.release_state import standing_in
from pipeline.operations.rollback import NothingEarlier, predecessor
from pipeline.operations.work import Work

MAX_REASON: Final = 4_096


class ReasonMissing(Problem):
    """A release is retired without saying why."""

    code = "release.reason_missing"
    category = Category.INVALID
    title = "Retiring a release needs a reason"
    remedy = "Say why, for whoever wonders later."


class ReleaseInUse(Problem):
    """A release runs somewhere, is being deployed, or is what a rollback returns to."""

    code = "release.in_use"
    category = Category.CONFLICT
    title = "The release is still in use"
    remedy = "Deploy others in its place first; a deprecated release already goes nowhere new."


@dataclass(frozen=True, slots=True)
class Retired:
    """A release with what it became."""

    digest: Digest
    release: Release
    status: ReleaseStatus


def deprecate(effects: Effects, caller: Caller, release: str, reason: str) -> Retired:
    """Let a release go nowhere new; rollback to it stays possible.

    Raises: release.missing, release.illegal_move, release.reason_missing, cas.expectation_failed
    """
    return _retire(effects, caller, release, reason, "deprecate")


def archive(effects: Effects, caller: Caller, release: str, reason: str) -> Retired:
    """Put a deprecated release out of sight: nothing brings it anywhere, and lists leave it out unless asked.

    Raises: release.missing, release.illegal_move, release.in_use, release.reason_missing, cas.expectation_failed
    """
    return _retire(effects, caller, release, reason, "archive")


def _retire(effects: Effects, caller: Caller, asked: str, reason: str, event: flow.ReleaseEvent) -> Retired:
    if not reason.strip() or len(reason) > MAX_REASON:
        fault = Fault("/reason", "release.reason_missing", f"must say why, in at most {MAX_REASON} characters")
        raise ReasonMissing(faults=(fault,))
    release, name = releases.find(effects, asked)
    work = Work(effects, caller)
    stands = standing_in(work, release.name)
    state = flow.release_after(release.name, stands.state, event)
    if event == "archive":
        _check_unused(work, release, name)
    status = ReleaseStatus(
        release=name,
        state=_state(state),
        reason=reason,
        by=caller.actor,
        at=work.now,
        previous=stands.status_digest,
    )
    named = work.save(status)
    work.note(f"release.{status.state}", named, (work.move(refs.release_state(release.name), named),))
    work.commit()
    return Retired(name, release, status)


def _state(state: flow.ReleaseStage) -> ReleaseState:
    assert state != "absent"
    return state


def _check_unused(work: Work, release: Release, name: Digest) -> None:
    """Refuse while the release runs, is on its way, or is the way back; the append expects all of that to stand."""
    where = {f"{place} runs it" for place in _running(work, name)}
    where |= {f"{place} is getting it" for place in _leases(work, name)}
    where |= {f"{place} would be rolled back to it" for place in _ways_back(work, name)}
    if where:
        raise ReleaseInUse(release=release.name, where="; ".join(sorted(where))[:1000])


def _places(work: Work) -> list[str]:
    """Name every environment."""
    prefix = refs.environment("")
    return [name.removeprefix(prefix) for name, _ in work.effects.log.refs(prefix)]


def _ref(work: Work, name: str) -> Digest | None:
    """Read a ref, absent ones too, so that the append expects it."""
    found = work.ref(name)
    work.expect(name, found)
    return found


def _members(work: Work, place: str) -> tuple[Digest, ...]:
    """List what runs in an environment."""
    _ref(work, refs.deployed(place))
    return work.members(refs.deployed(place))


def _release_of(work: Work, deployed: Digest) -> Digest:
    return load(work.effects.store, deployed, Deployed).release


def _running(work: Work, name: Digest) -> list[str]:
    return [place for place in _places(work) if name in {_release_of(work, one) for one in _members(work, place)}]


def _leases(work: Work, name: Digest) -> list[str]:
    store = work.effects.store
    held = [(place, _ref(work, refs.lease(place))) for place in _places(work)]
    moving = [(place, load(store, head, PromotionStatus).promotion) for place, head in held if head is not None]
    return [place for place, promotion in moving if load(store, promotion, Promotion).release == name]


def _ways_back(work: Work, name: Digest) -> list[str]:
    found = []
    for place in _places(work):
        for member in _members(work, place):
            with suppress(NothingEarlier):
                if _release_of(work, predecessor(work.effects, place, member)) == name:
                    found.append(place)
    return found
