"""Break glass: two people set a verdict aside, for one release in one environment, for hours; reported until reviewed.

There is no flag that goes round a gate. This is a record that two people signed with their own keys, with a reason, a
ticket and an end; every decision that leans on it says so, and the environment takes nothing more when the review is
overdue.
"""

from dataclasses import dataclass
from typing import Final, Literal

from cas import digest, refs
from cas.digest import Digest, is_digest
from cas.problems import Category, Fault, Problem
from cas.records.base import Instant
from cas.records.promotion import BreakGlass, BreakGlassRequest, BreakGlassReview, BreakGlassSigned
from cas.records.proof import HeadSet
from cas.store import load
from pipeline.attest import envelope as envelopes
from pipeline.attest import statements
from pipeline.effects import Caller, Effects
from pipeline.operations import asking, personal
from pipeline.operations.attestations import seal_record
from pipeline.operations.work import Work
from policy.instants import plus, seconds_or_none

PEOPLE: Final = 2
LONGEST_HOURS: Final = 72
KIND: Final = "break_glass_request/1"


class GlassInvalid(Problem):
    """The glass cannot be broken so; ``faults`` lists why."""

    code = "break_glass.invalid"
    category = Category.INVALID
    title = "The verdict cannot be set aside so"
    remedy = "Correct every fault listed."


class GlassMissing(Problem):
    """No such request waits, or nothing was set aside under this digest."""

    code = "break_glass.missing"
    category = Category.MISSING
    title = "Nothing of that name was set aside, or waits for it"
    remedy = "List what waits and what was set aside: stella break-glass list."


class GlassSelf(Problem):
    """One person cannot be two, and who signed cannot review."""

    code = "break_glass.self"
    category = Category.DENIED
    title = "This takes another person"
    remedy = "Ask somebody who has not signed."


class GlassExpired(Problem):
    """The end that was asked for has passed."""

    code = "break_glass.expired"
    category = Category.CONFLICT
    title = "The end has passed"
    remedy = "Ask anew."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request, and who has signed it so far. ``glass`` is what it became with the second signature."""

    digest: Digest
    request: BreakGlassRequest
    signed: BreakGlassSigned
    glass: Digest | None = None

    @property
    def id(self) -> str:
        """The request's id."""
        return digest.uuid_of(self.digest)


@dataclass(frozen=True, slots=True)
class Broken:
    """What was set aside, by digest and value."""

    digest: Digest
    glass: BreakGlass


def request(  # noqa: PLR0917 - the fields of a founding record
    effects: Effects, caller: Caller, release: str, environment: str, reason: str, ticket: str, expires_at: Instant
) -> Waiting:
    """Ask that a release's verdict be set aside in an environment. Nothing happens until two people sign.

    Raises: break_glass.invalid with all faults, promotion.not_admitted
    """
    work = Work(effects, caller)
    place = asking.place_of(work, release, environment)
    faults = _faults(work.now, reason, ticket, expires_at)
    if faults:
        raise GlassInvalid(faults=tuple(faults))
    made = BreakGlassRequest(
        release=place.release_digest,
        environment=place.environment.name,
        reason=reason,
        ticket=ticket,
        requested_by=caller.actor,
        requested_at=work.now,
        expires_at=expires_at,
        nonce=effects.entropy.nonce(),
    )
    name = work.save(made)
    signed = BreakGlassSigned(request=name, people=(), envelopes=())
    ref = refs.break_glass_request(digest.uuid_of(name))
    work.note("break_glass.requested", name, (work.move(ref, work.save(signed)),))
    work.commit()
    return Waiting(name, made, signed)


def _faults(now: Instant, reason: str, ticket: str, expires_at: str) -> list[Fault]:
    faults = []
    if not 0 < len(reason.strip()) <= 65_536:
        faults.append(Fault("/reason", "break_glass.reason_missing", "must say why, in at most 65536 characters"))
    if not 0 < len(ticket.strip()) <= 255:
        faults.append(Fault("/ticket", "break_glass.ticket_missing", "must say where it is discussed"))
    if seconds_or_none(expires_at) is None or not now < expires_at <= plus(now, LONGEST_HOURS * 3600):
        said = f"must be a UTC instant (YYYY-MM-DDThh:mm:ssZ) after now, within {LONGEST_HOURS} hours"
        faults.append(Fault("/expires_at", "break_glass.end_invalid", said))
    return faults


def find(effects: Effects, request_id: str) -> Waiting:
    """Give a request that waits for signatures.

    Raises: break_glass.missing
    """
    name = effects.log.ref(refs.break_glass_request(request_id)) if len(request_id) <= 64 else None
    if name is None:
        raise GlassMissing(request=request_id[:80])
    signed = load(effects.store, name, BreakGlassSigned)
    return Waiting(signed.request, load(effects.store, signed.request, BreakGlassRequest), signed)


def to_sign(effects: Effects, request_id: str) -> bytes:
    """Build the statement that each of the two signs on their own machine: the request, by digest and value.

    Raises: break_glass.missing
    """
    found = find(effects, request_id)
    return statements.build("waiver", found.digest, KIND, (("break_glass_request", found.digest),), found.request)


def sign(effects: Effects, caller: Caller, envelope: bytes) -> Waiting:
    """Take one person's signature; the second one, of another person, sets the verdict aside.

    (1) the statement names a request that waits; (2) one person's key with purpose approve covers it; (3) that person
    has not signed yet, and the end lies ahead; (4) one entry notes it, or with the second makes the BreakGlass.

    Raises: attest.*, approval.not_signed, approval.person_unknown, personal.subjects_wrong, break_glass.*
    """
    statement = statements.parse(envelopes.parse(envelope, max_bytes=1 << 20).payload)
    name, _ = statements.content_of(statement, "waiver", BreakGlassRequest)
    found = find(effects, digest.uuid_of(name))  # (1)
    work = Work(effects, caller)
    given = personal.signed(work, envelope, [found.digest])  # (2)
    if given.person.id in found.signed.people:  # (3)
        raise GlassSelf(login=given.person.login)
    if found.request.expires_at <= work.now:
        raise GlassExpired(expires_at=found.request.expires_at)
    signed = BreakGlassSigned(
        request=found.digest,
        people=tuple(sorted({*found.signed.people, given.person.id})),
        envelopes=tuple(sorted({*found.signed.envelopes, given.envelope})),
    )
    ref = refs.break_glass_request(found.id)
    before = (work.save(found.signed),) if found.signed.people else ()  # admitted with the first signature
    beside = {"verifications": (given.verification,), "beside": (given.payload, found.digest, *before)}
    glass: Digest | None = None
    if len(signed.people) < PEOPLE:  # (4)
        kept = work.save(signed)
        work.note("break_glass.signed", kept, (work.move(ref, kept),), envelopes=(given.envelope,), **beside)
    else:
        glass = _break(work, found.request, signed, (ref, given.envelope), beside)
    work.commit()
    return Waiting(found.digest, found.request, signed, glass)


def _break(
    work: Work,
    asked: BreakGlassRequest,
    signed: BreakGlassSigned,
    second: tuple[str, Digest],
    beside: dict[str, tuple[Digest, ...]],
) -> Digest:
    """Make the act. ``second`` are the request's ref and the envelope of the second person."""
    ref, envelope = second
    glass = BreakGlass(
        request=signed.request,
        release=asked.release,
        environment=asked.environment,
        reason=asked.reason,
        ticket=asked.ticket,
        people=signed.people,
        signed_at=work.now,
        expires_at=asked.expires_at,
    )
    name = work.save(glass)
    sealed = seal_record(work.effects, "waiver", name, ())
    work.note(
        "break_glass.broken",
        name,
        (
            work.move(ref, None),
            work.move(refs.break_glass(asked.release, asked.environment), name),
            work.add(refs.break_glass_unreviewed(asked.environment), name),
        ),
        envelopes=(sealed, envelope),
        **beside,
    )
    return name


def review(
    effects: Effects, caller: Caller, glass: Digest, outcome: Literal["justified", "not_justified"], reason: str
) -> Broken:
    """Note that somebody who did not sign has looked at it; from then on it is no longer reported as open.

    Raises: break_glass.missing, break_glass.self, break_glass.invalid
    """
    found = _broken(effects, glass)
    if caller.actor in found.glass.people:
        raise GlassSelf(login=caller.login)
    if not 0 < len(reason.strip()) <= 65_536:
        said = Fault("/reason", "break_glass.reason_missing", "must say what was found")
        raise GlassInvalid(faults=(said,))
    work = Work(effects, caller)
    ref = refs.break_glass_unreviewed(found.glass.environment)
    members = work.members(ref)
    if glass not in members:
        raise GlassMissing(break_glass=glass, why="it has been reviewed")
    made = BreakGlassReview(
        break_glass=glass, outcome=outcome, reason=reason, by=caller.actor, at=work.now, nonce=effects.entropy.nonce()
    )
    name = work.save(made)
    left = HeadSet(members=tuple(one for one in members if one != glass))
    work.note("break_glass.reviewed", name, (work.move(ref, work.save(left)),), beside=(glass,))
    work.commit()
    return found


def _broken(effects: Effects, glass: Digest) -> Broken:
    if not is_digest(glass) or effects.log.admitted(glass) is None:
        raise GlassMissing(break_glass=glass[:80])
    return Broken(glass, load(effects.store, glass, BreakGlass))


def unreviewed(effects: Effects) -> tuple[Broken, ...]:
    """List what nobody has reviewed, in every environment, oldest first."""
    names = {
        member
        for _, head in effects.log.refs(refs.break_glass_unreviewed(""))
        if head
        for member in load(effects.store, head, HeadSet).members
    }
    found = (Broken(name, load(effects.store, name, BreakGlass)) for name in names)
    return tuple(sorted(found, key=lambda one: (one.glass.signed_at, one.digest)))


def waiting(effects: Effects) -> tuple[Waiting, ...]:
    """List the requests that wait for signatures, oldest first."""
    prefix = refs.break_glass_request("")
    found = [find(effects, ref.removeprefix(prefix)) for ref, name in effects.log.refs(prefix) if name]
    return tuple(sorted(found, key=lambda one: (one.request.requested_at, one.digest)))
