"""Waivers: granted with an end, withdrawn, listed. Must not know findings."""

import re
from dataclasses import dataclass
from typing import Final

from cas import refs
from cas.digest import Digest, is_digest
from cas.problems import Category, Fault, Problem
from cas.records.base import Instant
from cas.records.policy import Waiver
from cas.records.proof import HeadSet
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.attestations import seal_record
from pipeline.operations.work import Work
from policy.instants import DAY, plus, seconds_or_none

LONGEST_DAYS: Final = 366
_NAME: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")


class WaiverInvalid(Problem):
    """A waiver cannot be granted; ``faults`` lists why."""

    code = "waiver.invalid"
    category = Category.INVALID
    title = "The waiver is not valid"
    remedy = "Correct every fault listed."


class WaiverMissing(Problem):
    """There is no such waiver in force in the scope."""

    code = "waiver.missing"
    category = Category.MISSING
    title = "No such waiver"
    remedy = "List the waivers of the environment."


@dataclass(frozen=True, slots=True)
class Granted:
    """A waiver by digest and value."""

    digest: Digest
    waiver: Waiver


def grant(
    effects: Effects,
    caller: Caller,
    vulnerability: str,
    *,
    component: str,
    environment: str,
    reason: str,
    expires_at: Instant,
    subject: Digest | None = None,
    ticket: str = "",
) -> Granted:
    """Accept a risk until an end: one vulnerability, packages by purl glob, one environment (empty: any).

    Raises: waiver.invalid with all faults
    """
    work = Work(effects, caller)
    faults = _faults(work, vulnerability, component, environment, reason, expires_at)
    if subject is not None and not is_digest(subject):
        faults.append(Fault("/subject", "waiver.subject_invalid", "must be an image digest"))
    if faults:
        raise WaiverInvalid(faults=tuple(faults))
    waiver = Waiver(
        vulnerability=vulnerability,
        component=component,
        subject=subject,
        environment=environment,
        reason=reason,
        ticket=ticket[:255],
        approved_by=caller.actor,
        expires_at=expires_at,
        nonce=effects.entropy.nonce(),
    )
    name = work.save(waiver)
    sealed = seal_record(effects, "waiver", name, ())
    work.note("waiver.granted", name, (work.add(refs.waivers(environment or "any"), name),), envelopes=(sealed,))
    work.commit()
    return Granted(name, waiver)


def _faults(  # noqa: PLR0917 - the fields of a waiver
    work: Work, vulnerability: str, component: str, environment: str, reason: str, expires_at: str
) -> list[Fault]:
    faults = []
    if not _NAME.match(vulnerability):
        faults.append(Fault("/vulnerability", "waiver.name_invalid", "must be an identifier such as CVE-2024-1234"))
    if not 1 <= len(component) <= 512:
        faults.append(Fault("/component", "waiver.component_invalid", 'must be a purl glob; "*" means any package'))
    if environment and (len(environment) > 128 or work.ref(refs.environment(environment)) is None):
        faults.append(Fault("/environment", "waiver.environment_unknown", "no environment of this name"))
    if not reason.strip() or len(reason) > 65_536:
        faults.append(Fault("/reason", "waiver.reason_missing", "must say why, in at most 65536 characters"))
    if seconds_or_none(expires_at) is None or not work.now < expires_at <= plus(work.now, LONGEST_DAYS * DAY):
        message = f"must be a UTC instant (YYYY-MM-DDThh:mm:ssZ) after now, within {LONGEST_DAYS} days"
        faults.append(Fault("/expires_at", "waiver.end_invalid", message))
    return faults


def withdraw(effects: Effects, caller: Caller, waiver: Digest) -> None:
    """Take a waiver back before its end; its record stays.

    Raises: waiver.missing
    """
    work = Work(effects, caller)
    if not is_digest(waiver) or effects.log.admitted(waiver) is None:
        raise WaiverMissing(waiver=waiver[:80])
    scope = load(effects.store, waiver, Waiver).environment or "any"
    members = work.members(refs.waivers(scope))
    if waiver not in members:
        raise WaiverMissing(waiver=waiver, scope=scope)
    left = HeadSet(members=tuple(name for name in members if name != waiver))
    work.note("waiver.withdrawn", waiver, (work.move(refs.waivers(scope), work.save(left)),))
    work.commit()


def listed(effects: Effects, environment: str) -> tuple[Granted, ...]:
    """List waivers that may count in an environment, the ended ones too, soonest end first."""
    work_refs = dict.fromkeys((refs.waivers("any"), refs.waivers(environment)))
    heads = (effects.log.ref(name) for name in work_refs)
    names = sorted({member for head in heads if head for member in load(effects.store, head, HeadSet).members})
    found = (Granted(name, load(effects.store, name, Waiver)) for name in names)
    return tuple(sorted(found, key=lambda one: (one.waiver.expires_at, one.digest)))
