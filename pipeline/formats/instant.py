"""Times as foreign documents write them, as our instants. Pure: no clock, no locale, no time-zone database."""

import re
from datetime import UTC, datetime
from typing import Final

_FORM: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,]\d+)?\s*([Zz]|[+-]\d\d:?\d\d)\Z"
)  # RFC 3339; fractions are cut off


def instant(text: str) -> str:
    """Give ``YYYY-MM-DDThh:mm:ssZ``, or the empty text when the document's time is none (or has no zone)."""
    found = _FORM.match(text.strip()) if text else None
    if not found:
        return ""
    day, time, zone = found.groups()
    if zone in "Zz":
        zone = "+00:00"
    try:
        at = datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")  # years before 1000 keep four digits
