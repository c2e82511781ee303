"""Which image and package a VEX product means, and why it does not mean another: names as the field really writes them.

Digests decide alone, through the image graph, downward only. Without one, an image is its registry and repository, and
its tag and platform where the claim gives them; a bare name means the library of the Docker Hub, as in a reference. A
package is its type, namespace and name, and whatever else the claim gives. Every rule narrows: what is not understood
fits nothing, and says which check failed. Knows names; must not know what a claim says.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias
from urllib.parse import quote

from cas.digest import Digest
from cas.records.base import Pairs
from cas.records.evidence import SbomFacts, VexProduct
from policy.images import Image, Purl, named, purl_of

Within: TypeAlias = Callable[[str, str, str], bool | None]
"""Whether a version lies in a vers range by the order of a purl type: (range, type, version); None = no telling."""

DIGEST, TAG, VERSION, RANGE, FAMILY = 1, 2, 2, 3, 4
"""How narrow a claim is: one digest, one tag or version, a range, whatever version; 5 is a platform known by CPE."""
PLATFORM: Final = 5
IMAGE_TYPES: Final = frozenset({"oci", "docker"})
_DIGEST: Final = re.compile(r"(?:sha256:)+([0-9a-f]{64})\Z")
_LINK: Final = "urn:cdx:"
_SCHEMES: Final = ("oci://", "docker://", "https://", "http://", "oci:", "docker:")
_ARCHES: Final = {"x86_64": "amd64", "aarch64": "arm64", "x86": "386", "i386": "386", "i686": "386"}
_VENDORS: Final = {"rhel": "redhat"}
_SOURCES: Final = frozenset({"source", "src"})
_DISTRO_OF_CPE: Final = {"enterprise_linux": "rhel", "rhel_eus": "rhel", "rhel_aus": "rhel", "rhel_e4s": "rhel"}

purl_parts = lru_cache(maxsize=65_536)(purl_of)


@dataclass(frozen=True, slots=True)
class Subject:
    """A component on a platform, by every name that evidence may use for it."""

    digests: frozenset[Digest]  # root, manifest, config
    image: Image  # repository and tag, as resolved
    purls: frozenset[str]  # of the packages inside
    platform: str = ""  # os/architecture[/variant]
    links: Pairs = ()  # BOM-Links into the subject's own SBOMs: (urn:cdx:<serial>[#<ref>], purl or empty = the whole)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a product means the package in the subject. ``reason`` is a code, ``detail`` what was compared."""

    applies: bool
    reason: str
    detail: str = ""
    specificity: int = 0  # 1 is one digest, 5 a whole platform; 0 when it does not apply
    nearness: int = 0  # how many checks passed before one failed: the nearest miss is told first


@dataclass(frozen=True, slots=True)
class _ImageClaim:
    """An image as a product names it. ``places`` are the repositories that the name may mean."""

    digest: Digest | None
    places: tuple[tuple[str, str], ...]
    tag: str
    architecture: str
    text: str


def best_fit(products: tuple[VexProduct, ...], subject: Subject, purl: str, within: Within | None = None) -> Fit:
    """Give the narrowest product that applies, or the nearest miss."""
    fits = [product_fit(product, subject, purl, within) for product in products]
    applying = [one for one in fits if one.applies]
    if applying:
        return min(applying, key=lambda one: (one.specificity, one.reason, one.detail))
    return max(fits, key=lambda one: (one.nearness, one.reason, one.detail), default=Fit(False, "product_missing"))


def product_fit(product: VexProduct, subject: Subject, purl: str, within: Within | None = None) -> Fit:
    """Tell whether a product means the package ``purl`` inside the subject.

    (1) A product that is an image must be this one; its subcomponents, when it has any, must name the package. (2) A
    product that is a package must be this one; with subcomponents it must be inside the image, and they must name this
    one. (3) A product known by CPE alone is no image: its component decides, by exact version or by the platform.
    """
    if product.id.startswith(_LINK) or any(text.startswith(_LINK) for text in product.components):
        product = _resolved(product, dict(subject.links))
    if product.id.startswith(_LINK):
        if dict(subject.links).get(product.id) != "":
            return Fit(False, "bom_link_unknown", product.id)
        return _with_component(Fit(True, "bom_link", product.id, DIGEST, 4), product.components, purl, within)
    claim = image_claim(product)
    if claim is not None:  # (1)
        fit = _image_fit(claim, subject)
        return _with_component(fit, product.components, purl, within) if fit.applies else fit
    purls = [parts for parts in _purls(product) if parts.type not in IMAGE_TYPES]
    if purls:  # (2)
        return max((_package(parts, product, subject, purl, within) for parts in purls), key=_rank)
    platforms = tuple(value for name, value in product.identifiers if name.startswith("cpe"))
    if not product.components:
        return Fit(
            False, "only_cpe" if platforms else "product_not_understood", platforms[0] if platforms else product.id
        )
    return _on_platform(product.components, platforms, purl, within)  # (3)


def _resolved(product: VexProduct, links: dict[str, str]) -> VexProduct:
    """Put packages in the place of links into SBOMs of the subject."""
    return VexProduct(
        id=links.get(product.id) or product.id,
        identifiers=product.identifiers,
        hashes=product.hashes,
        components=tuple(links.get(text) or text for text in product.components),
    )


def links_of(facts: SbomFacts) -> Pairs:
    """Give the BOM-Links under which others may speak of an SBOM's packages."""
    serial = facts.serial.removeprefix("urn:uuid:")
    if not serial or not facts.format.startswith("cyclonedx"):
        return ()
    parts = ((f"{_LINK}{serial}#{quote(one.ref, safe='')}", one.purl) for one in facts.packages if one.ref and one.purl)
    return tuple(sorted({(f"{_LINK}{serial}", ""), *parts}))


def _rank(fit: Fit) -> tuple[bool, int, int, str]:
    return (fit.applies, -fit.specificity, fit.nearness, fit.reason)


def _purls(product: VexProduct) -> list[Purl]:
    texts = [product.id, *(value for name, value in product.identifiers if name == "purl")]
    return [found for text in dict.fromkeys(texts) if (found := purl_parts(text)) is not None]


def digest_of(text: str) -> Digest | None:
    """Read a digest, also one whose algorithm was written twice."""
    found = _DIGEST.match(text.lower())
    return f"sha256:{found.group(1)}" if found else None


def image_claim(product: VexProduct) -> _ImageClaim | None:
    """Read a product as an image: by hash, purl or reference; None when it is none."""
    for name, value in product.hashes:
        if name.lower().replace("-", "").replace("_", "") == "sha256":
            return _ImageClaim(digest_of(f"sha256:{value}"), (), "", "", value)
    for parts in _purls(product):
        if parts.type in IMAGE_TYPES:
            return _purl_claim(parts)
    if purl_parts(product.id) is not None:
        return None
    return _reference_claim(product.id)


def _purl_claim(parts: Purl) -> _ImageClaim:
    where = dict(parts.qualifiers)
    digest = digest_of(parts.version)
    url = _bare(where.get("repository_url", ""))
    own = "/".join(part for part in (parts.namespace, parts.name) if part)
    places = [f"{url}/{own}" if url else own]
    if parts.type == "oci" and url.lower().endswith(f"/{own.lower()}"):
        places.insert(0, url)  # the purl specification lets the name stand in or after repository_url
    tag = where.get("tag", "") or ("" if digest else parts.version)
    seen = [named(place) for place in places]
    found = tuple(dict.fromkeys((one.registry, one.repository) for one in seen))
    text = f"{places[0]}@{digest}" if digest else f"{places[0]}:{tag}" if tag else places[0]
    return _ImageClaim(digest, found, tag, where.get("arch", ""), text)


def _reference_claim(text: str) -> _ImageClaim | None:
    """Read an image reference: with a tag, a digest, or a registry; a plain word is no image."""
    bare = _bare(text)
    digest = digest_of(bare.rpartition("@")[2])
    if digest is None and not re.match(r"[a-z0-9._-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)*(?::[A-Za-z0-9._-]+)?\Z", bare):
        return None
    if digest is None and "/" not in bare and ":" not in bare:
        return None
    image = named(bare)
    tag = image.tag if bare.rpartition("/")[2].count(":") and digest is None else ""
    return _ImageClaim(digest, ((image.registry, image.repository),), tag, "", bare)


def _bare(text: str) -> str:
    for scheme in _SCHEMES:
        if text.lower().startswith(scheme):
            return text[len(scheme) :].strip("/")
    return text.strip("/")


def _image_fit(claim: _ImageClaim, subject: Subject) -> Fit:
    mine = subject.image
    here = (mine.registry, mine.repository) in claim.places
    if claim.digest is not None:
        if claim.digest in subject.digests:
            return Fit(True, "image_digest", claim.digest, DIGEST, 4)
        return Fit(False, "image_other_digest", claim.text, 0, 2 if here else 1)
    if not here:
        return Fit(False, "image_other_repository", claim.text)
    if claim.tag and claim.tag != mine.tag:
        return Fit(False, "image_other_tag", f"{claim.tag} is not {mine.tag}", 0, 2)
    if claim.architecture and not _same_architecture(claim.architecture, subject.platform):
        return Fit(False, "image_other_platform", f"{claim.architecture} is not {subject.platform}", 0, 3)
    return Fit(True, "image_tag" if claim.tag else "image_repository", claim.text, TAG if claim.tag else FAMILY, 4)


def _same_architecture(claimed: str, platform: str) -> bool:
    mine = platform.split("/")[1] if "/" in platform else platform
    return _ARCHES.get(claimed, claimed) == _ARCHES.get(mine, mine)


def _with_component(fit: Fit, components: tuple[str, ...], purl: str, within: Within | None) -> Fit:
    """Narrow an image's fit by its subcomponents; without any, all that is inside is meant."""
    if not components:
        return fit
    inner = max((component_fit(text, purl, within) for text in components), key=_rank)
    if not inner.applies:
        return Fit(False, inner.reason, inner.detail, 0, fit.nearness + inner.nearness)
    return Fit(True, fit.reason, f"{fit.detail}, {inner.detail}", fit.specificity, 9)


def _package(parts: Purl, product: VexProduct, subject: Subject, purl: str, within: Within | None) -> Fit:
    if not product.components:
        return _purl_fit(parts, purl, within)
    if not any(_purl_fit(parts, text, within).applies for text in subject.purls):
        return Fit(False, "product_not_inside", product.id, 0, 1)
    inner = max((component_fit(text, purl, within) for text in product.components), key=_rank)
    if not inner.applies:
        return Fit(False, inner.reason, inner.detail, 0, 2 + inner.nearness)
    return Fit(True, "product_inside", f"{product.id}, {inner.detail}", VERSION if parts.version else FAMILY, 9)


def _on_platform(components: tuple[str, ...], platforms: tuple[str, ...], purl: str, within: Within | None) -> Fit:
    """Join a component of a product that only a CPE names.

    An exact version of a vendor's package is that package wherever it is installed. Without a version the platform must
    be the package's own distribution; else nothing tells which of the vendor's products is meant.
    """
    fit = max((component_fit(text, purl, within) for text in components), key=_rank)
    if not fit.applies:
        return fit
    if fit.specificity <= VERSION:
        return Fit(True, "component_version", fit.detail, PLATFORM - 2, 9)
    distro = _distro(purl)
    if distro and any(_platform_is(cpe, distro) for cpe in platforms):
        return Fit(True, "component_on_platform", f"{fit.detail} on {distro}", PLATFORM, 9)
    return Fit(False, "only_cpe", ", ".join(platforms) or "no identity", 0, 3)


def _distro(purl: str) -> str:
    found = purl_parts(purl)
    return dict(found.qualifiers).get("distro", "") if found else ""


def _platform_is(cpe: str, distro: str) -> bool:
    """Compare ``cpe:/o:redhat:enterprise_linux:9::baseos`` with the distro ``rhel-9.4``."""
    steps = cpe.removeprefix("cpe:2.3:").removeprefix("cpe:/").split(":")
    if len(steps) < 4:
        return False
    name, _, release = distro.partition("-")
    mine, theirs = release.split("."), steps[3].split(".")
    return _DISTRO_OF_CPE.get(steps[2], steps[2]) == name and bool(steps[3]) and mine[: len(theirs)] == theirs


def component_fit(text: str, purl: str, within: Within | None = None) -> Fit:
    """Tell whether a subcomponent, as written, means a package."""
    parts = purl_parts(text)
    if parts is None:
        return Fit(False, "component_not_a_purl", text)
    return _purl_fit(parts, purl, within)


def _purl_fit(claimed: Purl, purl: str, within: Within | None) -> Fit:
    found = purl_parts(purl)
    if found is None:
        return Fit(False, "package_without_purl", purl)
    if _is_source_of(claimed, found):
        found = _source(found)
    elif _name(claimed) != _name(found):
        return Fit(False, "package_other", f"{_name(claimed)} is not {_name(found)}")
    qualifiers = dict(claimed.qualifiers)
    span = qualifiers.pop("vers", "")
    version, mine = _version(claimed), _version(found)
    if version and version != mine:
        return Fit(False, "package_other_version", f"{version} is not {mine}", 0, 1)
    if span and not (inside := within(span, claimed.type, found.version) if within else None):
        reason = "package_range_unknown" if inside is None else "package_outside_range"
        return Fit(False, reason, f"{found.version} in {span}", 0, 1)
    if wrong := _restricted(qualifiers, dict(found.qualifiers)):
        return Fit(False, "package_other_qualifier", wrong, 0, 2)
    narrow = VERSION if version else RANGE if span else FAMILY
    reason = "package_version" if version else "package_range" if span else "package"
    return Fit(True, reason, f"{_name(found)}@{mine}", narrow, 4)


def _name(purl: Purl) -> str:
    kind = "apk" if purl.type == "alpine" else purl.type
    space = purl.namespace or ("alpine" if purl.type == "alpine" else "")
    space = _VENDORS.get(space, space) if kind == "rpm" else space
    name = purl.name.lower().replace("_", "-") if kind == "pypi" else purl.name
    return f"{kind}/{space}/{name}" if space else f"{kind}/{name}"


def _version(purl: Purl) -> str:
    """Spell a version in one way: Go without its v, RPM with its epoch in front unless it is 0."""
    if purl.type == "golang":
        bare = purl.version.removeprefix("go") if purl.name == "stdlib" else purl.version
        return bare.removeprefix("v")
    if purl.type == "rpm" and purl.version:
        epoch, _, rest = purl.version.rpartition(":")
        epoch = epoch or dict(purl.qualifiers).get("epoch", "")
        return f"{epoch}:{rest}" if epoch not in {"", "0"} else rest
    return purl.version


def _is_source_of(claimed: Purl, found: Purl) -> bool:
    """Tell whether a claim speaks of the source package that a found package was built from."""
    if dict(claimed.qualifiers).get("arch", "") not in _SOURCES or claimed.type not in {"deb", "rpm", "apk"}:
        return False
    return _name(claimed) == _name(_source(found))


def _source(found: Purl) -> Purl:
    name, _, version = dict(found.qualifiers).get("upstream", "").partition("@")
    if name.endswith(".src.rpm"):
        name, _, version = name.removesuffix(".src.rpm").rsplit("-", 2)[0], "", found.version
    qualifiers = tuple(pair for pair in found.qualifiers if pair[0] not in {"arch", "upstream"})
    return Purl(
        found.type, found.namespace, name or found.name, version or found.version, (*qualifiers, ("arch", "source"))
    )


def _restricted(claimed: dict[str, str], found: dict[str, str]) -> str:
    """Name the first qualifier of a claim that the found package does not meet; empty when it meets all."""
    for key, value in claimed.items():
        mine = found.get(key, "")
        if key == "epoch" or (key == "type" and value == "jar" and not mine):
            continue  # the epoch is in the version; jar is what Maven means without saying
        if key == "arch" and (_arch(value) == _arch(mine)):
            continue
        if key == "distro" and mine and (mine.endswith(f"-{value}") or value.endswith(f"-{mine}")):
            continue
        if value != mine:
            return f"{key}: {value} is not {mine or 'given'}"
    return ""


def _arch(text: str) -> str:
    return "source" if text in _SOURCES else _ARCHES.get(text, text)
