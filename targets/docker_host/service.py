"""A service of the lock as the body of the engine's create call. Pure.

Every key of the service is either translated or refused with its pointer: nothing an author wrote is dropped silently.
Fields that only Compose can give (inline configs, build, profiles) are refused; use compose_host for those.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from cas.problems import Fault
from targets.docker_host import units

Body = dict[str, Any]
Take = Callable[[Body, Any, "Around"], None]
IGNORED: Final = frozenset({"image", "deploy", "depends_on", "labels", "container_name", "pull_policy", "scale"})
"""Read elsewhere: image, labels and replicas are pinned by the plan, which also orders by ``depends_on``."""


@dataclass(slots=True)
class Around:
    """What a service may refer to: the project's name and folder, its networks, volumes, configs and secrets."""

    project: str
    folder: str
    top: Mapping[str, Any]  # the lock document
    service: str
    allowed_binds: tuple[str, ...]
    read_files: list[str] = field(default_factory=list)  # project files that are mounted

    def network(self, name: str) -> str:
        """Give the engine's name of a network."""
        return self._named("networks", name)

    def volume(self, name: str) -> str:
        """Give the engine's name of a volume."""
        return self._named("volumes", name)

    def _named(self, kind: str, name: str) -> str:
        declared = (self.top.get(kind) or {}).get(name) or {}
        if declared.get("name"):
            return str(declared["name"])
        return name if declared.get("external") else f"{self.project}_{name}"

    def bind(self, source: str) -> str:
        """Resolve a bind source below the project's folder, or refuse one that the environment does not allow."""
        if source.startswith("~"):
            raise ValueError("a home folder is not a place on a target")
        path = PurePosixPath(self.folder, source)
        if ".." in path.parts:
            raise ValueError("leads out of the project")
        inside = path.is_relative_to(self.folder)
        if not inside and not any(path.is_relative_to(one) for one in self.allowed_binds):
            raise ValueError(f"{source[:200]} is not allowed by the environment")
        if inside:
            self.read_files.append(path.relative_to(self.folder).as_posix())
        return str(path)


def body_of(definition: Mapping[str, Any], around: Around) -> tuple[Body, list[Fault]]:
    """Translate a service; give the body, and every fault found."""
    body: Body = {"HostConfig": {}, "Env": [], "Labels": {}}
    faults: list[Fault] = []
    for key, value in sorted(definition.items()):
        if value is None or key in IGNORED or key.startswith("x-"):
            continue
        take = TAKES.get(key)
        pointer = f"/services/{around.service}/{key}"
        if take is None:
            faults.append(Fault(pointer, "target.key_unsupported", f"docker_host cannot do {key}"))
            continue
        try:
            take(body, value, around)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            faults.append(Fault(pointer, "target.value_unsupported", str(error)[:200]))
    try:
        _networks(body, definition, around)
        _limits(body, (definition.get("deploy") or {}).get("resources") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        faults.append(Fault(f"/services/{around.service}", "target.value_unsupported", str(error)[:200]))
    return body, faults


def _set(name: str, read: Callable[[Any], Any]) -> Take:
    def take(body: Body, value: Any, around: Around) -> None:
        del around
        body[name] = read(value)

    return take


def _host(name: str, read: Callable[[Any], Any]) -> Take:
    def take(body: Body, value: Any, around: Around) -> None:
        del around
        body["HostConfig"][name] = read(value)

    return take


def _strings(value: Any) -> list[str]:
    return [str(one) for one in ([value] if isinstance(value, str) else value or ())]


def _environment(body: Body, value: Any, around: Around) -> None:
    del around
    body["Env"] = [
        f"{name}=${{{name}}}" if one is None else f"{name}={one}" for name, one in sorted(units.mapping(value).items())
    ]


def _ports(body: Body, value: Any, around: Around) -> None:
    del around
    bindings: dict[str, list[dict[str, str]]] = {}
    for entry in value:
        for inner, ip, outer in units.ports(entry):
            bindings.setdefault(inner, []).append({"HostIp": ip, "HostPort": outer})
    body["HostConfig"]["PortBindings"] = bindings
    body.setdefault("ExposedPorts", {}).update({inner: {} for inner in bindings})


def _expose(body: Body, value: Any, around: Around) -> None:
    del around
    for entry in value:
        port, _, proto = str(entry).partition("/")
        body.setdefault("ExposedPorts", {})[f"{int(port)}/{proto or 'tcp'}"] = {}


def _volumes(body: Body, value: Any, around: Around) -> None:
    for entry in value:
        kind, source, target, read_only = units.mount(entry)
        if kind == "bind":
            source = around.bind(source)
        elif kind == "volume" and source:
            source = around.volume(source)
        _mount(body, kind, source, target, read_only=read_only)


def _mount(body: Body, kind: str, source: str, target: str, *, read_only: bool) -> None:
    if not target.startswith("/"):
        raise ValueError(f"a mount's target is an absolute path: {target[:100]}")
    if kind == "bind":  # as Binds: the engine then looks for the source when it starts, not when it creates
        body["HostConfig"].setdefault("Binds", []).append(f"{source}:{target}:{'ro' if read_only else 'rw'}")
        return
    one = {"Type": kind, "Target": target, "ReadOnly": read_only}
    body["HostConfig"].setdefault("Mounts", []).append(one | ({"Source": source} if source else {}))


def _files(top: str, default: str) -> Take:
    """Mount configs or secrets that come from project files, read-only."""

    def take(body: Body, value: Any, around: Around) -> None:
        for entry in value:
            given = {"source": entry} if isinstance(entry, str) else dict(entry)
            name = str(given["source"])
            declared = (around.top.get(top) or {}).get(name) or {}
            if "file" not in declared:
                raise ValueError(f"{name[:60]}: only configs and secrets from files")
            target = str(given.get("target") or name)
            target = target if target.startswith("/") else default + target
            _mount(body, "bind", around.bind(str(declared["file"])), target, read_only=True)

    return take


def _healthcheck(body: Body, value: Any, around: Around) -> None:
    del around
    if value.get("disable"):
        body["Healthcheck"] = {"Test": ["NONE"]}
        return
    test = value.get("test")
    health: Body = {"Test": ["CMD-SHELL", test] if isinstance(test, str) else _strings(test)} if test else {}
    for key, name in (("interval", "Interval"), ("timeout", "Timeout"), ("start_period", "StartPeriod")):
        if key in value:
            health[name] = units.nanoseconds(value[key])
    if "retries" in value:
        health["Retries"] = int(value["retries"])
    unknown = value.keys() - {"disable", "test", "interval", "timeout", "start_period", "retries", "start_interval"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    body["Healthcheck"] = health


def _restart(body: Body, value: Any, around: Around) -> None:
    del around
    name, _, count = str(value).partition(":")
    if name not in {"no", "always", "on-failure", "unless-stopped"}:
        raise ValueError(f"restart {name[:40]}")
    body["HostConfig"]["RestartPolicy"] = {"Name": name, "MaximumRetryCount": int(count or 0)}


def _ulimits(value: Any) -> list[Body]:
    def one(name: str, limit: Any) -> Body:
        pair = limit if isinstance(limit, dict) else {"soft": limit, "hard": limit}
        return {"Name": name, "Soft": int(pair["soft"]), "Hard": int(pair["hard"])}

    return [one(name, limit) for name, limit in sorted(value.items())]


def _tmpfs(value: Any) -> dict[str, str]:
    return {path: options for path, _, options in (one.partition(":") for one in _strings(value))}


def _devices(value: Any) -> list[Body]:
    def one(entry: str) -> Body:
        outer, _, rest = entry.partition(":")
        inner, _, rights = rest.partition(":")
        return {"PathOnHost": outer, "PathInContainer": inner or outer, "CgroupPermissions": rights or "rwm"}

    return [one(entry) for entry in _strings(value)]


def _extra_hosts(value: Any) -> list[str]:
    return [f"{name}:{ip}" for name, ip in sorted(value.items())] if isinstance(value, dict) else _strings(value)


def _sysctls(value: Any) -> dict[str, str]:
    return {name: one or "" for name, one in units.mapping(value).items()}


def _logging(value: Any) -> Body:
    options = {str(name): units.scalar(one) for name, one in (value.get("options") or {}).items()}
    return {"Type": str(value.get("driver", "json-file")), "Config": options}


def _networks(body: Body, definition: Mapping[str, Any], around: Around) -> None:
    mode = definition.get("network_mode")
    if mode is not None:
        if mode not in {"host", "none", "bridge"}:
            raise ValueError(f"network_mode {str(mode)[:40]}")
        body["HostConfig"]["NetworkMode"] = mode
        return
    wanted = definition.get("networks") or ["default"]
    given = wanted if isinstance(wanted, dict) else dict.fromkeys(wanted)
    ends: dict[str, Body] = {}
    for name, options in sorted(given.items()):
        unknown = set(options or {}) - {"aliases"}
        if unknown:
            raise ValueError(f"networks/{name}: {', '.join(sorted(unknown))}")
        ends[around.network(str(name))] = {
            "Aliases": sorted({around.service, *_strings((options or {}).get("aliases"))})
        }
    body["HostConfig"]["NetworkMode"] = next(iter(ends))
    body["NetworkingConfig"] = {"EndpointsConfig": ends}


def _limits(body: Body, resources: Mapping[str, Any]) -> None:
    limits = resources.get("limits") or {}
    if "memory" in limits:
        body["HostConfig"]["Memory"] = units.size(limits["memory"])
    if "cpus" in limits:
        body["HostConfig"]["NanoCpus"] = units.nano_cpus(limits["cpus"])
    if "pids" in limits:
        body["HostConfig"]["PidsLimit"] = int(limits["pids"])
    reserved = (resources.get("reservations") or {}).get("memory")
    if reserved is not None:
        body["HostConfig"]["MemoryReservation"] = units.size(reserved)


def _network_key(body: Body, value: Any, around: Around) -> None:
    """Networks are read together, after the other keys."""
    del body, value, around


TAKES: Final[Mapping[str, Take]] = {
    "cap_add": _host("CapAdd", _strings),
    "cap_drop": _host("CapDrop", _strings),
    "command": _set("Cmd", units.words),
    "configs": _files("configs", "/"),
    "cpus": _host("NanoCpus", units.nano_cpus),
    "devices": _host("Devices", _devices),
    "dns": _host("Dns", _strings),
    "dns_search": _host("DnsSearch", _strings),
    "domainname": _set("Domainname", str),
    "entrypoint": _set("Entrypoint", units.words),
    "environment": _environment,
    "expose": _expose,
    "extra_hosts": _host("ExtraHosts", _extra_hosts),
    "group_add": _host("GroupAdd", _strings),
    "healthcheck": _healthcheck,
    "hostname": _set("Hostname", str),
    "init": _host("Init", bool),
    "ipc": _host("IpcMode", str),
    "logging": _host("LogConfig", _logging),
    "mem_limit": _host("Memory", units.size),
    "mem_reservation": _host("MemoryReservation", units.size),
    "network_mode": _network_key,
    "networks": _network_key,
    "pid": _host("PidMode", str),
    "pids_limit": _host("PidsLimit", int),
    "ports": _ports,
    "privileged": _host("Privileged", bool),
    "read_only": _host("ReadonlyRootfs", bool),
    "restart": _restart,
    "secrets": _files("secrets", "/run/secrets/"),
    "security_opt": _host("SecurityOpt", _strings),
    "shm_size": _host("ShmSize", units.size),
    "stdin_open": _set("OpenStdin", bool),
    "stop_grace_period": _set("StopTimeout", lambda value: units.nanoseconds(value) // 10**9),
    "stop_signal": _set("StopSignal", str),
    "sysctls": _host("Sysctls", _sysctls),
    "tmpfs": _host("Tmpfs", _tmpfs),
    "tty": _set("Tty", bool),
    "ulimits": _host("Ulimits", _ulimits),
    "user": _set("User", str),
    "userns_mode": _host("UsernsMode", str),
    "volumes": _volumes,
    "working_dir": _set("WorkingDir", str),
}
