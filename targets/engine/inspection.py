"""The engine's answers as records. Pure; knows the Docker Engine API's shapes, opens no connection.

``config_hash`` covers what was set on a container: image by digest, command, names (never values) of environment
variables, mounts, ports, labels, limits, networks. What the engine or Compose adds by itself (ids, addresses, times,
Compose's own bookkeeping labels) is left out, so that the same lock gives the same hash after a rollback.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from cas import digest
from cas.records.base import pairs
from cas.records.deploy import ObservedContainer

PROJECT: Final = "stella.project"
SERVICE: Final = "stella.service"
SPEC: Final = "stella.spec"
COMPONENT: Final = "stella.component.id"
COMPOSE_PROJECT: Final = "com.docker.compose.project"
COMPOSE_SERVICE: Final = "com.docker.compose.service"
COMPOSE_OWN: Final = "com.docker.compose."

_CONFIG: Final = (
    "Cmd",
    "Entrypoint",
    "ExposedPorts",
    "Healthcheck",
    "OpenStdin",
    "StopSignal",
    "StopTimeout",
    "Tty",
    "User",
    "Volumes",
    "WorkingDir",
)
_HOST: Final = (
    "Binds",
    "CapAdd",
    "CapDrop",
    "CpuShares",
    "CpusetCpus",
    "Devices",
    "Dns",
    "DnsSearch",
    "ExtraHosts",
    "GroupAdd",
    "Init",
    "IpcMode",
    "LogConfig",
    "Memory",
    "MemoryReservation",
    "Mounts",
    "NanoCpus",
    "PidMode",
    "PidsLimit",
    "PortBindings",
    "Privileged",
    "ReadonlyRootfs",
    "RestartPolicy",
    "SecurityOpt",
    "ShmSize",
    "Sysctls",
    "Tmpfs",
    "Ulimits",
    "UsernsMode",
)


def container(inspected: Mapping[str, Any], repo_digests: Sequence[str]) -> ObservedContainer:
    """Turn a container's inspection, and the repository digests of its image, into its record."""
    config, state = inspected["Config"], inspected["State"]
    labels = {str(name): str(value) for name, value in (config.get("Labels") or {}).items()}
    image = str(config.get("Image", ""))
    return ObservedContainer(
        name=str(inspected["Name"]).removeprefix("/"),
        id=str(inspected["Id"]),
        component=labels.get(COMPONENT, ""),
        image=image,
        image_digest=pinned(image, repo_digests),
        config_id=str(inspected.get("Image", "")),
        state=state_of(state),
        health=str((state.get("Health") or {}).get("Status", "none") or "none"),
        restarts=int(inspected.get("RestartCount", 0)),
        labels=pairs({name: value for name, value in labels.items() if not own_bookkeeping(name)}),
        config_hash=config_hash(inspected, labels, pinned(image, repo_digests)),
    )


def own_bookkeeping(label: str) -> bool:
    """Tell whether Compose writes this label for itself: it changes when a container is made again."""
    return label.startswith(COMPOSE_OWN) and label not in {COMPOSE_PROJECT, COMPOSE_SERVICE}


def pinned(image: str, repo_digests: Sequence[str]) -> str:
    """Give the digest by which a container's image is pinned, if the image that really runs answers to it.

    A reference without a digest falls to the image's only repository digest; anything doubtful is empty.
    """
    known = sorted({name.rsplit("@", 1)[1] for name in repo_digests if "@" in name})
    asked = image.rsplit("@", 1)[1] if "@" in image else ""
    if asked:
        return asked if asked in known else ""
    return known[0] if len(known) == 1 else ""


def state_of(state: Mapping[str, Any]) -> str:
    """Name a container's state as the engine does; one that ended well is ``completed``."""
    status = str(state.get("Status", "unknown"))
    return "completed" if status == "exited" and state.get("ExitCode") == 0 else status


def config_hash(inspected: Mapping[str, Any], labels: Mapping[str, str], image_digest: str) -> str:
    """Hash what was set; see the module."""
    config, host = inspected["Config"], inspected["HostConfig"]
    known = {
        "image": image_digest,
        "environment": sorted({str(one).split("=", 1)[0] for one in config.get("Env") or ()}),
        "labels": {name: value for name, value in labels.items() if not own_bookkeeping(name)},
        "config": {name: _plain(config.get(name)) for name in _CONFIG},
        "host": {name: _plain(host.get(name)) for name in _HOST},
        "hostname": _hostname(inspected),
        "network_mode": _network(str(host.get("NetworkMode", "")), inspected),
        "networks": {name: _aliases(end, inspected) for name, end in _networks(inspected).items()},
        "mounts": sorted(
            (str(mount.get("Type")), str(mount.get("Name") or mount.get("Source")), str(mount.get("Destination")))
            for mount in inspected.get("Mounts") or ()
            if not _anonymous(mount)
        ),
    }
    return digest.of_bytes(msgspec.json.encode(known, order="sorted"))


def _plain(value: Any) -> Any:
    """Treat absent, empty and unset alike: engines of different versions spell them differently."""
    return None if value in ([], {}, "", 0, False) else value


def _hostname(inspected: Mapping[str, Any]) -> str:
    name = str(inspected["Config"].get("Hostname", ""))
    return "" if inspected["Id"].startswith(name) else name


def _network(mode: str, inspected: Mapping[str, Any]) -> str:
    return "container" if mode.startswith("container:") and inspected else mode


def _networks(inspected: Mapping[str, Any]) -> Mapping[str, Any]:
    return (inspected.get("NetworkSettings") or {}).get("Networks") or {}


def _aliases(end: Mapping[str, Any], inspected: Mapping[str, Any]) -> list[str]:
    own = {str(inspected["Name"]).removeprefix("/"), inspected["Id"][:12]}
    return sorted({str(alias) for alias in end.get("Aliases") or ()} - own)


def _anonymous(mount: Mapping[str, Any]) -> bool:
    name = str(mount.get("Name") or "")
    return mount.get("Type") == "volume" and len(name) == 64 and all(one in "0123456789abcdef" for one in name)
