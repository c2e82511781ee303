"""Merging as Compose merges files and extended services (Compose specification, 13-merge and 05-services/extends).

Mappings merge, sequences append, scalars are replaced; what differs from that is listed here. Must not know files.
"""

from typing import Any, Final

from targets.compose.forms import list_of, mapping_of, mount_target, named_map

_REPLACED: Final = frozenset({"command", "entrypoint", "test", "ulimits"})
_MAPPINGS: Final = frozenset(
    {"environment", "labels", "annotations", "sysctls", "extra_hosts_map", "args", "driver_opts", "additional_contexts"}
)
_NAMED: Final = frozenset({"networks", "depends_on"})
_ONE_OR_MANY: Final = frozenset({"env_file", "dns", "dns_search", "tmpfs", "label_file"})
_UNIQUE: Final = frozenset(
    {"ports", "expose", "dns", "dns_search", "cap_add", "cap_drop", "security_opt", "external_links", "profiles"}
)
_BY_TARGET: Final = frozenset({"volumes", "devices", "configs", "secrets"})


def service(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge a service over another."""
    return {**base, **{key: _field(key, base.get(key), value) for key, value in over.items()}}


def extended(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge a service over the one it extends."""
    return service(base, over)


def project(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge a Compose file over another."""
    merged = dict(base)
    for key, value in over.items():
        if key == "services" and isinstance(merged.get(key), dict):
            services = dict(merged[key])
            for name, definition in value.items():
                services[name] = service(services[name], definition) if name in services else definition
            merged[key] = services
        else:
            merged[key] = _plain(merged.get(key), value)
    return merged


def _field(key: str, base: Any, over: Any) -> Any:
    if base is None or over is None:
        return over if over is not None else base
    if key in _REPLACED:
        return over
    if key == "logging" and isinstance(base, dict) and isinstance(over, dict):
        same = base.get("driver", over.get("driver")) == over.get("driver", base.get("driver"))
        return _plain(base, over) if same else over
    if key in _MAPPINGS:
        return _mappings(base, over)
    if key in _NAMED:
        return _named(key, base, over)
    if key in _BY_TARGET and isinstance(base, list) and isinstance(over, list):
        return _by_target(key, base, over)
    if key in _ONE_OR_MANY or key in _UNIQUE:
        both = [*list_of(base), *list_of(over)]
        return _unique(both) if key in _UNIQUE else both
    return _plain(base, over)


def _mappings(base: Any, over: Any) -> Any:
    left, right = mapping_of(base), mapping_of(over)
    return over if left is None or right is None else {**left, **right}


def _named(key: str, base: Any, over: Any) -> Any:
    default = {"condition": "service_started"} if key == "depends_on" else None
    left, right = named_map(base, default), named_map(over, default)
    if left is None or right is None:
        return over
    return _plain(left, right)


def _by_target(key: str, base: list[Any], over: list[Any]) -> list[Any]:
    def identity(item: Any) -> str:
        if key in {"volumes", "devices"}:
            return mount_target(item)
        return str(item.get("target") or item.get("source")) if isinstance(item, dict) else str(item)

    merged = {identity(item): item for item in base}
    merged.update((identity(item), item) for item in over)
    return list(merged.values())


def _unique(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def _plain(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: _field(key, base.get(key), value) for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return over if over is not None else base
