"""Platforms: which manifest of an image runs where. Knows resolutions; must not know targets."""

from typing import Final

from cas.digest import Digest
from cas.records.release import Resolution

_SAME: Final = {"linux/arm64/v8": "linux/arm64", "linux/amd64/v1": "linux/amd64", "linux/arm/v7": "linux/arm"}


def platform_manifest(resolution: Resolution, platform: str) -> Digest | None:
    """Give the manifest that runs on a platform, or None. An unnamed variant matches only when it is the only one."""
    found = [node for node in resolution.nodes if node.role == "manifest" and node.platform]
    exact = [node.digest for node in found if node.platform == platform]
    if exact:
        return exact[0] if len(exact) == 1 else None
    near = [node.digest for node in found if fits(node.platform, platform)]
    return near[0] if len(near) == 1 else None


def fits(offered: str, wanted: str) -> bool:
    """arm64 and arm64/v8 are the same machine; elsewhere a missing variant says nothing."""
    return _SAME.get(offered, offered) == _SAME.get(wanted, wanted)


def platforms(resolution: Resolution) -> tuple[str, ...]:
    """List the platforms that an image can run on, sorted."""
    return tuple(sorted({node.platform for node in resolution.nodes if node.role == "manifest" and node.platform}))
