"""As much of records as the index's rows need. Knows shapes only; what is read here was checked when it was admitted.

A field left out costs no time: of a large record, only what has a column is decoded.
"""

from typing import Any, Final

import msgspec

from cas.digest import Digest


class Excerpt(msgspec.Struct, frozen=True, gc=False, tag_field="kind"):
    """Some fields of one kind of record."""


class RunListed(msgspec.Struct, frozen=True, gc=False):
    """A Run that an entry lists."""

    stage: str
    output: str


class RefMoved(msgspec.Struct, frozen=True, gc=False):
    """A ref went from ``old`` to ``new``."""

    name: str
    old: str | None
    new: str | None


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """As much of entry/1 as rows need."""

    event: str
    record: str | None
    runs: tuple[RunListed, ...]
    moves: tuple[RefMoved, ...]
    actor: str
    when: str


class JudgedFinding(msgspec.Struct, frozen=True, gc=False):
    """A gate's finding."""

    code: str
    severity: str
    component: str
    purl: str
    vulnerability: str


class JudgedGate(msgspec.Struct, frozen=True, gc=False):
    """What a gate answered."""

    id: str
    gate: str
    enforcement: str
    status: str
    findings: tuple[JudgedFinding, ...]


class Judged(Excerpt, frozen=True, gc=False, tag="verdict/1"):
    """As much of verdict/1 as rows need: there are more of these than of anything else."""

    question: str
    assessment: str
    release: str
    environment: str
    policy: str | None
    purpose: str
    as_of: str
    outcome: str
    gates: tuple[JudgedGate, ...]
    valid_until: str


class Decided(Excerpt, frozen=True, gc=False, tag="decision/1"):
    """As much of decision/1 as rows need."""

    promotion: str
    verdict: str
    outcome: str
    as_of: str
    valid_until: str


class AssessedFinding(msgspec.Struct, frozen=True, gc=False):
    """A finding of an assessment, with every other name of its vulnerability."""

    component: str
    platform: str
    purl: str
    version: str
    vulnerability: str
    severity: str
    score_tenths: int | None
    sbom: str
    sbom_pointer: str
    vex: str
    waived_by: str | None
    open: bool
    new: bool
    epss: int | None
    kev_due: str
    advisory: str
    aliases: tuple[str, ...]


class Assessed(Excerpt, frozen=True, gc=False, tag="assessment/1"):
    """As much of assessment/1 as rows need."""

    question: str
    findings: tuple[AssessedFinding, ...]


class Pictured(Excerpt, frozen=True, gc=False, tag="assessment/2"):
    """As much of assessment/2 as rows need: its findings are in a picture that others may name too."""

    question: str
    picture: Digest


class PicturedFinding(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The first values of a finding's row in a picture, in their order."""

    component: str
    platform: str
    purl: str
    version: str
    vulnerability: str
    advisory: str
    aliases: tuple[str, ...]
    severity: str
    score_tenths: int | None
    vex: str
    waived_by: str | None
    open: bool
    new: bool
    epss: int | None
    kev: str
    kev_due: str
    sbom: int
    sbom_pointer: str


class Picture(Excerpt, frozen=True, gc=False, tag="picture/1"):
    """As much of picture/1 as rows need."""

    documents: tuple[Digest, ...]
    findings: tuple[PicturedFinding, ...]


class ListedPackage(msgspec.Struct, frozen=True, gc=False):
    """A package of an SBOM."""

    purl: str


class Listed(Excerpt, frozen=True, gc=False, tag="sbom_facts/1"):
    """As much of sbom_facts/1 as rows need."""

    packages: tuple[ListedPackage, ...]


class Attested(Excerpt, frozen=True, gc=False, tag="attestation_facts/1"):
    """As much of attestation_facts/1 as rows need."""

    builder: str
    source: str
    source_digest: str


class Stood(Excerpt, frozen=True, gc=False, tag="promotion_status/1"):
    """As much of promotion_status/1 as rows need."""

    promotion: Digest
    state: str
    verdict: Digest | None
    decision: Digest | None
    deployment: Digest | None
    packet: Digest | None
    approvals: tuple[Digest, ...]


KIND: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(msgspec.defstruct("Kind", [("kind", str)]))
ENTRY: Final = msgspec.json.Decoder(LogEntry)
