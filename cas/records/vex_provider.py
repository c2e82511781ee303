"""VEX providers: what is subscribed to, by what its signatures are held, and what was pulled. Knows no registry."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Part, Record, Slug

CosignMode = Literal["keyless", "keypair", "none"]


class VexFile(Part, frozen=True, kw_only=True):
    """An artifact as a configuration names it: its id, and the bytes that were there under it."""

    artifact: Slug
    payload: Digest


class VexRegistry(Part, frozen=True, kw_only=True):
    """The registry of a provider's own; empty ``host``: none, images are asked for where their names say.

    ``credential`` is a reference (``env:NAME``, ``file:/path``), never a secret. ``also`` names its other hosts.
    """

    host: str
    http: bool
    allow_http: bool
    allow_private: bool
    also: tuple[Name, ...]  # sorted
    credential: str
    ca: VexFile | None  # PEM certificates that its TLS is held to


class VexProvider(Record, frozen=True, kw_only=True, tag="vex_provider/1"):
    """How OpenVEX attestations of some images are fetched, and whose signature is expected on them.

    ``issuer`` and ``subject`` are globs (keyless); ``keys`` public keys (keypair); ``tuf_root`` a Sigstore
    trusted_root.json. What a provider's own key or root verifies is shown; what counts is the instance's trust.
    """

    id: Slug
    images: tuple[Name, ...]  # sorted
    mode: CosignMode
    issuer: str
    subject: str
    keys: tuple[VexFile, ...]  # sorted by artifact
    tuf_root: VexFile | None
    offline: bool
    registry: VexRegistry
    previous: Digest | None


class VexArtifact(Record, frozen=True, kw_only=True, tag="vex_artifact/1"):
    """A file handed over for a provider: a public key, a trusted root, certificates. Its id is of this record."""

    provider: Slug
    key: Slug  # the field that it was handed over for
    name: str
    payload: Digest
    size: Count
    created_by: ActorId
    created_at: Instant
    nonce: Nonce


class PulledStatement(Part, frozen=True, kw_only=True):
    """A document that was found beside an image, and how it stands by the provider's own configuration.

    ``unsigned``: no signature that covers the image, or none by whom the provider names; ``unchecked``: the provider
    checks nothing.
    """

    image: Name
    subject: Digest
    manifest: Digest
    document: Digest
    status: Literal["verified", "unsigned", "bad", "unchecked"]
    verification: Digest | None


class VexPull(Record, frozen=True, kw_only=True, tag="vex_pull/1"):
    """What one look at a provider's images found: every statement, whatever its signature is worth."""

    provider: Digest  # VexProvider
    at: Instant
    layout: bool  # from a layout at hand, not from a registry
    images: tuple[tuple[str, Digest], ...]  # (as subscribed, digest), sorted
    statements: tuple[PulledStatement, ...]  # in the order found
    skipped: Count  # attached documents that are no VEX about their image
