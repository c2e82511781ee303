"""Compose's short and long forms brought to one: environment, lists, mounts. Knows forms; must not know files."""

import re
from decimal import Decimal
from typing import Any, Final

from targets.compose.interpolate import Parts, TemplateWrong, Variable, parse

_WINDOWS: Final = re.compile(r"\A[A-Za-z]:[\\/]")
_ACCESS: Final = frozenset(
    {
        "ro", "rw", "z", "Z", "nocopy", "cached", "consistent", "delegated",
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
    }
)  # fmt: skip


def text_of(value: Any) -> str:
    """Write a scalar as Go's fmt.Sprint does: what Compose makes of a number in an environment."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return "" if value is None else str(value)


def _float_text(value: float) -> str:
    """Go's %v of a float64: shortest digits, an exponent below 1e-4 and from 1e21 on."""
    number = Decimal(repr(value)).normalize()
    power = number.adjusted()
    if number == 0 or -4 <= power < 21:
        return format(number, "f")
    digits = "".join(map(str, number.as_tuple().digits))
    body = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{'-' if value < 0 else ''}{body}e{'-' if power < 0 else '+'}{abs(power):02d}"


def mapping_of(value: Any) -> dict[str, str | None] | None:
    """Read ``[A=1, B]`` or ``{A: 1, B: null}`` as a mapping; None when it is neither."""
    if value is None:
        return {}
    if isinstance(value, dict):
        if any(isinstance(item, dict | list) for item in value.values()):
            return None
        return {key: None if item is None else text_of(item) for key, item in value.items()}
    if isinstance(value, list):
        found: dict[str, str | None] = {}
        for item in value:
            if isinstance(item, dict | list) or item is None:
                return None
            name, sign, text = text_of(item).partition("=")
            found[name] = text if sign else None
        return found
    return None


def list_of(value: Any) -> list[Any]:
    """Read one thing or a list of things as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def named_map(value: Any, default: Any = None) -> dict[str, Any] | None:
    """Read ``[a, b]`` or ``{a: …}`` as a mapping (networks, depends_on); None when it is neither."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return dict.fromkeys(value, default)
    return None


def split_mount(source_text: str) -> tuple[str, ...]:
    """Split a short volume at its colons, outside variables; a Windows drive stays whole."""
    try:
        parts = parse(source_text)
    except TemplateWrong:
        return (source_text,)
    pieces = _split(parts)
    if len(pieces) > 1 and _WINDOWS.match(":".join(pieces[:2])) and len(pieces[0]) == 1:
        pieces = [":".join(pieces[:2]), *pieces[2:]]
    return tuple(pieces)


def _split(parts: Parts) -> list[str]:
    pieces = [""]
    for part in parts:
        if isinstance(part, Variable):
            pieces[-1] += "${" + part.name + part.operator + _text(part.argument) + "}"
            continue
        first, *others = part.replace("$", "$$").split(":")
        pieces[-1] += first
        pieces += others
    return pieces


def _text(parts: Parts) -> str:
    return "".join(
        part.replace("$", "$$")
        if isinstance(part, str)
        else "${" + part.name + part.operator + _text(part.argument) + "}"
        for part in parts
    )


def mount_target(volume: Any) -> str:
    """Give the path inside the container that a volume, short or long, is mounted at: its identity when merging."""
    if isinstance(volume, dict):
        return str(volume.get("target", ""))
    pieces = split_mount(str(volume))
    return pieces[0] if len(pieces) == 1 else pieces[1]


def bind_source(volume: Any) -> str | None:
    """Give the host path of a bind mount, as source text, or None when a volume is no bind."""
    if isinstance(volume, dict):
        return str(volume.get("source", "")) if volume.get("type") == "bind" else None
    pieces = split_mount(str(volume))
    if len(pieces) == 1 or (len(pieces) == 2 and all(piece in _ACCESS for piece in pieces[1].split(","))):
        return None
    return pieces[0] if is_path(pieces[0]) else None


def is_path(text: str) -> bool:
    """Tell whether a short volume's source is a path and not a volume's name (compose-go, format/volume.go)."""
    return text.startswith((".", "/", "~", "$")) or _WINDOWS.match(text) is not None


def with_source(volume: Any, source: str) -> Any:
    """Give the same volume with another host path."""
    if isinstance(volume, dict):
        return {**volume, "source": source}
    return ":".join((source, *split_mount(str(volume))[1:]))
