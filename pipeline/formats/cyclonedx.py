"""CycloneDX JSON 1.2 to 1.7 as SBOM facts, each version judged by its own published schema. Must not know feeds."""

from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, SbomFacts
from pipeline.formats.cyclonedx_model import Bom, facts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format

NAME: Final = "cyclonedx-json"
VERSIONS: Final = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_BOM: Final = msgspec.json.Decoder(Bom)


def _place(above: str, at: int) -> str:
    return f"{above}/components/{at}"


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of a CycloneDX document.

    Raises: evidence.unreadable, cas.too_large
    """
    return facts(typed(data, _BOM, NAME), f"{NAME}/{version}", "", _place)


def _kind(content: Content) -> EvidenceKind | None:
    """Tell a document that lists vulnerabilities and no component: it is VEX, and no SBOM."""
    document = content.object
    described = (document.get("metadata") or {}).get("component") or {}
    empty = not document.get("components") and not described.get("components")
    return None if empty and document.get("vulnerabilities") else "sbom"


def _detects(content: Content) -> bool:
    document = content.object
    return document.get("bomFormat") == "CycloneDX" or (
        "bomFormat" in document and "specVersion" in document and "spdxVersion" not in document
    )


def _version(content: Content) -> str:
    return str(content.object.get("specVersion", ""))


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


ABOUT: Final = """
CycloneDX in JSON ([specification](https://cyclonedx.org/specification/overview/)). Each version is judged by its own
published schema, with `date-time`, `uri` and the other formats asserted. 2.0 and later are refused until they are read.

## What is read
| in the document | becomes |
|---|---|
| `components`, nested ones, and those inside `metadata.component` | packages: `bom-ref`, `group/name`, `version`, `type`, canonical `purl`, place |
| `hashes` | hashes, algorithms spelled in one way (`sha256`) |
| `licenses`: `expression`, `license.id`, else `license.name` | licences, each once |
| `dependencies[].dependsOn` | edges from reference to reference |
| `metadata.timestamp`, `metadata.tools` (either form), `serialNumber` | when, by what, under which name it was made |
| `metadata.component`: SHA-256 hash, purl, version, reference, name, Trivy's `ImageID` and `RepoDigest` | the image digests that the document names |
| Trivy's properties `SrcName`, `SrcVersion`, `SrcRelease`, `SrcEpoch` | the source package that advisories name |

`vulnerabilities` are another reading of the same document. Services, compositions, evidence, formulation, declarations,
annotations, cryptography and signatures (JSF) are kept in the raw document and not read.

## Large documents
From 4 MiB on, `components` and `dependencies` are judged some items at a time and never stand in memory as a whole. The
answers are the same; that no item comes twice is judged over digests.
"""  # noqa: E501 - rows of tables

CYCLONEDX: Final = Format(
    name=NAME,
    media_types=("application/vnd.cyclonedx+json",),
    schemas=tuple((version, f"bom-{version}.schema.json") for version in VERSIONS),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
    pieces=("components", "dependencies"),
    about=ABOUT,
)
