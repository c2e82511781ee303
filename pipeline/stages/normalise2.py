"""normalise/2: as normalise/1, but a package URL of an SBOM that names no package is none.

The package stays, by the name the document gives it; matching tells it as one without a purl.
"""

import msgspec

from cas.records.evidence import NormaliseInput, Package, SbomFacts
from pipeline.formats.format import Facts
from pipeline.stage import Stage, StageIO
from pipeline.stages import normalise as first
from pipeline.versions.nameless import nameless


def normalise(question: NormaliseInput, io: StageIO) -> Facts:
    """Read a document as the format named, ``name/version``.

    Raises: evidence.unreadable, cas.too_large
    """
    facts = first.normalise(question, io)
    if not isinstance(facts, SbomFacts) or not any(nameless(package.purl) for package in facts.packages):
        return facts
    packages = sorted(
        map(_named, facts.packages), key=lambda each: (each.purl, each.name, each.version, each.ref, each.pointer)
    )
    return msgspec.structs.replace(facts, packages=tuple(packages))


def _named(package: Package) -> Package:
    return msgspec.structs.replace(package, purl="") if nameless(package.purl) else package


NORMALISE2 = Stage("normalise", 2, NormaliseInput, first.NORMALISE.output, normalise)
