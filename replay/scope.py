"""What to take into a bundle: the records that a release, a promotion or a period comes down to. Must not copy."""

from collections.abc import Sequence

from cas import refs
from cas.digest import Digest, named_in
from cas.log import Log
from cas.problems import EntryMissing
from cas.records.base import Instant
from cas.records.promotion import Promotion, PromotionStatus
from cas.store import Reader, load


def of_release(log: Log, reader: Reader, name: str) -> tuple[Digest, ...]:
    """List a release, its verdicts everywhere, and all its promotions with what they led to.

    Raises: cas.entry_missing
    """
    release = _held(log, refs.release(name))
    found = {release, *(named for _, named in log.refs(refs.verdict(release, "")))}
    statuses = [(at, load(reader, at, PromotionStatus)) for _, at in log.refs(refs.promotion(""))]
    mine = [(at, each) for at, each in statuses if load(reader, each.promotion, Promotion).release == release]
    return tuple(sorted(found | _led_to(log, reader, mine)))


def of_promotion(log: Log, reader: Reader, uuid: str) -> tuple[Digest, ...]:
    """List what a promotion led to: its status with verdict, decision, approvals, deployment, packet.

    Raises: cas.entry_missing
    """
    at = _held(log, refs.promotion(uuid))
    return tuple(sorted(_led_to(log, reader, [(at, load(reader, at, PromotionStatus))])))


def of_period(log: Log, start: Instant, end: Instant) -> tuple[Digest, ...]:
    """List every record admitted from ``start`` on and before ``end``.

    Raises: cas.entry_missing when there is none
    """
    found = {entry.record for _, entry in log.read() if entry.record and start <= entry.when < end}
    if not found:
        raise EntryMissing(start=start, end=end)
    return tuple(sorted(found))


def _held(log: Log, ref: str) -> Digest:
    found = log.ref(ref)
    if found is None:
        raise EntryMissing(ref=ref)
    return found


def _led_to(log: Log, reader: Reader, statuses: Sequence[tuple[Digest, PromotionStatus]]) -> set[Digest]:
    """Gather statuses, and every record admitted since that names one of their deployments: plans, results, packets."""
    found = {name for at, status in statuses for name in (at, status.promotion)}
    deployments = {status.deployment for _, status in statuses if status.deployment is not None}
    if deployments:
        first = min(log.admitted(each) or 0 for each in deployments)
        records = (entry.record for _, entry in log.read(first) if entry.record is not None)
        found |= {each for each in records if each in deployments or deployments & named_in(reader.get(each))}
    return found
