"""Every foreign format, in order of asking. A newcomer adds a line."""

from typing import Final

from pipeline.formats import csaf, cyclonedx_vex, cyclonedx_vex_xml, reachability, runtime_observation
from pipeline.formats.cyclonedx import CYCLONEDX
from pipeline.formats.dsse import DSSE
from pipeline.formats.format import Format
from pipeline.formats.in_toto import IN_TOTO
from pipeline.formats.openvex import OPENVEX
from pipeline.formats.osv import OSV
from pipeline.formats.spdx2 import SPDX2

FORMATS: Final[tuple[Format, ...]] = (
    DSSE,
    IN_TOTO,
    CYCLONEDX,
    SPDX2,
    OPENVEX,
    csaf.FORMAT,
    OSV,
    cyclonedx_vex.VEX,
    cyclonedx_vex.VULNERABILITIES,
    cyclonedx_vex.STACKS,
    cyclonedx_vex_xml.VEX,
    cyclonedx_vex_xml.VULNERABILITIES,
    cyclonedx_vex_xml.STACKS,
    reachability.FORMAT,
    runtime_observation.FORMAT,
)


def named(name: str) -> Format | None:
    """Give a format by its name without version, further readings included."""
    return next((each for each in FORMATS if each.name == name), None)
