"""Sigstore's trust and answers, and what signatures, verification summaries and provenance say beside who signed."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import Count, Name, Pairs, Part, Record, Slug
from cas.records.proof import Purpose


class SigstoreIdentity(Part, frozen=True, kw_only=True):
    """Globs of whom an instance of Sigstore may vouch for here; the two are matched apart."""

    issuer: Name
    identity: Name


class SigstoreRoot(Part, frozen=True, kw_only=True):
    """A Sigstore instance that is trusted: ``root`` is its trusted_root.json, byte for byte as it was handed over.

    It vouches for the ``identities`` only: a public instance gives certificates to everybody in the world.
    """

    name: Slug
    root: Digest
    identities: tuple[SigstoreIdentity, ...]  # sorted, at least one


class SigstoreTrust(Record, frozen=True, kw_only=True, tag="sigstore_trust/1"):
    """Whose certificates and logs count: the public good instance, private ones. Changed only under the trust root."""

    version: Count
    roots: tuple[SigstoreRoot, ...]  # sorted by name
    previous: Digest | None


class SigstoreInput(Record, frozen=True, kw_only=True, tag="verify_sigstore_input/1"):
    """The question of verify_sigstore/1: who signed this bundle, or cosign signature?

    Certificates are held against ``sigstore``; plain keys against ``trust_root`` and ``directory`` as verify/1 does,
    at a log position. No identity is asked for here: policy asks for identities.
    """

    bundle: Digest
    sigstore: Digest | None  # SigstoreTrust
    trust_root: Digest
    directory: Digest | None
    position: Count
    purpose: Purpose
    subjects: tuple[Digest, ...]  # digests that it must cover; empty = any


class SigstoreCheck(Record, frozen=True, kw_only=True, tag="sigstore_check/1"):
    """What became of a bundle's certificate and log entry; kept beside the Verification that says it in short.

    ``failed`` names the step that did not hold, empty when all did. Issuer, identity and claims are those of a
    certificate that was verified; of any other they say nothing and are empty.
    """

    bundle: Digest
    status: Literal["verified", "bad", "unknown"]  # unknown: no trusted instance issued this certificate
    failed: Literal[
        "",
        "bundle",
        "certificate",
        "certificate_profile",
        "certificate_timestamp",
        "log_entry",
        "log_entry_of_another",
        "not_trusted",
        "signature",
        "time",
    ]
    listed: bool  # the trusted instance may vouch for this identity here
    instance: str  # name of the trusted root that decided, or empty
    trusted_root: Digest | None
    issuer: str
    identity: str
    claims: Pairs  # build_signer_uri, source_repository_uri, … as the certificate's extensions say
    certificate: str  # hex SHA-256 of the DER
    signed_at: str  # Instant by log or timestamp authority, or empty
    timed_by: Literal["", "log", "timestamp_authority"]
    log_id: str  # hex
    log_index: Count | None


class SignatureFacts(Record, frozen=True, kw_only=True, tag="signature_facts/1"):
    """A signature as a document of its own: over an image (cosign), or over a file that is named by digest only.

    ``reference`` and ``annotations`` are the signer's words about the image.
    """

    format: Name
    subjects: tuple[Digest, ...]
    reference: str
    annotations: Pairs
    keyless: bool  # made with a certificate, not with a key that somebody keeps
    logged: bool  # a transparency log's word travels along
    created_at: str


class VsaFacts(Record, frozen=True, kw_only=True, tag="vsa_facts/1"):
    """A SLSA verification summary: who verified what by which policy, and how far it got."""

    predicate_type: str
    subjects: tuple[tuple[str, Digest], ...]  # (name, digest), sorted
    verifier: str
    verifier_versions: Pairs
    resource: str
    policy: str
    policy_digest: str  # algorithm:hex
    result: str  # PASSED or FAILED
    levels: tuple[str, ...]  # as written, sorted: SLSA_BUILD_LEVEL_3, …
    dependency_levels: tuple[tuple[str, Count], ...]
    inputs: tuple[tuple[str, str], ...]  # (uri, algorithm:hex) of the attestations it rests on, sorted
    slsa_version: str
    created_at: str


class Material(Part, frozen=True, kw_only=True):
    """What went into a build. ``digest`` is algorithm:hex, empty when the provenance does not pin it."""

    uri: str
    digest: str
    name: str
    pointer: str


class ProvenanceFacts(Record, frozen=True, kw_only=True, tag="provenance_facts/1"):
    """SLSA provenance in full: builder, source with ref and commit, parameters that steer the build, every material."""

    predicate_type: str
    subjects: tuple[tuple[str, Digest], ...]  # (name, digest), sorted
    builder: str
    builder_versions: Pairs
    build_type: str
    invocation: str
    source: str  # as written
    repository: str  # the source without ref and without git+
    ref: str  # refs/heads/main; empty when not told
    commit: str  # hex; empty when not told
    entry_point: str  # workflow or config file
    materials: tuple[Material, ...]  # in the order written
    complete: bool  # the provenance itself claims that all materials are listed
    created_at: str
