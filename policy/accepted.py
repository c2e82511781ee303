"""Which waiver wins for a finding, and what it does. Knows waivers of both kinds; must not know gates.

One waiver wins: the narrowest scope first (an image, a package without glob, a release line, an environment), then the
one that lasts longest, then by digest. A waiver marks a finding and never removes it; its conditions carry it to later
releases only while they hold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cas.digest import Digest
from cas.records.base import Instant
from cas.records.picture import Effect, Reach
from cas.records.policy import Waiver, Waiver2
from cas.records.verdict import SeverityLabel
from policy.globs import matches

RANKS: Final[tuple[SeverityLabel, ...]] = ("unknown", "critical", "high", "medium", "low", "negligible")
"""Worst first; what is not known is held for the worst."""

_MOST: Final = {"critical": 100, "high": 89, "medium": 69, "low": 39, "negligible": 0}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A waiver by its digest."""

    digest: Digest
    waiver: Waiver | Waiver2

    @property
    def effect(self) -> Effect:
        """What it does; the first kind of waivers suppresses."""
        return self.waiver.effect if isinstance(self.waiver, Waiver2) else "suppress"

    @property
    def control(self) -> str:
        """What it demands to be in place."""
        return self.waiver.control if isinstance(self.waiver, Waiver2) else ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The finding that a waiver is looked for."""

    names: frozenset[str]
    purl: str
    version: str
    digests: frozenset[Digest]
    reach: Reach


def in_force(granted: Iterable[Accepted], environment: str, line: str, as_of: Instant) -> dict[str, list[Accepted]]:
    """Put waivers that count here and now under their vulnerability; at ``expires_at`` itself one counts no more."""
    found: dict[str, list[Accepted]] = {}
    for one in granted:
        lines = {"", line} if isinstance(one.waiver, Waiver2) else {""}
        own = one.waiver.line if isinstance(one.waiver, Waiver2) else ""
        if one.waiver.environment in {"", environment} and own in lines and as_of < one.waiver.expires_at:
            found.setdefault(one.waiver.vulnerability, []).append(one)
    return found


def winner(granted: Mapping[str, list[Accepted]], spoken: Spoken) -> Accepted | None:
    """Give the one waiver that counts for a finding; None when none covers it."""
    fitting = {one.digest: one for name in spoken.names for one in granted.get(name, ()) if _covers(one, spoken)}
    return max(fitting.values(), key=_rank, default=None)


def _covers(one: Accepted, spoken: Spoken) -> bool:
    waiver = one.waiver
    if waiver.subject is not None and waiver.subject not in spoken.digests:
        return False
    if isinstance(waiver, Waiver2):
        if waiver.while_version and waiver.while_version != spoken.version:
            return False
        if waiver.while_reach and spoken.reach.state not in waiver.while_reach:
            return False
    return matches(waiver.component, spoken.purl)


def _rank(one: Accepted) -> tuple[bool, bool, bool, bool, Instant, Digest]:
    waiver = one.waiver
    exact = not {"*", "?"} & set(waiver.component)
    line = isinstance(waiver, Waiver2) and bool(waiver.line)
    return (waiver.subject is not None, exact, line, bool(waiver.environment), waiver.expires_at, one.digest)


def closes(one: Accepted, controls: frozenset[str]) -> bool:
    """Tell whether a waiver closes the finding: one that requires a control only while evidence attests it."""
    if one.effect == "require_control":
        return one.control in controls
    return one.effect in {"suppress", "defer"}


def lowered(one: Accepted | None, severity: SeverityLabel, tenths: int | None) -> tuple[SeverityLabel, int | None]:
    """Give the severity and score that count; a waiver lowers, it never raises."""
    if one is None or not isinstance(one.waiver, Waiver2) or one.effect != "downgrade":
        return severity, tenths
    wanted = one.waiver.severity
    if wanted == "unknown" or RANKS.index(wanted) <= RANKS.index(severity):
        return severity, tenths
    return wanted, None if tenths is None else min(tenths, _MOST[wanted])
