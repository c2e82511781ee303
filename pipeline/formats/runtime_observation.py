"""Our runtime observation, version 1: what a sensor saw of packages and functions while an image ran."""

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from cas.digest import Digest
from cas.problems import Fault
from cas.records.evidence import EvidenceKind
from cas.records.report import ReachFacts, ReachTarget
from pipeline.formats.call_graph import FULL, shortened
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.versions import purl

NAME: Final = "stella-runtime"
_PREFIX: Final = "https://stella-ops.org/attestations/runtime-observation/v"
_UNSEEN: Final = 500_000
"""How sure not having seen something makes, where the sensor does not say."""


class _Sensor(msgspec.Struct, gc=False):
    name: str = ""
    version: str = ""


class _Observation(msgspec.Struct, gc=False):
    level: Literal["none", "present", "loaded", "called"]
    vulnerability: str = ""
    aliases: tuple[str, ...] = ()
    purl: str = ""
    symbol: str = ""
    path: tuple[str, ...] = ()
    confidence: int | None = None


class _Observed(msgspec.Struct, gc=False):
    sensor: _Sensor
    to: str = ""
    subjects: tuple[Digest, ...] = ()
    observations: tuple[_Observation, ...] = ()


_OBSERVED: Final = msgspec.json.Decoder(_Observed)


def _target(seen: _Observation, at: int) -> ReachTarget:
    """Read one observation.

    Called is observed. Loaded is observed of the package only: whether the vulnerable function ran nobody saw. On disk
    only, or not there, is unobserved.
    """
    names = tuple(sorted({fit(name, 255) for name in (seen.vulnerability, *seen.aliases)} - {""}))
    url = (purl.canonical(seen.purl) or seen.purl) if seen.purl else ""
    loaded, used = seen.level == "loaded", seen.level in {"loaded", "called"}
    sure = seen.confidence if seen.confidence is not None else FULL if used else _UNSEEN
    nothing = loaded and not url
    return ReachTarget(
        names=() if loaded and url else names,
        purl=url,
        symbol=seen.symbol,
        said="unknown" if nothing else "observed" if used else "unobserved",
        path=shortened(seen.path),
        confidence=0 if nothing else sure,
        pointer=f"/observations/{at}",
    )


def read(data: bytes, version: str) -> ReachFacts:
    """Give what was observed.

    Raises: evidence.unreadable, cas.too_large
    """
    observed = typed(data, _OBSERVED, NAME)
    targets = [_target(seen, at) for at, seen in enumerate(observed.observations)]
    targets.sort(key=lambda each: (each.names, each.purl, each.symbol, each.said, each.pointer))
    return ReachFacts(
        format=f"{NAME}/{version}",
        tool=fit(observed.sensor.name, 255),
        tool_version=fit(observed.sensor.version, 255),
        created_at=instant(observed.to),
        subjects=tuple(sorted(set(observed.subjects))),
        method="runtime",
        complete=False,
        graph=None,
        nodes=0,
        edges=0,
        targets=tuple(targets),
    )


def _faults(content: Content) -> Iterator[Fault]:
    start, end = instant(content.object["from"]), instant(content.object["to"])
    if start and end and end < start:
        yield Fault("/to", "evidence.reachability.window", "the observation ends before it begins")


def _detects(content: Content) -> bool:
    return str(content.object.get("schema", "")).startswith(_PREFIX)


def _version(content: Content) -> str:
    return str(content.object.get("schema", "")).removeprefix(_PREFIX)


def _kind(_content: Content) -> EvidenceKind:
    return "reachability"


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


FORMAT: Final = Format(
    name=NAME,
    media_types=("application/vnd.stella.runtime-observation+json",),
    schemas=(("1", "stella-runtime-1.schema.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
    faults=_faults,
    about="""What a sensor saw while an image ran: [reachability](../../reachability.md). Refused when it ends
before it begins.""",
)
