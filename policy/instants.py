"""Instants as whole seconds and back. Knows the calendar; must not know what time it is."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cas.problems import Category, Problem
from cas.records.base import Instant

DAY: Final = 86_400
LATEST: Final = "9999-12-31T23:59:59Z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPELLED: Final = _EPOCH.replace(tzinfo=None)  # spells no zone behind the second
_SECOND: Final = timedelta(seconds=1)


class InstantInvalid(Problem):
    """A text has the form of an instant, but the calendar has no such day."""

    code = "policy.instant_invalid"
    category = Category.INVALID
    title = "Not an instant"
    remedy = "Write UTC instants as 2026-03-01T12:00:00Z, on days that exist."


@lru_cache(maxsize=4096)
def seconds(instant: Instant) -> int:
    """Count seconds since 1970 (UTC).

    Raises: policy.instant_invalid
    """
    try:
        if len(instant) != 20 or instant[10] != "T" or instant[19] != "Z":
            raise InstantInvalid(given=instant[:40])
        quick = _quick(instant)
        if quick is not None:
            return (quick - _EPOCH) // _SECOND
        return (
            datetime(
                int(instant[0:4]),
                int(instant[5:7]),
                int(instant[8:10]),
                int(instant[11:13]),
                int(instant[14:16]),
                int(instant[17:19]),
                tzinfo=UTC,
            )
            - _EPOCH
        ) // _SECOND
    except ValueError as error:
        raise InstantInvalid(given=instant[:40]) from error


def _quick(instant: Instant) -> datetime | None:
    """Read most instants at once: between these signs only digits are let through, never weeks or fractions."""
    if instant[4] + instant[7] + instant[13] + instant[16] != "--::":
        return None
    try:
        return datetime.fromisoformat(instant)
    except ValueError:
        return None


def seconds_or_none(text: str) -> int | None:
    """Count seconds of a foreign text, or None when it is no instant of ours."""
    try:
        return seconds(text)
    except InstantInvalid:
        return None


def of_seconds(count: int) -> Instant:
    """Write seconds since 1970 as an instant; what lies beyond the year 9999 is its last second."""
    try:
        at = _SPELLED + timedelta(seconds=count)
    except OverflowError:
        return LATEST
    return f"{at.isoformat()}Z"


def plus(instant: Instant, count: int) -> Instant:
    """Give the instant ``count`` seconds later."""
    return of_seconds(seconds(instant) + count)


def earliest_after(as_of: Instant, *candidates: Instant | None) -> Instant | None:
    """Give the first of some instants that lies after ``as_of``; None when there is none."""
    return min((at for at in candidates if at is not None and at > as_of), default=None)
