"""What an SBOM asks of any feed: its packages by where feeds would speak of them. Must not know any feed."""

from operator import itemgetter
from typing import Final, NamedTuple

from cas.canon import to_record
from cas.digest import Digest
from cas.records.evidence import Package, SbomFacts
from pipeline.feeds.branches import bucket
from pipeline.versions.ecosystem import place_of

_NOT_PACKAGES: Final = frozenset(
    {"operating-system", "operating_system", "file", "data", "cryptographic-asset", "device", "platform", "source"}
)


Row = tuple[str, str, str, Package]
"""The bucket of a package's name, that name and its version as feeds spell them, and the package."""


class Asked(NamedTuple):
    """Packages by the ecosystems that may speak of them, in order of asking; those without a place, with a code."""

    packages: int
    rows: dict[tuple[str, ...], list[Row]]
    unplaced: list[tuple[str, Package]]


def asked(data: bytes) -> Asked:
    """Read SBOM facts, and find each package's place; what the document describes is no package in it.

    Raises: cas.record_invalid
    """
    facts = to_record(data, SbomFacts)
    subjects: frozenset[Digest] = frozenset(facts.subjects)
    rows: dict[tuple[str, ...], list[Row]] = {}
    unplaced: list[tuple[str, Package]] = []
    for package in facts.packages:
        if not package.purl:
            if package.type not in _NOT_PACKAGES:
                unplaced.append(("package_without_purl", package))
            continue
        ecosystems, name, version, reason, given = place_of(package.purl, package.source)
        if given in subjects:
            continue
        if reason:
            unplaced.append((reason, package))
            continue
        held = rows.get(ecosystems)
        if held is None:
            held = rows[ecosystems] = []
        held.append((bucket(name), name, version or package.version, package))
    for held in rows.values():
        held.sort(key=itemgetter(0))  # neighbours share a branch of the feed
    return Asked(len(facts.packages), rows, unplaced)
