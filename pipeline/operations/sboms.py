"""SBOMs at hand: read as they would be when submitted, and signed as statements about images. Knows no generator."""

from collections.abc import Sequence

from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.evidence import SbomFacts
from pipeline.attest.wrapping import enclose
from pipeline.effects import Signer
from pipeline.formats.content import content
from pipeline.formats.opened import Opened, Refused, open_document
from pipeline.operations.attestations import sign_statement


class SbomUnreadable(Problem):
    """A document that should be an SBOM is none that we read."""

    code = "sbom.unreadable"
    category = Category.INVALID
    title = "The document is no SBOM that can be read"
    remedy = "Name an SBOM by the digest of its raw bytes, as stella evidence list shows it."


class SbomNotJson(Problem):
    """A statement's predicate is JSON; this SBOM is not."""

    code = "sbom.not_json"
    category = Category.UNSUPPORTED
    title = "This SBOM cannot be the predicate of a statement"
    remedy = "Submit the SBOM in JSON (CycloneDX or SPDX), then attest that one."


def read_sbom(data: bytes) -> tuple[Opened, SbomFacts]:
    """Read an SBOM as it would be read when submitted.

    Raises: sbom.unreadable
    """
    try:
        opened = open_document(data)
    except Refused as refused:
        raise SbomUnreadable(faults=refused.faults) from refused
    reading = opened.readings[0]
    facts = reading.format.read(opened.raw, reading.version) if reading.format.read is not None else None
    if not isinstance(facts, SbomFacts):
        raise SbomUnreadable(faults=(Fault("", "evidence.format_mismatch", f"{opened.name} is no SBOM"),))
    return opened, facts


def attest_sbom(data: bytes, subjects: Sequence[tuple[str, Digest]], signers: Sequence[Signer]) -> bytes:
    """Sign an in-toto Statement v1 about images whose predicate is the SBOM, byte for byte.

    The predicate type is the community's own: https://cyclonedx.org/bom or https://spdx.dev/Document.

    Raises: sbom.unreadable, sbom.not_json
    """
    opened, _ = read_sbom(data)
    if content(opened.raw).syntax != "json":
        raise SbomNotJson(format=opened.name)
    return sign_statement(enclose(opened.raw, subjects), signers)
