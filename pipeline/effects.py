"""Effects: all that operations may touch, as protocols. Concrete adapters are named only in api/wiring.py."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from cas.digest import Digest
from cas.log import Log
from cas.problems import Category, Problem
from cas.records.base import ActorId, Instant, Nonce
from cas.records.proof import Key
from cas.records.release import Target
from cas.store import Store
from pipeline.engines import NO_ENGINES, Engines


class Clock(Protocol):
    """The instance's clock."""

    def now(self) -> Instant:
        """Give the instant, whole seconds, UTC."""
        ...


class Entropy(Protocol):
    """Captured randomness."""

    def nonce(self) -> Nonce:
        """Give 128 fresh random bits in hex."""
        ...

    def token(self) -> str:
        """Give 256 fresh random bits, URL-safe."""
        ...


class Signer(Protocol):
    """Holds one private key; it never leaves. RSA is PKCS#1 v1.5 (RS256), P-256 is RFC 6979."""

    @property
    def key(self) -> Key:
        """The public side."""
        ...

    @property
    def ref(self) -> str:
        """The name people know the key by; never used to find trust."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign bytes. Ed25519: 64 bytes; ECDSA: DER; RSA: the modulus' length."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """A manifest as served: hashed by us, never trusted by header."""

    data: bytes
    media_type: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry as a record of ours tells of it: what may be talked to, and how. Settings may still forbid its hosts.

    ``credential`` gives (user, password) at the moment of use; ``ca_file`` names certificates that TLS is held to.
    """

    host: str
    http: bool = False
    allow_http: bool = False
    allow_private: bool = False
    also: tuple[str, ...] = ()
    credential: Callable[[], tuple[str, str]] | None = None
    ca_file: str = ""


class ImageSource(Protocol):
    """Where images come from: an OCI registry or an OCI image layout."""

    def manifest(self, repository: str, reference: str) -> Fetched:
        """Fetch a manifest or index by tag or digest; 4 MiB at most.

        Raises: registry.* problems
        """
        ...

    def blob(self, repository: str, digest: Digest) -> Iterator[bytes]:
        """Stream a blob."""
        ...

    def attached(self, repository: str, subject: Digest) -> tuple[Digest, ...]:
        """List manifests that are attached to a manifest: those that refer to it, and those that a tag says so of.

        Raises: registry.* problems
        """
        ...


class SbomGenerator(Protocol):
    """Makes SBOMs of what lies on this machine: an unpacked directory, or an OCI layout of one image."""

    @property
    def tool(self) -> tuple[str, str]:
        """Name and version.

        Raises: scan.generator_missing
        """
        ...

    def configuration(self) -> str:
        """Give its settings in its own words.

        Raises: scan.failed
        """
        ...

    def arguments(self, kind: str, name: str, version: str, form: str) -> tuple[str, ...]:
        """Give the arguments for ``generate``, ``{source}`` standing for the path. ``kind``: directory or image.

        Raises: scan.format_unknown
        """
        ...

    def generate(self, arguments: tuple[str, ...], path: str) -> bytes:
        """Make the document.

        Raises: scan.generator_missing, scan.failed
        """
        ...


class TargetAdapter(Protocol):
    """See targets.contract.Adapter; named here so that pipeline needs no concrete one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: a pseudonym, and the login people know."""

    actor: ActorId
    login: str


class SecretMissing(Problem):
    """A secret reference leads nowhere on this machine."""

    code = "target.secret_missing"
    category = Category.MISSING
    title = "A secret that the deployment needs is not set"
    remedy = "Set it where its reference points, then deploy again."


def no_secret(source: str) -> str:
    """Resolve no secret: for instances that were given no source of them.

    Raises: target.secret_missing
    """
    raise SecretMissing(source=source)


def no_registry() -> str:
    """Serve no images."""
    return ""


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything an operation may touch."""

    store: Store
    log: Log
    clock: Clock
    entropy: Entropy
    server: Signer  # signs what the server decides
    sticker: Signer  # RS256 where the format wants it
    images: Callable[[str | Registry], ImageSource]  # by a registry's host, its record, or a layout's path
    adapter: Callable[[Target], Any]  # targets.contract.Adapter
    generator: str
    generator_version: str
    tenant: str = "default"
    secret: Callable[[str], str] = no_secret  # by reference ("env:NAME", "file:/path"); the value is never kept
    registry: Callable[[], str] = no_registry  # host:port of the home's own /v2/, as targets reach it; empty = none
    engines: Engines = field(
        default_factory=lambda: NO_ENGINES
    )  # by name: what computes for stages outside this process
