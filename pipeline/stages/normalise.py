"""normalise/1: a raw document becomes facts. Must not know who submitted it, nor what it is bound to."""

from cas.records.attest import ProvenanceFacts, SignatureFacts, VsaFacts
from cas.records.evidence import AttestationFacts, NormaliseInput, SbomFacts, VexFacts
from cas.records.report import CoverageFacts, GenericFacts, ReachFacts, ReportFacts, TestFacts
from pipeline.formats.format import Facts, Format
from pipeline.formats.problems import DocumentUnreadable
from pipeline.stage import Stage, StageIO


def _named(name: str) -> Format | None:
    """Give a format by its name; the most frequent one without reading the modules of the hundred others."""
    from pipeline.formats.cyclonedx import CYCLONEDX  # noqa: PLC0415 - only who reads a document waits

    if name == CYCLONEDX.name:
        return CYCLONEDX
    from pipeline.formats.catalog import named  # noqa: PLC0415

    return named(name)


def normalise(question: NormaliseInput, io: StageIO) -> Facts:
    """Read a document as the format named, ``name/version``.

    Raises: evidence.unreadable, cas.too_large
    """
    name, _, version = question.format.partition("/")
    known = _named(name)
    if known is None or known.read is None or known.schema(version) is None:
        raise DocumentUnreadable(format=question.format, reason="no such format")
    return known.read(io.read(question.raw), version)


NORMALISE = Stage(
    "normalise",
    1,
    NormaliseInput,
    (
        SbomFacts,
        VexFacts,
        AttestationFacts,
        ReportFacts,
        TestFacts,
        CoverageFacts,
        ReachFacts,
        GenericFacts,
        SignatureFacts,
        VsaFacts,
        ProvenanceFacts,
    ),
    normalise,
)
