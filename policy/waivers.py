"""Waivers: accepted risks with an end. They mark findings; none is ever removed."""

from collections.abc import Iterable
from dataclasses import dataclass

from cas.digest import Digest
from cas.records.base import Instant
from cas.records.policy import Waiver
from policy.globs import matches


@dataclass(frozen=True, slots=True)
class Granted:
    """A waiver by its digest."""

    digest: Digest
    waiver: Waiver


def in_force(granted: Iterable[Granted], environment: str, as_of: Instant) -> dict[str, list[Granted]]:
    """Put waivers that count here and now under their vulnerability; at ``expires_at`` itself one counts no more."""
    found: dict[str, list[Granted]] = {}
    for one in granted:
        if one.waiver.environment in {"", environment} and as_of < one.waiver.expires_at:
            found.setdefault(one.waiver.vulnerability, []).append(one)
    return found


def covering(
    granted: dict[str, list[Granted]], names: Iterable[str], purl: str, digests: frozenset[Digest]
) -> Granted | None:
    """Give the waiver that covers a vulnerability in a package of an image: the one that lasts longest."""
    fitting = [
        one
        for name in names
        for one in granted.get(name, ())
        if (one.waiver.subject is None or one.waiver.subject in digests) and matches(one.waiver.component, purl)
    ]
    return max(fitting, key=lambda one: (one.waiver.expires_at, one.digest), default=None)
