"""Which images a plan needs, how each is pinned, and the steps that pull them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cas.digest import Digest
from cas.records.base import pairs
from cas.records.deploy import Step
from cas.records.release import Component, Resolution
from targets import platforms
from targets.contract import Wanted
from targets.problems import PlatformUnlisted


@dataclass(frozen=True, slots=True)
class Pinned:
    """One image on the target's platform. ``identities`` are what an engine may call it: its config or manifests."""

    repository: str
    digest: Digest
    platform: str
    platform_digest: str
    identities: tuple[str, ...]
    kept: bool


def platform_manifest(resolution: Resolution, platform: str) -> tuple[str, tuple[str, ...]]:
    """Give the platform's manifest, and every identity of the image there; attestation manifests never count.

    Raises: target.platform_unlisted
    """
    chosen = platforms.platform_manifest(resolution, platform)
    for node in resolution.nodes:
        if node.digest == chosen:
            return node.digest, tuple(sorted({resolution.root, node.digest, *node.below}))
    raise PlatformUnlisted(platform=platform, image=resolution.reference)


def pinned(wanted: Wanted) -> Mapping[str, Pinned]:
    """Map each service to its image.

    Raises: target.platform_unlisted
    """
    parts: dict[str, tuple[Component, Resolution]] = {
        part.name: (part, resolution)
        for part, resolution in zip(wanted.release.components, wanted.resolutions, strict=True)
    }
    found = {}
    for service in wanted.rendered.services:
        part, resolution = parts[service.component]
        manifest, identities = platform_manifest(resolution, wanted.platform)
        repository = service.image.rsplit("@", 1)[0]
        found[service.name] = Pinned(
            repository, service.digest, wanted.platform, manifest, identities, part.images_kept
        )
    return found


def pull_steps(images: Mapping[str, Pinned], present: frozenset[str]) -> tuple[Step, ...]:
    """Give one step per image that the engine does not know by its digest; one asked for twice is pulled once."""
    wanted = sorted({image.repository + "@" + image.digest: image for image in images.values()}.items())
    return tuple(
        Step(id=f"pull-{number}", phase="prepare", action="image.pull", arguments=arguments(image), content=None)
        for number, (_, image) in enumerate(wanted)
        if image.digest not in present
    )


def arguments(image: Pinned) -> tuple[tuple[str, str], ...]:
    """Say how an image is got and recognised."""
    return pairs(
        {
            "repository": image.repository,
            "digest": image.digest,
            "platform": image.platform,
            "identities": " ".join(image.identities),
            "kept": "true" if image.kept else "false",
        }
    )


def present(images: tuple[str, ...]) -> frozenset[str]:
    """List the digests by which an engine knows images."""
    return frozenset(name.rsplit("@", 1)[1] for name in images if "@" in name)
