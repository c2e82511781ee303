"""normalise/1: a raw document becomes facts. Must not know who submitted it, nor what it is bound to."""

from cas.records.attest import ProvenanceFacts, SignatureFacts, VsaFacts
from cas.records.evidence import AttestationFacts, NormaliseInput, SbomFacts, VexFacts
from cas.records.report import CoverageFacts, GenericFacts, ReachFacts, ReportFacts, TestFacts
from pipeline.formats.format import Facts
from pipeline.formats.problems import DocumentUnreadable
from pipeline.stage import Stage, StageIO


def normalise(question: NormaliseInput, io: StageIO) -> Facts:
    """Read a document as the format named, ``name/version``.

    Raises: evidence.unreadable, cas.too_large
    """
    from pipeline.formats.catalog import named  # noqa: PLC0415 - some hundred modules: only who reads a document waits

    name, _, version = question.format.partition("/")
    known = named(name)
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
