"""The directory of VEX issuers: what each class of source weighs where a table gives no vector of its own.

Vendor, distribution and internal follow the product's documents. Hub (a collection of others' claims, seldom re-run)
and attestation (signed by the instance that ran the analysis) were chosen between and above them; unverified claims
have no provenance. A table names its sources in order; the first whose signers fit counts.
"""

from typing import Final, Literal, TypeAlias

from cas.records.policy import VexSource

SourceClass: TypeAlias = Literal["vendor", "distro", "internal", "hub", "attestation", "unverified"]

VECTORS: Final[dict[SourceClass, tuple[int, int, int]]] = {
    "attestation": (900_000, 950_000, 900_000),
    "internal": (850_000, 950_000, 900_000),
    "vendor": (900_000, 700_000, 600_000),
    "distro": (800_000, 850_000, 600_000),
    "hub": (600_000, 600_000, 400_000),
    "unverified": (0, 700_000, 0),
}
"""Provenance, coverage, replayability of a class, in millionths."""


def source(source_class: SourceClass, signers: tuple[str, ...]) -> VexSource:
    """Give a source with the vector of its class."""
    provenance, coverage, replayability = VECTORS[source_class]
    return VexSource(
        source_class=source_class,
        signers=signers,
        provenance=provenance,
        coverage=coverage,
        replayability=replayability,
    )
