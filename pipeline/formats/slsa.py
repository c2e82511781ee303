"""What SLSA predicates say beside what every statement says: summaries of verification, provenance in full.

Further readings of in-toto statements: the statement counts as attestation or provenance whatever these find in it.
"""

from typing import Any, Final

import msgspec

from cas.digest import Digest, is_digest
from cas.records.attest import Material, ProvenanceFacts, VsaFacts
from cas.records.base import Pairs
from cas.records.evidence import EvidenceKind
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.in_toto import NAME as IN_TOTO
from pipeline.formats.in_toto import SLSA_02, SLSA_1
from pipeline.formats.instant import instant

VSA_02: Final = "https://slsa.dev/verification_summary/v0.2"
VSA_1: Final = "https://slsa.dev/verification_summary/v1"
_URI: Final = 4096
_MOST: Final = 20_000
_GIVEN: Final = ("gitCommit", "sha1", "sha256", "sha512")
_COMMITS: Final = ("gitCommit", "sha1")
_TYPES: Final = (("0.1", ""), ("1", ""))


class _Subject(msgspec.Struct, gc=False):
    name: str = ""
    digest: dict[str, str] | None = None


class _Statement(msgspec.Struct, gc=False, rename={"predicate_type": "predicateType"}):
    subject: tuple[_Subject, ...] | None = None
    predicate_type: str = ""
    predicate: msgspec.Raw = msgspec.Raw(b"{}")


class _Resource(msgspec.Struct, gc=False, rename="camel"):
    uri: str = ""
    name: str = ""
    digest: dict[str, str] | None = None
    entry_point: str = ""


class _Party(msgspec.Struct, gc=False):
    id: str = ""
    version: dict[str, str] | None = None


class _Vsa(msgspec.Struct, gc=False, rename="camel"):
    verifier: _Party | None = None
    time_verified: str = ""
    resource_uri: str = ""
    policy: _Resource | None = None
    input_attestations: tuple[_Resource, ...] | None = None
    verification_result: str = ""
    verified_levels: tuple[str, ...] | None = None
    dependency_levels: dict[str, int] | None = None
    slsa_version: str = ""
    policy_level: str = ""  # 0.2


class _Invocation(msgspec.Struct, gc=False, rename={"source": "configSource"}):
    source: _Resource | None = None


class _Complete(msgspec.Struct, gc=False):
    materials: bool = False


class _Metadata02(msgspec.Struct, gc=False, rename="camel"):
    build_invocation_id: str = ""
    build_finished_on: str = ""
    build_started_on: str = ""
    completeness: _Complete | None = None


class _Provenance02(msgspec.Struct, gc=False, rename="camel"):
    builder: _Party | None = None
    build_type: str = ""
    invocation: _Invocation | None = None
    materials: tuple[_Resource, ...] | None = None
    metadata: _Metadata02 | None = None


class _Workflow(msgspec.Struct, gc=False):
    ref: str = ""
    repository: str = ""
    path: str = ""


class _Parameters(msgspec.Struct, gc=False, rename="camel"):
    workflow: msgspec.Raw = msgspec.Raw(b"null")
    source: msgspec.Raw = msgspec.Raw(b"null")


class _Definition(msgspec.Struct, gc=False, rename="camel"):
    build_type: str = ""
    external_parameters: msgspec.Raw = msgspec.Raw(b"{}")
    resolved_dependencies: tuple[_Resource, ...] | None = None


class _Metadata1(msgspec.Struct, gc=False, rename="camel"):
    invocation_id: str = ""
    started_on: str = ""
    finished_on: str = ""


class _Details(msgspec.Struct, gc=False):
    builder: _Party | None = None
    metadata: _Metadata1 | None = None


class _Provenance1(msgspec.Struct, gc=False, rename="camel"):
    build_definition: _Definition | None = None
    run_details: _Details | None = None


_STATEMENT: Final = msgspec.json.Decoder(_Statement)
_VSA: Final = msgspec.json.Decoder(_Vsa)
_PROVENANCE_02: Final = msgspec.json.Decoder(_Provenance02)
_PROVENANCE_1: Final = msgspec.json.Decoder(_Provenance1)
_PARAMETERS: Final = msgspec.json.Decoder(_Parameters)
_WORKFLOW: Final = msgspec.json.Decoder(_Workflow)
_SOURCE: Final = msgspec.json.Decoder(_Resource)


def read_vsa(data: bytes, _version: str) -> VsaFacts:
    """Give what a verification summary says (SLSA VSA 0.2 and 1).

    Raises: evidence.unreadable, cas.too_large
    """
    statement = typed(data, _STATEMENT, IN_TOTO)
    said = typed(bytes(statement.predicate), _VSA, VSA_1)
    levels = {*(said.verified_levels or ()), *((said.policy_level,) if said.policy_level else ())}
    verifier, policy = said.verifier or _Party(), said.policy or _Resource()
    return VsaFacts(
        predicate_type=statement.predicate_type,
        subjects=_subjects(statement),
        verifier=fit(verifier.id, _URI),
        verifier_versions=_pairs(verifier.version),
        resource=fit(said.resource_uri, _URI),
        policy=fit(policy.uri, _URI),
        policy_digest=_digest(policy.digest),
        result=fit(said.verification_result, 32),
        levels=tuple(sorted(fit(each, 255) for each in levels)),
        dependency_levels=tuple(
            sorted(
                (fit(name, 255), count) for name, count in (said.dependency_levels or {}).items() if 0 <= count < 2**53
            )
        ),
        inputs=tuple(
            sorted({(fit(each.uri, _URI), _digest(each.digest)) for each in (said.input_attestations or ())[:_MOST]})
        ),
        slsa_version=fit(said.slsa_version, 32),
        created_at=instant(said.time_verified),
    )


def read_provenance(data: bytes, _version: str) -> ProvenanceFacts:
    """Give provenance in full (SLSA 0.2 and 1).

    Raises: evidence.unreadable, cas.too_large
    """
    statement = typed(data, _STATEMENT, IN_TOTO)
    made = _of_02 if statement.predicate_type == SLSA_02 else _of_1
    return made(statement, bytes(statement.predicate))


def _of_02(statement: _Statement, predicate: bytes) -> ProvenanceFacts:
    said = typed(predicate, _PROVENANCE_02, SLSA_02)
    source = (said.invocation or _Invocation()).source or _Resource()
    metadata = said.metadata or _Metadata02()
    repository, ref = split_source(source.uri)
    return ProvenanceFacts(
        predicate_type=statement.predicate_type,
        subjects=_subjects(statement),
        builder=fit((said.builder or _Party()).id, _URI),
        builder_versions=(),
        build_type=fit(said.build_type, _URI),
        invocation=fit(metadata.build_invocation_id, _URI),
        source=fit(source.uri, _URI),
        repository=repository,
        ref=ref,
        commit=_commit(source.digest),
        entry_point=fit(source.entry_point, 1024),
        materials=_materials(said.materials, "/predicate/materials"),
        complete=(metadata.completeness or _Complete()).materials,
        created_at=instant(metadata.build_finished_on) or instant(metadata.build_started_on),
    )


def _of_1(statement: _Statement, predicate: bytes) -> ProvenanceFacts:
    """As the build type says it: GitHub's and GitLab's workflow, the generic builder's source, else nothing."""
    said = typed(predicate, _PROVENANCE_1, SLSA_1)
    definition, details = said.build_definition or _Definition(), said.run_details or _Details()
    builder, metadata = details.builder or _Party(), details.metadata or _Metadata1()
    given = typed(bytes(definition.external_parameters), _PARAMETERS, SLSA_1)
    workflow, source = _workflow(bytes(given.workflow)), _source(bytes(given.source))
    written = workflow.repository or source.uri
    repository, ref = split_source(written)
    pinned = next(
        (one for one in definition.resolved_dependencies or () if split_source(one.uri)[0] == repository), None
    )
    return ProvenanceFacts(
        predicate_type=statement.predicate_type,
        subjects=_subjects(statement),
        builder=fit(builder.id, _URI),
        builder_versions=_pairs(builder.version),
        build_type=fit(definition.build_type, _URI),
        invocation=fit(metadata.invocation_id, _URI),
        source=fit(written, _URI),
        repository=repository,
        ref=fit(workflow.ref, 1024) or ref,
        commit=_commit(source.digest) or _commit(pinned.digest if pinned and repository else None),
        entry_point=fit(workflow.path, 1024),
        materials=_materials(definition.resolved_dependencies, "/predicate/buildDefinition/resolvedDependencies"),
        complete=False,
        created_at=instant(metadata.finished_on) or instant(metadata.started_on),
    )


def _workflow(raw: bytes) -> _Workflow:
    return typed(raw, _WORKFLOW, SLSA_1) if raw.startswith(b"{") else _Workflow()


def _source(raw: bytes) -> _Resource:
    return typed(raw, _SOURCE, SLSA_1) if raw.startswith(b"{") else _Resource()


def split_source(uri: str) -> tuple[str, str]:
    """Split ``git+https://host/repo@refs/heads/main`` into the repository without git+ and .git, and the ref."""
    text = fit(uri, _URI).removeprefix("git+")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "", text
    path, _, ref = rest.rpartition("@")
    if "/" not in path:  # no ref: at most a user before the host
        path, ref = rest, ""
    repository = (scheme + mark + path).rstrip("/").removesuffix(".git")
    return repository, ref


def _materials(given: tuple[_Resource, ...] | None, pointer: str) -> tuple[Material, ...]:
    return tuple(
        Material(uri=fit(one.uri, _URI), digest=_digest(one.digest), name=fit(one.name, 255), pointer=f"{pointer}/{at}")
        for at, one in enumerate((given or ())[:_MOST])
    )


def _commit(given: dict[str, str] | None) -> str:
    digests = given or {}
    return next((fit(digests[kind], 128).lower() for kind in _COMMITS if digests.get(kind)), "")


def _digest(given: dict[str, str] | None) -> str:
    """Give ``algorithm:hex`` by our order of algorithms and then by name; an empty digest pins nothing."""
    digests = given or {}
    kinds = (*_GIVEN, *sorted(digests))
    return next((f"{fit(kind, 64)}:{fit(digests[kind], 512)}" for kind in kinds if digests.get(kind)), "")


def _subjects(statement: _Statement) -> tuple[tuple[str, Digest], ...]:
    given = statement.subject or ()
    named = ((fit(each.name, 1024), "sha256:" + (each.digest or {}).get("sha256", "").lower()) for each in given)
    return tuple(sorted({(name, digest) for name, digest in named if is_digest(digest)}))


def _pairs(given: dict[str, str] | None) -> Pairs:
    return tuple(sorted((fit(name, 255), fit(text, 255)) for name, text in (given or {}).items()))


def _named(facts: Any) -> tuple[Digest, ...]:
    return tuple(sorted({digest for _, digest in facts.subjects}))


def _attestation(_content: Content) -> EvidenceKind:
    return "attestation"


def _version(content: Content) -> str:
    return "1" if str(content.object.get("_type", "")).endswith("/v1") else "0.1"


VSA: Final = Format(
    name="slsa-vsa",
    media_types=(),
    schemas=_TYPES,
    detects=lambda content: content.object.get("predicateType") in (VSA_02, VSA_1),
    version=_version,
    kind=_attestation,
    read=read_vsa,
    subjects=_named,
    within=IN_TOTO,
    about="A SLSA verification summary (0.2 and 1) inside an in-toto statement: verifier, resource, policy and its\n"
    "digest, result, verified levels (`policy_level` of 0.2 among them), levels of dependencies, input\n"
    "attestations. The gate `vsa/1` asks for it. What is not PASSED or FAILED is kept as written, and passes\n"
    "no gate.\n",
)

PROVENANCE: Final = Format(
    name="slsa-provenance",
    media_types=(),
    schemas=_TYPES,
    detects=lambda content: content.object.get("predicateType") in (SLSA_02, SLSA_1),
    version=_version,
    kind=_attestation,
    read=read_provenance,
    subjects=_named,
    within=IN_TOTO,
    about="SLSA provenance (0.2 and 1) in full: builder and its versions, source split into repository, ref and\n"
    "commit, entry point, and every material with its digest. The source is `invocation.configSource` (0.2),\n"
    "or `externalParameters.workflow` or `.source` (1) with the commit of the resolved dependency of that\n"
    "repository. The gate `provenance_source/1` asks for it. A material without a digest is not pinned.\n",
)
