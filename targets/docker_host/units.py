"""Compose's short spellings: durations, sizes, ports, mounts. Pure.

Each reader raises ValueError with a reason; the caller knows the place and collects it as a fault.
"""

import re
from typing import Any, Final

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_NANOS: Final = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SIZE: Final = re.compile(r"\A(\d+)\s*([bkmg]?)b?\Z", re.IGNORECASE)
_BYTES: Final = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_PORT: Final = re.compile(
    r"\A(?:(?:(?P<ip>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<host>\d*(?:-\d+)?):)?(?P<port>\d+(?:-\d+)?)(?:/(?P<proto>tcp|udp|sctp))?\Z"
)


def nanoseconds(value: Any) -> int:
    """Read ``1m30s``; a bare number is refused, as Compose does."""
    text = str(value)
    found = _DURATION.findall(text)
    if not found or "".join(number + unit for number, unit in found) != text:
        raise ValueError(f"not a duration: {text[:40]}")
    return sum(_scaled(number, _NANOS[unit]) for number, unit in found)


def _scaled(number: str, unit: int) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def size(value: Any) -> int:
    """Read ``64m`` or a number of bytes."""
    found = _SIZE.match(str(value))
    if not found:
        raise ValueError(f"not a size: {str(value)[:40]}")
    return int(found[1]) * _BYTES[found[2].lower()]


def nano_cpus(value: Any) -> int:
    """Read ``0.5`` cores."""
    text = str(value)
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f"not a number of cpus: {text[:40]}")
    return _scaled(text, 10**9)


def ports(value: Any) -> list[tuple[str, str, str]]:
    """Read one entry of ``ports``: (container port/protocol, host address, host port or empty)."""
    if isinstance(value, dict):
        proto = str(value.get("protocol", "tcp"))
        return [(f"{value['target']}/{proto}", str(value.get("host_ip", "")), str(value.get("published", "")))]
    found = _PORT.match(str(value))
    if not found:
        raise ValueError(f"not a port mapping: {str(value)[:60]}")
    inner = _range(found["port"])
    outer = _range(found["host"]) if found["host"] else [""] * len(inner)
    if len(inner) != len(outer):
        raise ValueError(f"ranges of other lengths: {str(value)[:60]}")
    ip, proto = (found["ip"] or "").strip("[]"), found["proto"] or "tcp"
    return [(f"{one}/{proto}", ip, other) for one, other in zip(inner, outer, strict=True)]


def _range(text: str) -> list[str]:
    first, _, last = text.partition("-")
    if int(last or first) - int(first) > 1000:
        raise ValueError(f"too many ports: {text}")
    return [str(one) for one in range(int(first), int(last or first) + 1)]


def mount(value: Any) -> tuple[str, str, str, bool]:
    """Read one entry of ``volumes``: (type, source, target, read only)."""
    if isinstance(value, dict):
        allowed = {"type", "source", "target", "read_only", "bind", "volume", "consistency"}
        if value.keys() - allowed:
            raise ValueError(f"unknown: {', '.join(sorted(value.keys() - allowed))}")
        kind, target = str(value.get("type", "volume")), str(value["target"])
        if kind not in {"bind", "volume", "tmpfs"}:
            raise ValueError(f"mount type {kind[:20]}")
        return kind, str(value.get("source", "")), target, bool(value.get("read_only", False))
    parts = str(value).split(":")
    if len(parts) == 1:
        return "volume", "", parts[0], False
    if len(parts) > 3:
        raise ValueError(f"not a mount: {str(value)[:60]}")
    options = set(parts[2].split(",")) if len(parts) > 2 else set()
    if options - {"ro", "rw", "z", "Z"}:
        raise ValueError(f"mount options {parts[2][:40]}")
    kind = "bind" if parts[0].startswith((".", "/", "~")) else "volume"
    return kind, parts[0], parts[1], "ro" in options


def words(value: Any) -> list[str]:
    """Read a command: a list, or a string split as a shell would."""
    if isinstance(value, list):
        return [str(one) for one in value]
    import shlex  # noqa: PLC0415 - rarely needed: authors write lists

    return shlex.split(str(value))


def mapping(value: Any) -> dict[str, str | None]:
    """Read a mapping, or a list of ``NAME=value``; a name alone has no value."""
    if isinstance(value, dict):
        return {str(name): None if one is None else scalar(one) for name, one in value.items()}
    found: dict[str, str | None] = {}
    for one in value or ():
        name, equals, rest = str(one).partition("=")
        found[name] = rest if equals else None
    return found


def scalar(value: Any) -> str:
    """Spell a scalar as Compose does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
