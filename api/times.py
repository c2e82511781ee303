"""Instants as people and machines write them. Never asks what time it is."""

from datetime import UTC, datetime, timedelta

from cas.records.base import Instant

FORM = "%Y-%m-%dT%H:%M:%SZ"


def plus(instant: Instant, span: timedelta) -> Instant:
    """Give the instant that is ``span`` later."""
    return (datetime.strptime(instant, FORM).replace(tzinfo=UTC) + span).strftime(FORM)


def shown(instant: Instant) -> str:
    """Spell an instant for people: local time with its offset, then UTC."""
    if not instant:
        return "-"
    read = datetime.strptime(instant, FORM).replace(tzinfo=UTC)
    return f"{read.astimezone():%Y-%m-%d %H:%M:%S %z} ({instant})"
