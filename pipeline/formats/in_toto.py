"""In-toto statements 0.1 and 1, and the SLSA provenance (0.2, 1) that they carry. Must not verify anything.

A statement whose predicate is itself a document that we know (an SBOM, OpenVEX, a report) is opened: ``inner`` gives
the predicate's own bytes, which are then read as that document.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cas.digest import Digest, is_digest
from cas.problems import Fault
from cas.records.evidence import AttestationFacts, EvidenceKind
from pipeline.formats import schema
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant

NAME: Final = "in-toto"
_TYPES: Final = {"https://in-toto.io/Statement/v0.1": "0.1", "https://in-toto.io/Statement/v1": "1"}
SLSA_02: Final = "https://slsa.dev/provenance/v0.2"
SLSA_1: Final = "https://slsa.dev/provenance/v1"
_WRAPPED: Final = (
    "https://cyclonedx.org/bom",
    "https://spdx.dev/Document",
    "https://openvex.dev/ns",
    "https://stella-ops.org/attestations/reachability/",
    "https://stella-ops.org/attestations/runtime-observation/",
)


class _Subject(msgspec.Struct, gc=False):
    name: str = ""
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, gc=False, rename={"predicate_type": "predicateType"}):
    subject: tuple[_Subject, ...] = ()
    predicate_type: str = ""
    predicate: msgspec.Raw = msgspec.Raw()


class _Named(msgspec.Struct, gc=False):
    id: str = ""


class _Resource(msgspec.Struct, gc=False):
    uri: str = ""
    digest: dict[str, str] = {}


class _Invocation(msgspec.Struct, gc=False, rename={"source": "configSource"}):
    source: _Resource | None = None


class _Times(
    msgspec.Struct,
    gc=False,
    rename={
        "started_02": "buildStartedOn",
        "finished_02": "buildFinishedOn",
        "started_1": "startedOn",
        "finished_1": "finishedOn",
    },
):
    started_02: str = ""
    finished_02: str = ""
    started_1: str = ""
    finished_1: str = ""


class _Provenance02(msgspec.Struct, gc=False, rename="camel"):
    builder: _Named | None = None
    build_type: str = ""
    invocation: _Invocation | None = None
    materials: tuple[_Resource, ...] = ()
    metadata: _Times | None = None


class _Definition(msgspec.Struct, gc=False, rename="camel"):
    build_type: str = ""
    resolved_dependencies: tuple[_Resource, ...] = ()


class _Details(msgspec.Struct, gc=False):
    builder: _Named | None = None
    metadata: _Times | None = None


class _Provenance1(msgspec.Struct, gc=False, rename="camel"):
    build_definition: _Definition | None = None
    run_details: _Details | None = None


_STATEMENT: Final = msgspec.json.Decoder(_Statement)
_PROVENANCE_02: Final = msgspec.json.Decoder(_Provenance02)
_PROVENANCE_1: Final = msgspec.json.Decoder(_Provenance1)
_GIVEN: Final = ("gitCommit", "sha1", "sha256", "sha512")


def _digest_text(resource: _Resource) -> str:
    """Give ``algorithm:hex`` of a resource, by our order of algorithms and then by name."""
    kinds = (*_GIVEN, *sorted(resource.digest))
    return next((f"{kind}:{resource.digest[kind]}" for kind in kinds if kind in resource.digest), "")


def _slsa_02(raw: bytes) -> tuple[str, str, _Resource, _Times]:
    said = typed(raw, _PROVENANCE_02, SLSA_02)
    source = said.invocation.source if said.invocation and said.invocation.source else _Resource()
    if not source.uri and said.materials:
        source = said.materials[0]
    return (said.builder or _Named()).id, said.build_type, source, said.metadata or _Times()


def _slsa_1(raw: bytes) -> tuple[str, str, _Resource, _Times]:
    said = typed(raw, _PROVENANCE_1, SLSA_1)
    definition, details = said.build_definition or _Definition(), said.run_details or _Details()
    source = definition.resolved_dependencies[0] if definition.resolved_dependencies else _Resource()
    return (details.builder or _Named()).id, definition.build_type, source, details.metadata or _Times()


def read(data: bytes, _version_text: str) -> AttestationFacts:
    """Give what a statement says; who built what from where when its predicate is SLSA provenance.

    Raises: evidence.unreadable, cas.too_large
    """
    statement = typed(data, _STATEMENT, NAME)
    builder, build_type, source, times = "", "", _Resource(), _Times()
    if statement.predicate_type == SLSA_02:
        builder, build_type, source, times = _slsa_02(bytes(statement.predicate))
    elif statement.predicate_type == SLSA_1:
        builder, build_type, source, times = _slsa_1(bytes(statement.predicate))
    return AttestationFacts(
        predicate_type=statement.predicate_type,
        subjects=tuple(sorted(_digests(statement.subject))),
        builder=builder,
        build_type=build_type,
        source=fit(source.uri, 4096),
        source_digest=_digest_text(source),
        started_at=instant(times.started_02 or times.started_1),
        finished_at=instant(times.finished_02 or times.finished_1),
    )


def _digests(subjects: tuple[_Subject, ...]) -> set[tuple[str, Digest]]:
    named = ((each.name, "sha256:" + each.digest.get("sha256", "").lower()) for each in subjects)
    return {(name, digest) for name, digest in named if is_digest(digest)}


def inner(data: bytes) -> tuple[bytes, bool]:
    """Give the bytes of the predicate, as they stand in the statement, and whether its type says what document it is.

    Raises: evidence.unreadable, cas.too_large
    """
    statement = typed(data, _STATEMENT, NAME)
    return bytes(statement.predicate), statement.predicate_type.startswith(_WRAPPED)


def subjects(facts: Any) -> tuple[Digest, ...]:
    """List the SHA-256 digests of a statement's subjects."""
    return tuple(sorted({digest for _, digest in facts.subjects}))


def _detects(content: Content) -> bool:
    return str(content.object.get("_type", "")).startswith("https://in-toto.io/Statement/")


def _version(content: Content) -> str:
    named = str(content.object.get("_type", ""))
    return _TYPES.get(named, named.rpartition("/")[2])


def _kind(content: Content) -> EvidenceKind:
    return "provenance" if content.object.get("predicateType") in (SLSA_02, SLSA_1) else "attestation"


_PREDICATES: Final = {SLSA_02: "slsa_provenance_v0.2.json", SLSA_1: "slsa_provenance_v1.json"}


def _faults(content: Content) -> Iterable[Fault]:
    """Judge the predicate by the schema of its type; other predicates are only carried."""
    name = _PREDICATES.get(str(content.object.get("predicateType", "")))
    return schema.faults(name, content.object) if name else ()


IN_TOTO: Final = Format(
    name=NAME,
    media_types=("application/vnd.in-toto+json",),
    schemas=(("0.1", "in-toto-statement.json"), ("1", "in-toto-statement.json")),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=subjects,
    faults=_faults,
)
