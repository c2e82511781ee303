"""Every foreign format, in order of asking. A newcomer adds a line."""

from typing import Final

from pipeline.formats.cyclonedx import CYCLONEDX
from pipeline.formats.cyclonedx_xml import CYCLONEDX_XML
from pipeline.formats.dsse import DSSE
from pipeline.formats.format import Format
from pipeline.formats.in_toto import IN_TOTO
from pipeline.formats.openvex import OPENVEX
from pipeline.formats.osv import OSV
from pipeline.formats.spdx2 import SPDX2
from pipeline.formats.spdx2_rdf import SPDX2_RDF
from pipeline.formats.spdx2_tag_value import SPDX2_TAG_VALUE
from pipeline.formats.spdx3 import SPDX3

FORMATS: Final[tuple[Format, ...]] = (
    DSSE,
    IN_TOTO,
    CYCLONEDX,
    CYCLONEDX_XML,
    SPDX2,
    SPDX2_TAG_VALUE,
    SPDX2_RDF,
    SPDX3,
    OPENVEX,
    OSV,
)


def named(name: str) -> Format | None:
    """Give a format by its name without version, further readings included."""
    return next((each for each in FORMATS if each.name == name), None)
