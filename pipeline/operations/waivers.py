"""Waivers: asked for by one person, approved by another with their own key, ended, listed. Must not know findings.

Nobody accepts a risk alone: who asks may not approve, and the approval is a signature over the request itself. Requests
and waivers are records that stay; a ref moves each once.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cas import canon, digest, refs
from cas.digest import Digest, is_digest
from cas.problems import Category, Fault, Problem
from cas.records.base import Instant
from cas.records.policy import Waiver, Waiver2, WaiverRequest
from cas.records.proof import HeadSet
from cas.records.report import ReachState, Severity
from cas.store import load
from pipeline.attest import envelope as envelopes
from pipeline.attest import statements
from pipeline.effects import Caller, Effects
from pipeline.operations import personal
from pipeline.operations.attestations import kind_of, seal_record
from pipeline.operations.work import Work
from policy.instants import DAY, plus, seconds_or_none

LONGEST_DAYS: Final = 366
Effect = Literal["suppress", "defer", "downgrade", "require_control"]
EFFECTS: Final = get_args(Effect)
_NAME: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")


class WaiverInvalid(Problem):
    """A waiver cannot be asked for so; ``faults`` lists why."""

    code = "waiver.invalid"
    category = Category.INVALID
    title = "The waiver is not valid"
    remedy = "Correct every fault listed."


class WaiverMissing(Problem):
    """There is no such waiver in force in the scope, or no such request that waits."""

    code = "waiver.missing"
    category = Category.MISSING
    title = "No such waiver"
    remedy = "List the waivers and the requests that wait: stella waiver list --waiting."


class WaiverSelf(Problem):
    """Who asked for a waiver may not approve it."""

    code = "waiver.self"
    category = Category.DENIED
    title = "Who asked may not approve"
    remedy = "Ask another person whose key the directory lists with purpose approve."


class WaiverExpired(Problem):
    """The end that was asked for has passed."""

    code = "waiver.expired"
    category = Category.CONFLICT
    title = "The waiver's end has passed"
    remedy = "Ask anew, with a later end."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. Scope: vulnerability, packages by purl glob, image, environment, release line; empty = any."""

    vulnerability: str
    reason: str
    ticket: str
    expires_at: Instant
    effect: Effect = "suppress"
    severity: Severity = "unknown"
    control: str = ""
    component: str = "*"
    environment: str = ""
    subject: str = ""
    line: str = ""
    while_version: str = ""
    while_reach: tuple[ReachState, ...] = ()


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that waits, by digest and value."""

    digest: Digest
    request: WaiverRequest

    @property
    def id(self) -> str:
        """The request's id."""
        return digest.uuid_of(self.digest)


@dataclass(frozen=True, slots=True)
class Granted:
    """A waiver by digest and value."""

    digest: Digest
    waiver: Waiver | Waiver2


def request(effects: Effects, caller: Caller, wanted: Wanted) -> Requested:
    """Ask that a risk be accepted until an end. Nothing changes until another person approves.

    Raises: waiver.invalid with all faults
    """
    work = Work(effects, caller)
    faults = _faults(work, wanted)
    if faults:
        raise WaiverInvalid(faults=tuple(faults))
    made = WaiverRequest(
        effect=wanted.effect,
        severity=wanted.severity if wanted.effect == "downgrade" else "unknown",
        control=wanted.control if wanted.effect == "require_control" else "",
        vulnerability=wanted.vulnerability,
        component=wanted.component,
        subject=wanted.subject or None,
        environment=wanted.environment,
        line=wanted.line,
        while_version=wanted.while_version,
        while_reach=tuple(sorted(set(wanted.while_reach))),
        reason=wanted.reason,
        ticket=wanted.ticket,
        requested_by=caller.actor,
        requested_at=work.now,
        expires_at=wanted.expires_at,
        nonce=effects.entropy.nonce(),
    )
    name = work.save(made)
    work.note("waiver.requested", name, (work.move(refs.waiver_request(digest.uuid_of(name)), name),))
    work.commit()
    return Requested(name, made)


def _faults(work: Work, wanted: Wanted) -> list[Fault]:
    end = seconds_or_none(wanted.expires_at)
    known = not wanted.environment or (
        len(wanted.environment) <= 128 and work.ref(refs.environment(wanted.environment)) is not None
    )
    rules = (
        (
            bool(_NAME.match(wanted.vulnerability)),
            "vulnerability",
            "name_invalid",
            "an id such as CVE-2024-1234",
        ),
        (1 <= len(wanted.component) <= 512, "component", "component_invalid", 'a purl glob; "*" means any package'),
        (known, "environment", "environment_unknown", "the name of an environment, or empty"),
        (not wanted.subject or is_digest(wanted.subject), "subject", "subject_invalid", "an image digest, or empty"),
        (len(wanted.line) <= 128, "line", "line_invalid", "a release line of at most 128 characters, or empty"),
        (len(wanted.while_version) <= 255, "while_version", "version_invalid", "at most 255 characters"),
        (set(wanted.while_reach) <= set(get_args(ReachState)), "while_reach", "reach_invalid", _states()),
        (0 < len(wanted.reason.strip()) <= 65_536, "reason", "reason_missing", "why, in at most 65536 characters"),
        (0 < len(wanted.ticket.strip()) <= 255, "ticket", "ticket_missing", "where it is discussed"),
        (wanted.effect in EFFECTS, "effect", "effect_invalid", f"one of {', '.join(EFFECTS)}"),
        (
            wanted.effect != "downgrade" or wanted.severity in {"high", "medium", "low", "negligible"},
            "severity",
            "severity_missing",
            "what it is lowered to: high, medium, low or negligible",
        ),
        (
            wanted.effect != "require_control" or 0 < len(wanted.control) <= 512,
            "control",
            "control_missing",
            "the predicate type or kind of the evidence that attests the control",
        ),
        (
            end is not None and work.now < wanted.expires_at <= plus(work.now, LONGEST_DAYS * DAY),
            "expires_at",
            "end_invalid",
            f"a UTC instant (YYYY-MM-DDThh:mm:ssZ) after now, within {LONGEST_DAYS} days",
        ),
    )
    return [Fault(f"/{field}", f"waiver.{code}", f"must be {what}") for holds, field, code, what in rules if not holds]


def _states() -> str:
    return f"states of reachability: {', '.join(get_args(ReachState))}"


def to_sign(effects: Effects, request_id: str) -> bytes:
    """Build the statement that an approver signs on their own machine: the request itself, by digest and value.

    Raises: waiver.missing
    """
    found = find(effects, request_id)
    return statements.build(
        "waiver", found.digest, "waiver_request/1", (("waiver_request", found.digest),), found.request
    )


def approve(effects: Effects, caller: Caller, envelope: bytes) -> Granted:
    """Let a request take effect: another person's signature over it makes the waiver, once.

    (1) the statement names a request that waits; (2) one person's key with purpose approve covers it; (3) that person
    is not who asked, and the end lies ahead; (4) one entry ends the request and adds the waiver to its scope.

    Raises: attest.*, approval.not_signed, approval.person_unknown, personal.subjects_wrong, waiver.*
    """
    statement = statements.parse(envelopes.parse(envelope, max_bytes=1 << 20).payload)
    name, _ = statements.content_of(statement, "waiver", WaiverRequest)
    found = find(effects, digest.uuid_of(name))  # (1)
    work = Work(effects, caller)
    signed = personal.signed(work, envelope, [found.digest])  # (2)
    asked = found.request
    if signed.person.id == asked.requested_by:  # (3)
        raise WaiverSelf(login=signed.person.login)
    if asked.expires_at <= work.now:
        raise WaiverExpired(expires_at=asked.expires_at)
    waiver = Waiver2(
        effect=asked.effect,
        severity=asked.severity,
        control=asked.control,
        vulnerability=asked.vulnerability,
        component=asked.component,
        subject=asked.subject,
        environment=asked.environment,
        line=asked.line,
        while_version=asked.while_version,
        while_reach=asked.while_reach,
        reason=asked.reason,
        ticket=asked.ticket,
        requested_by=asked.requested_by,
        approved_by=signed.person.id,
        expires_at=asked.expires_at,
        nonce=asked.nonce,
    )
    made = work.save(waiver)
    sealed = seal_record(effects, "waiver", made, ())
    work.note(  # (4)
        "waiver.granted",
        made,
        (
            work.move(refs.waiver_request(found.id), None),
            work.add(refs.waivers(asked.environment or "any"), made),
        ),
        envelopes=(sealed, signed.envelope),
        verifications=(signed.verification,),
        beside=(found.digest, signed.payload),
    )
    work.commit()
    return Granted(made, waiver)


def refuse(effects: Effects, caller: Caller, request_id: str) -> Requested:
    """End a request without effect; who asked may take it back so.

    Raises: waiver.missing
    """
    found = find(effects, request_id)
    work = Work(effects, caller)
    work.note("waiver.refused", found.digest, (work.move(refs.waiver_request(found.id), None),))
    work.commit()
    return found


def find(effects: Effects, request_id: str) -> Requested:
    """Give a request that waits.

    Raises: waiver.missing
    """
    name = effects.log.ref(refs.waiver_request(request_id)) if len(request_id) <= 64 else None
    if name is None:
        raise WaiverMissing(request=request_id[:80])
    return Requested(name, load(effects.store, name, WaiverRequest))


def waiting(effects: Effects) -> tuple[Requested, ...]:
    """List the requests that wait for an approval, oldest first."""
    found = (
        Requested(name, load(effects.store, name, WaiverRequest))
        for _, name in effects.log.refs(refs.waiver_request(""))
        if name
    )
    return tuple(sorted(found, key=lambda one: (one.request.requested_at, one.digest)))


def withdraw(effects: Effects, caller: Caller, waiver: Digest) -> Granted:
    """Take a waiver back before its end; its record stays.

    Raises: waiver.missing
    """
    work = Work(effects, caller)
    if not is_digest(waiver) or effects.log.admitted(waiver) is None:
        raise WaiverMissing(waiver=waiver[:80])
    held = read(effects, waiver)
    scope = held.environment or "any"
    members = work.members(refs.waivers(scope))
    if waiver not in members:
        raise WaiverMissing(waiver=waiver, scope=scope)
    left = HeadSet(members=tuple(name for name in members if name != waiver))
    work.note("waiver.withdrawn", waiver, (work.move(refs.waivers(scope), work.save(left)),))
    work.commit()
    return Granted(waiver, held)


def read(effects: Effects, waiver: Digest) -> Waiver | Waiver2:
    """Read a waiver of either kind.

    Raises: waiver.missing, cas.object_missing
    """
    data = effects.store.get(waiver)
    tag = kind_of(data)
    if tag not in {"waiver/1", "waiver/2"}:
        raise WaiverMissing(waiver=waiver)
    return canon.to_record(data, Waiver2) if tag == "waiver/2" else canon.to_record(data, Waiver)


def listed(effects: Effects, environment: str) -> tuple[Granted, ...]:
    """List waivers that may count in an environment, the ended ones too, soonest end first."""
    work_refs = dict.fromkeys((refs.waivers("any"), refs.waivers(environment)))
    heads = (effects.log.ref(name) for name in work_refs)
    names = sorted({member for head in heads if head for member in load(effects.store, head, HeadSet).members})
    found = (Granted(name, read(effects, name)) for name in names)
    return tuple(sorted(found, key=lambda one: (one.waiver.expires_at, one.digest)))
