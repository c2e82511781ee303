"""What is not known, as the newest verdicts found it: ranked, with where it lies. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass

from cas import refs
from cas.digest import Digest
from cas.pictures import picture_of
from cas.records.base import Instant
from cas.records.release import Environment, Release
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.effects import Effects
from pipeline.operations import releases
from policy.pressure import Ranked, ranked

_VERDICTS = "verdict/"


@dataclass(frozen=True, slots=True)
class Found:
    """An unknown of a release in an environment, ranked."""

    release: str
    environment: str
    verdict: Digest
    as_of: Instant
    ranked: Ranked


def listed(effects: Effects, *, release: str = "", environment: str = "") -> tuple[Found, ...]:
    """List the unknowns of the newest verdicts, the most pressing first.

    Raises: release.missing
    """
    wanted = releases.find(effects, release)[1] if release else None
    found = [one for each in _verdicts(effects, wanted, environment) for one in _of(effects, *each)]
    return tuple(sorted(found, key=_order))


def _order(one: Found) -> tuple[int, int, str, str, str, str, str, str, str]:
    row = one.ranked.row
    return (
        -one.ranked.rank,
        -row.entropy,
        one.release,
        one.environment,
        row.reason,
        row.code,
        row.subject,
        row.evidence or "",
        row.pointer,
    )


def _verdicts(effects: Effects, release: Digest | None, environment: str) -> Iterator[tuple[Digest, Verdict]]:
    prefix = refs.verdict(release, "") if release else _VERDICTS
    for ref, name in effects.log.refs(prefix):
        if not environment or ref.rpartition("/")[2] == environment:
            yield name, load(effects.store, name, Verdict)


def _of(effects: Effects, name: Digest, verdict: Verdict) -> Iterator[Found]:
    picture = picture_of(verdict.assessment, effects.store.get)
    release = load(effects.store, verdict.release, Release).name
    environment = load(effects.store, verdict.environment, Environment).name
    for one in ranked(picture.unknowns, picture.findings):
        yield Found(release, environment, name, verdict.as_of, one)
