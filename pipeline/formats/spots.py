"""Where in a document a pointer points: line, column, and the text that stands there. Knows JSON, XML and lines.

Facts keep a JSON pointer, an XPath-like place (``/bom/components[1]/component[3]``) or ``#L<line>``; here the way back
from it to the bytes. Bounded: documents beyond ``MOST`` are not looked into, excerpts are cut. Must not know formats.
"""

import codecs
import contextlib
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

import msgspec

MOST: Final = 64 << 20
EXCERPT: Final = 600
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_LINE: Final = re.compile(r"\A#L([1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text: line and column from 1, and what stands there, cut to ``EXCERPT`` characters."""

    line: int
    column: int
    text: str
    cut: bool


def spots(data: bytes, pointers: Iterable[str]) -> dict[str, Spot]:
    """Give the spot of each pointer that leads somewhere in this document; the empty one means all of it."""
    wanted = set(pointers)
    if not wanted or len(data) > MOST:
        return {}
    text = data.decode("utf-8-sig", "replace")
    starts = [0, *(each.end() for each in re.finditer("\n", text))]
    found = {one: (0, len(text)) for one in wanted if not one} | _lines(text, starts, wanted)
    rest = wanted - found.keys()
    if rest:
        found |= _elements(data, rest) if text.lstrip()[:1] == "<" else _members(text, rest)
    return {pointer: _spot(text, starts, *place) for pointer, place in found.items()}


def _spot(text: str, starts: list[int], start: int, end: int) -> Spot:
    line = bisect_right(starts, start)
    return Spot(line, start - starts[line - 1] + 1, text[start : min(end, start + EXCERPT)], end - start > EXCERPT)


def _lines(text: str, starts: list[int], wanted: set[str]) -> dict[str, tuple[int, int]]:
    numbers = {one: int(found[1]) for one in wanted if (found := _LINE.match(one))}
    ends = [*(start - 1 for start in starts[1:]), len(text)] if numbers else []
    return {one: (starts[at - 1], ends[at - 1]) for one, at in numbers.items() if at <= len(starts)}


@dataclass(slots=True)
class _Inside:
    """An object or array that is being read; ``pointer`` None: nothing wanted lies inside."""

    pointer: str | None
    start: int  # of the value, or of its name in the object above
    is_object: bool
    at: int = 0
    name: str | None = None
    name_start: int = 0

    def below(self) -> str | None:
        if self.pointer is None:
            return None
        return f"{self.pointer}/{self.name if self.is_object else self.at}"


@dataclass(slots=True)
class _Reader:
    """Walks the tokens of a JSON text and notes where the wanted values stand."""

    wanted: set[str]
    found: dict[str, tuple[int, int]] = field(default_factory=dict)
    stack: list[_Inside] = field(default_factory=list)
    above: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for one in self.wanted:
            parts = one.split("/")
            self.above |= {"/".join(parts[:to]) for to in range(1, len(parts))}

    def note(self, pointer: str | None, start: int, end: int) -> None:
        if pointer in self.wanted:
            self.found[pointer] = (start, end)

    def opened(self, word: str, start: int) -> None:
        holder = self.stack[-1] if self.stack else None
        pointer = holder.below() if holder else ""
        named = holder is not None and holder.is_object
        begin = holder.name_start if named and holder is not None else start
        kept = pointer if pointer in self.above or pointer in self.wanted else None
        self.stack.append(_Inside(kept, begin, word == "{"))

    def closed(self, end: int) -> None:
        if self.stack:
            inside = self.stack.pop()
            self.note(inside.pointer, inside.start, end)
            self.after()

    def scalar(self, word: str, start: int, end: int) -> None:
        holder = self.stack[-1] if self.stack else None
        if holder is None:
            return
        if holder.is_object and holder.name is None:
            holder.name, holder.name_start = _key(word), start
            return
        self.note(holder.below(), holder.name_start if holder.is_object else start, end)
        self.after()

    def after(self) -> None:
        if self.stack and self.stack[-1].is_object:
            self.stack[-1].name = None


def _key(word: str) -> str:
    try:
        name = msgspec.json.decode(word, type=str) if "\\" in word else word[1:-1]
    except (msgspec.DecodeError, msgspec.ValidationError):
        name = word[1:-1]
    return name.replace("~", "~0").replace("/", "~1")


def _members(text: str, wanted: set[str]) -> dict[str, tuple[int, int]]:
    """Find JSON pointers, also in JSON lines that stand one after another as the items of one array."""
    reader = _Reader(wanted)
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "{[":
            reader.opened(word, token.start())
        elif word in "}]":
            reader.closed(token.end())
        elif word == ",":
            if reader.stack:
                reader.stack[-1].at += 1
        elif word != ":":
            reader.scalar(word, token.start(), token.end())
        if len(reader.found) == len(wanted):
            break
    return reader.found


class _DoctypeError(Exception):
    """A document with a DTD was never admitted."""


def _elements(data: bytes, wanted: set[str]) -> dict[str, tuple[int, int]]:
    """Find places in an XML document; what its parser refuses was never admitted, and gives nothing more."""
    at: dict[str, tuple[int, int]] = {}  # in bytes
    path: list[str] = []
    counts: list[dict[str, int]] = [{}]
    opened: list[int] = []
    parser = expat.ParserCreate()

    def start(name: str, _attributes: object) -> None:
        local = name.rpartition(":")[2]
        counts[-1][local] = counts[-1].get(local, 0) + 1
        path.append(f"{local}[{counts[-1][local]}]" if path else local)
        counts.append({})
        opened.append(parser.CurrentByteIndex)

    def end(name: str) -> None:
        place = "/" + "/".join(path)
        if place in wanted:
            shut = data.find(b">", parser.CurrentByteIndex) + 1
            at[place] = (opened[-1], shut or parser.CurrentByteIndex + len(name))
        for held in (path, counts, opened):
            held.pop()

    def refuse(*_: object) -> None:
        raise _DoctypeError

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    with contextlib.suppress(expat.ExpatError, _DoctypeError):
        parser.Parse(data, True)
    return _characters(data, at)


def _characters(data: bytes, at: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Turn places in bytes into places in the decoded text, reading it once."""
    places = sorted({each for pair in at.values() for each in pair})
    characters: dict[int, int] = {}
    begin, count = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0, 0
    for place in places:
        count += len(data[begin:place].decode("utf-8", "replace"))
        characters[place], begin = count, max(begin, place)
    return {pointer: (characters[first], characters[last]) for pointer, (first, last) in at.items()}
