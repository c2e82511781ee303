"""Image references and package URLs as names: parts of what people wrote. Must not know what they resolve to."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

HUB: Final = "docker.io"
_HUB_NAMES: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


@dataclass(frozen=True, slots=True)
class Image:
    """A reference in parts, with the defaults of the Docker Hub filled in; no digest and no tag means ``latest``."""

    registry: str
    repository: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Purl:
    """A package URL in parts; qualifiers sorted, everything percent-decoded."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: tuple[tuple[str, str], ...]


def named(reference: str) -> Image:
    """Take an image reference apart: ``[registry/]repository[:tag][@digest]``."""
    rest, _, digest = reference.partition("@")
    head, slash, tail = rest.rpartition("/")
    last, _, tag = tail.partition(":")
    path = f"{head}{slash}{last}"
    first, cut, others = path.partition("/")
    if cut and ("." in first or ":" in first or first == "localhost"):
        registry, repository = first.lower(), others
    else:
        registry, repository = HUB, path
    if registry in _HUB_NAMES:
        registry = HUB
        repository = repository if "/" in repository else f"library/{repository}"
    return Image(registry, repository, tag or ("" if digest else "latest"), digest)


def purl_of(text: str) -> Purl | None:
    """Take a package URL apart; None when it is none. The subpath is left out: it names a place inside."""
    scheme, colon, rest = text.partition(":")
    if scheme.lower() != "pkg" or not colon:
        return None
    rest = rest.lstrip("/").partition("#")[0]
    rest, _, query = rest.partition("?")
    path, _, version = rest.rpartition("@") if "@" in rest.rpartition("/")[2] else (rest, "", "")
    kind, slash, name_path = path.partition("/")
    segments = [unquote(part) for part in name_path.split("/") if part]
    if not slash or not segments:
        return None
    found = (pair.partition("=") for pair in query.split("&") if pair)
    qualifiers = tuple(sorted((key.lower(), unquote(value)) for key, _, value in found if value))
    return Purl(kind.lower(), "/".join(segments[:-1]), segments[-1], unquote(version), qualifiers)


def fits(claimed: Purl, found: Purl) -> bool:
    """Tell whether a claim's purl covers a found one: what the claim leaves out, it does not restrict."""
    return (
        (claimed.type, claimed.namespace, claimed.name) == (found.type, found.namespace, found.name)
        and claimed.version in {"", found.version}
        and set(claimed.qualifiers) <= set(found.qualifiers)
    )
