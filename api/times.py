"""Instants as people and machines write them. Never asks what time it is."""

from datetime import UTC, datetime, timedelta

from cas.records.base import Instant

FORM = "%Y-%m-%dT%H:%M:%SZ"


def plus(instant: Instant, span: timedelta) -> Instant:
    """Give the instant that is ``span`` later."""
    return (datetime.strptime(instant, FORM).replace(tzinfo=UTC) + span).strftime(FORM)


def read(text: str) -> Instant:
    """Read an instant as people write one: a day, or ISO 8601; without an offset it is UTC.

    Raises: ValueError
    """
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).strftime(FORM)


def brief(instant: Instant) -> str:
    """Spell an instant for a column: local time with its offset, to the minute."""
    local = datetime.strptime(instant, FORM).replace(tzinfo=UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M %z}" if local.utcoffset() else f"{local:%Y-%m-%d %H:%MZ}"


def shown(instant: Instant) -> str:
    """Spell an instant for people: local time with its offset, then UTC, whose date is named where it is another.

    Where local time is UTC it stands once.
    """
    if not instant:
        return "-"
    read = datetime.strptime(instant, FORM).replace(tzinfo=UTC)
    local = read.astimezone()
    if not local.utcoffset():
        return f"{read:%Y-%m-%d %H:%M:%SZ}"
    utc = f"{read:%H:%M:%SZ}" if local.date() == read.date() else f"{read:%Y-%m-%d %H:%M:%SZ}"
    return f"{local:%Y-%m-%d %H:%M:%S %z} ({utc})"
