"""The deterministic YAML of a lock document: one value, one text. Knows YAML 1.2's double quotes; nothing of Compose.

Every string is double-quoted, so no reader can take it for a number, a truth or a date; keys are plain where that is
safe. Keys keep the order they are given in.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

_PLAIN_KEY: Final = re.compile(r"\A[A-Za-z_][A-Za-z0-9_.-]*\Z")
_RESERVED: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LONG_KEY: Final = 512  # YAML allows 1024 characters for a key without "? "
_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Comment = Callable[[tuple[str, ...]], str]


def no_comment(_: tuple[str, ...]) -> str:
    """Comment nothing."""
    return ""


def lines(value: dict[str, Any], comment: Comment = no_comment) -> Iterator[str]:
    """Give the lines of a mapping; ``comment(path)`` may add a remark behind a scalar."""
    yield from _mapping(value, "", (), comment)


def quoted(text: str) -> str:
    """Write a double-quoted scalar; everything but printable ASCII is escaped (YAML 1.2, 5.7)."""
    return '"' + "".join(_SHORT.get(char) or _plain_or_escaped(char) for char in text) + '"'


def _plain_or_escaped(char: str) -> str:
    point = ord(char)
    if 0x20 <= point < 0x7F:
        return char
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _mapping(value: dict[str, Any], indent: str, path: tuple[str, ...], comment: Comment) -> Iterator[str]:
    for key, item in value.items():
        here = (*path, key)
        if len(key) > _LONG_KEY:
            yield f"{indent}? {quoted(key)}"
            yield from _entry(f"{indent}:", item, indent, here, comment)
        else:
            yield from _entry(f"{indent}{_key(key)}:", item, indent, here, comment)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.match(key) and key.lower() not in _RESERVED else quoted(key)


def _entry(head: str, item: Any, indent: str, path: tuple[str, ...], comment: Comment) -> Iterator[str]:
    if isinstance(item, dict) and item:
        yield head
        yield from _mapping(item, indent + "  ", path, comment)
    elif isinstance(item, list) and item:
        yield head
        yield from _sequence(item, indent + "  ", path, comment)
    else:
        remark = comment(path)
        yield f"{head} {_scalar(item)}" + (f"  # {remark}" if remark else "")


def _sequence(items: list[Any], indent: str, path: tuple[str, ...], comment: Comment) -> Iterator[str]:
    for at, item in enumerate(items):
        inner = list(_entry("", item, indent, (*path, str(at)), comment))
        first = inner[0].lstrip()
        if isinstance(item, dict | list) and item:  # "- key: value", the rest below it
            first, inner = inner[1].strip(), inner[1:]
        yield f"{indent}- {first}"
        yield from inner[1:]


def _scalar(item: Any) -> str:
    if isinstance(item, str):
        return quoted(item)
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, dict):
        return "{}"
    return "[]" if isinstance(item, list) else repr(item)
