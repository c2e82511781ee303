"""YAML as Compose reads it: 1.2 core with go-yaml's scalars. Knows scalars and bounds; must not know Compose.

``22:22`` and ``YES`` are strings; ``0440`` is an octal number; ``<<`` merges. Every alias is counted as often as it is
used (go-yaml v3, resolve.go and decode.go), so a small file cannot become a large value.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from targets.compose.problems import YamlInvalid, YamlTooLarge

MAX_BYTES: Final = 4 << 20
MAX_DEPTH: Final = 64
MAX_NODES: Final = 100_000
MAX_SAFE: Final = 2**53 - 1

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"\A([-+]?)(0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)\Z")
_FLOAT: Final = re.compile(r"\A[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL: Final = re.compile(r"\A([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_TIME: Final = re.compile(r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9].*)?\Z")
_PLAIN_TAGS: Final = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))
_STRING_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


@dataclass(slots=True)
class _Anchored:
    """What an anchor stands for: the value, its nodes when expanded, its depth."""

    value: Any
    nodes: int
    depth: int


class _Merge:
    """The key ``<<``, plain: merge what follows."""


_MERGE: Final = _Merge()


def load(data: bytes, path: str = "") -> Any:
    """Read one YAML document into dicts, lists, strings, integers, floats, booleans and None.

    Raises: compose.yaml_invalid, compose.yaml_too_large
    """
    if len(data) > MAX_BYTES:
        raise YamlTooLarge(file=path, limit="4 MiB")
    try:
        text = data.decode("utf-8-sig")
        return _Reader(text, path).document()
    except UnicodeDecodeError as error:
        raise YamlInvalid(file=path, line=0, reason="not UTF-8") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or "a character that YAML does not allow")
        raise YamlInvalid(file=path, line=mark.line + 1 if mark else 0, reason=reason[:200]) from error
    except (ValueError, IndexError, AttributeError, RecursionError) as error:  # the scanner's own slips
        raise YamlInvalid(file=path, line=0, reason=type(error).__name__) from error


class _Reader:
    """Builds the value from the parser's events, counting as it goes."""

    def __init__(self, text: str, path: str) -> None:
        self._events = YAML(typ="safe", pure=True).parse(text)
        self._path = path
        self._nodes = 0
        self._depth = 0
        self._anchors: dict[str, _Anchored | None] = {}

    def document(self) -> Any:
        """Read the only document of the stream; an empty stream is None."""
        self._next(StreamStartEvent)
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            return None
        if not isinstance(event, DocumentStartEvent) or (event.version or (1, 2)) != (1, 2):
            raise self._wrong(event, "only YAML 1.2")
        value = self._value(next(self._events))
        self._next(DocumentEndEvent)
        event = next(self._events)
        if not isinstance(event, StreamEndEvent):
            raise self._wrong(event, "more than one document")
        return value

    def _next(self, kind: type[Any]) -> None:
        event = next(self._events)
        if not isinstance(event, kind):
            raise self._wrong(event, f"unexpected {type(event).__name__}")

    def _wrong(self, event: Any, reason: str) -> YamlInvalid:
        mark = getattr(event, "start_mark", None)
        return YamlInvalid(file=self._path, line=mark.line + 1 if mark else 0, reason=reason)

    def _count(self, nodes: int, depth: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES or self._depth + depth > MAX_DEPTH:
            raise YamlTooLarge(file=self._path, limit=f"{MAX_NODES} nodes, {MAX_DEPTH} levels")

    def _value(self, event: Any) -> Any:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        before = self._nodes
        self._count(1, 1)
        if event.anchor:
            self._anchors[event.anchor] = None  # open: an alias in here would refer to itself
        if isinstance(event, ScalarEvent):
            value, depth = self._scalar(event), 1
        elif isinstance(event, SequenceStartEvent):
            value, depth = self._collection(event, self._sequence)
        elif isinstance(event, MappingStartEvent):
            value, depth = self._collection(event, self._mapping)
        else:
            raise self._wrong(event, f"unexpected {type(event).__name__}")
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, self._nodes - before, depth)
        return value

    def _alias(self, event: Any) -> Any:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise self._wrong(event, "an alias to nothing, or to itself")
        self._count(known.nodes, known.depth)
        return known.value

    def _collection(self, event: Any, build: Any) -> tuple[Any, int]:
        if _tag(event) not in _COLLECTION_TAGS and _tag(event):
            raise self._wrong(event, f"tag {_tag(event)[:60]} is not accepted")
        self._depth += 1
        value = build()
        self._depth -= 1
        return value, _depth(value)

    def _sequence(self) -> list[Any]:
        items = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._value(event))
        return items

    def _mapping(self) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(event)
            value = self._value(next(self._events))
            if isinstance(key, _Merge):
                for source in value if isinstance(value, list) else [value]:
                    if not isinstance(source, dict):
                        raise self._wrong(event, "<< merges mappings only")
                    merged = {**source, **merged}  # the first of a list wins
            elif key in own:
                raise self._wrong(event, f"the key {key[:80]} stands twice")
            else:
                own[key] = value
        return {**merged, **own}

    def _key(self, event: Any) -> str | _Merge:
        if isinstance(event, ScalarEvent) and event.value == "<<" and event.implicit[0] and not event.style:
            self._count(1, 1)
            return _MERGE
        key = self._value(event)
        if not isinstance(key, str):
            raise self._wrong(event, "a key that is no string")
        return key

    def _scalar(self, event: Any) -> Any:
        tag, text = _tag(event), str(event.value)
        if tag in _STRING_TAGS:
            return text
        if tag and tag not in _PLAIN_TAGS:
            raise self._wrong(event, f"tag {tag[:60]} is not accepted")
        if not tag and event.style not in {None, ""}:
            return text
        value = plain(text)
        if isinstance(value, int) and abs(value) > MAX_SAFE:
            raise self._wrong(event, "an integer beyond 2^53-1; quote it")
        if _SPECIAL.match(text) or _TIME.match(text):  # Compose rewrites a plain date as Go writes a time
            raise self._wrong(event, "infinity, not a number, or a date; quote it")
        return value


def plain(text: str) -> Any:
    """Resolve a plain scalar as go-yaml v3 does."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    bare = text.replace("_", "") if text[:1] != "_" else text
    found = _INTEGER.match(bare)
    if found:
        return int(found.group(1) + _digits(found.group(2)), 0)
    if _FLOAT.match(bare):
        return float(bare)
    return text


def _digits(text: str) -> str:
    """Write an integer literal as Python reads it: ``0440`` is octal in Go's base 0."""
    return "0o" + text[1:] if len(text) > 1 and text[0] == "0" and text[1].isdigit() else text


def _tag(event: Any) -> str:
    tag = getattr(event, "tag", None)
    return str(tag) if tag is not None else ""


def _depth(value: Any) -> int:
    """Give a value's depth; bounded by MAX_DEPTH as it was counted while reading."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 1
