"""Which image and package a VEX product means: by digest through the image graph, purl, repository_url, tag.

Knows names as written; must not know what a claim says. Every rule only narrows: what is not understood fits nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cas.digest import Digest
from cas.records.evidence import VexProduct
from policy.images import Image, Purl, fits, named, purl_of

purl_parts = lru_cache(maxsize=65_536)(purl_of)

IMAGE_TYPES: Final = frozenset({"oci", "docker"})
_SHA256_NAMES: Final = frozenset({"sha-256", "sha256", "sha_256"})


@dataclass(frozen=True, slots=True)
class Subject:
    """A component on a platform, by every name that evidence may use for it."""

    digests: frozenset[Digest]  # root, manifest, config
    image: Image  # repository and tag, as resolved
    purls: frozenset[str]  # of the packages inside


def product_fits(product: VexProduct, subject: Subject, purl: str) -> bool:
    """Tell whether a statement about a product speaks of the package ``purl`` inside the subject.

    (1) The product is the image: then its subcomponents must name the package; without any, all packages are meant.
    (2) The product is a package: it must be this one; with subcomponents, it must be inside the image and they must
    name this one.
    """
    if _is_image(product, subject):  # (1)
        return not product.components or _named(product.components, purl)
    found = purl_parts(purl)
    for claimed in _purls(product):  # (2)
        if claimed.type in IMAGE_TYPES:
            continue
        if not product.components:
            if found is not None and fits(claimed, found):
                return True
        elif _named(product.components, purl) and _inside(claimed, subject):
            return True
    return False


def _named(components: tuple[str, ...], purl: str) -> bool:
    found = purl_parts(purl)
    for text in components:
        claimed = purl_parts(text)
        if claimed is not None and found is not None and fits(claimed, found):
            return True
    return False


def _inside(claimed: Purl, subject: Subject) -> bool:
    return any((found := purl_parts(text)) is not None and fits(claimed, found) for text in subject.purls)


def _purls(product: VexProduct) -> list[Purl]:
    texts = [product.id, *(value for name, value in product.identifiers if name == "purl")]
    return [found for text in dict.fromkeys(texts) if (found := purl_parts(text)) is not None]


def _is_image(product: VexProduct, subject: Subject) -> bool:
    for name, value in product.hashes:
        if name.lower() in _SHA256_NAMES:
            return f"sha256:{value.lower().removeprefix('sha256:')}" in subject.digests
    purls = [claimed for claimed in _purls(product) if claimed.type in IMAGE_TYPES]
    if purls:
        return any(_purl_is(claimed, subject) for claimed in purls)
    return ":" in product.id and purl_parts(product.id) is None and _reference_is(product.id, subject)


def _purl_is(claimed: Purl, subject: Subject) -> bool:
    """Compare an image's purl: a digest decides alone; else repository and tag must both be the component's."""
    if claimed.version.startswith("sha256:"):
        return claimed.version in subject.digests
    where = dict(claimed.qualifiers)
    if claimed.type == "oci":
        repository = where.get("repository_url", "")
        if not repository:
            return False  # a bare name says nothing about whose image it is
        tag = where.get("tag", claimed.version)
    else:
        registry = where.get("repository_url", "")
        repository = "/".join(part for part in (registry, claimed.namespace, claimed.name) if part)
        tag = claimed.version or where.get("tag", "")
    mine = subject.image
    candidates = [named(repository.removeprefix("https://"))]
    if claimed.type == "oci":  # the purl specification lets the name stand in or after repository_url
        candidates.append(named(f"{repository.removeprefix('https://').rstrip('/')}/{claimed.name}"))
    same = any((one.registry, one.repository) == (mine.registry, mine.repository) for one in candidates)
    return same and tag in {"", mine.tag}


def _reference_is(reference: str, subject: Subject) -> bool:
    wanted = named(reference)
    if wanted.digest:
        return wanted.digest in subject.digests
    mine = subject.image
    return (wanted.registry, wanted.repository, wanted.tag) == (mine.registry, mine.repository, mine.tag)
