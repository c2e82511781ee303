"""What an SBOM asks of any feed: its packages by where feeds would speak of them. Must not know any feed."""

from typing import Final, NamedTuple

import msgspec

from cas.problems import RecordInvalid
from pipeline.versions.places import placed

_NOT_PACKAGES: Final = frozenset(
    {"operating-system", "operating_system", "file", "data", "cryptographic-asset", "device", "platform", "source"}
)


class Asking(msgspec.Struct, gc=False, frozen=True):
    """What matching needs of a package in an SBOM."""

    purl: str
    name: str
    version: str
    type: str
    pointer: str
    source: str = ""


class _Facts(msgspec.Struct, gc=False, tag_field="kind", tag="sbom_facts/1"):
    subjects: tuple[str, ...]
    packages: tuple[Asking, ...]


_FACTS: Final = msgspec.json.Decoder(_Facts)

Row = tuple[str, str, Asking]
"""A package's name and version as feeds spell them, and the package."""


class Spoken(NamedTuple):
    """Packages by the ecosystems that may speak of them, in order of asking; those without a place, with a code."""

    packages: int
    rows: dict[tuple[str, ...], list[Row]]
    unplaced: list[tuple[str, Asking]]


def spoken(data: bytes) -> Spoken:
    """Read SBOM facts, and find each package's place; what the document describes is no package in it.

    Raises: cas.record_invalid
    """
    try:
        facts = _FACTS.decode(data)
    except msgspec.DecodeError as error:
        raise RecordInvalid(kind="SbomFacts", reason=str(error)[:200]) from error
    subjects = frozenset(facts.subjects)
    rows: dict[tuple[str, ...], list[Row]] = {}
    unplaced: list[tuple[str, Asking]] = []
    for package in facts.packages:
        if not package.purl:
            if package.type not in _NOT_PACKAGES:
                unplaced.append(("package_without_purl", package))
            continue
        place, own, given = placed(package.purl, package.source)
        if given in subjects:
            continue
        ecosystems, names, reason, _ = place
        if reason:
            unplaced.append((reason, package))
            continue
        held = rows.get(ecosystems)
        if held is None:
            held = rows[ecosystems] = []
        for name, version in names:
            held.append((name, version or own or package.version, package))
    return Spoken(len(facts.packages), rows, unplaced)
