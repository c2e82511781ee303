"""Env files as Compose reads them (compose-go, dotenv): names, quotes, comments. Must not know what the values mean."""

import re
from typing import Final

from cas.problems import Fault
from targets.compose.interpolate import Variables, escape

_LINE: Final = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*(?P<sign>[=:]|(?=\r?\n|\Z|#))"
)
_BLANK: Final = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t\r]*(?:#[^\n]*\Z)?")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
MAX_BYTES: Final = 1 << 20
MAX_NAMES: Final = 10_000


def read(data: bytes, path: str, variables: Variables, *, raw: bool = False) -> dict[str, str | None]:
    """Give names and values as Compose source text; None is a name without a value, taken from around.

    Later lines see earlier ones. Faults are noted in ``variables``. ``raw`` files hold NAME=VALUE, taken literally.
    """
    try:
        text = data.decode("utf-8-sig") if len(data) <= MAX_BYTES else ""
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(data) > MAX_BYTES:
        variables.faults.append(Fault(f"/{path}", "compose.env_file_invalid", "not UTF-8 text of at most 1 MiB"))
        return {}
    return _raw(text, path, variables) if raw else _lines(text, path, variables)


def _raw(text: str, path: str, variables: Variables) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, sign, value = line.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]*", name):
            variables.faults.append(Fault(f"/{path}", "compose.env_file_invalid", f"line {number} is not NAME=VALUE"))
            continue
        found[name] = escape(value)
    return found


def _lines(text: str, path: str, variables: Variables) -> dict[str, str | None]:
    text = text.replace("\r\n", "\n")
    found: dict[str, str | None] = {}
    at = 0
    while True:
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if at >= len(text) or len(found) > MAX_NAMES:
            return found
        head = _LINE.match(text, at)
        number = text.count("\n", 0, at) + 1
        if head is None:
            variables.faults.append(Fault(f"/{path}", "compose.env_file_invalid", f"line {number} is not NAME=VALUE"))
            end = text.find("\n", at)
            at = len(text) if end < 0 else end + 1
            continue
        if not head["sign"]:
            found[head["name"]] = None
            at = _line_end(text, head.end())
            continue
        known = {**{k: v for k, v in found.items() if v is not None}}
        value, at = _value(text, head.end(), f"/{path}#{number}", _Seen(variables, known))
        found[head["name"]] = value


class _Seen:
    """Variables of the environment first, then those of the file above this line."""

    def __init__(self, variables: Variables, known: dict[str, str]) -> None:
        self._variables = variables
        self._known = known

    def expand(self, text: str, pointer: str) -> str:
        """Expand; names set above in the file are filled in with their source text."""
        outer = self._variables
        if "$" not in text:
            return text
        inner = {name: value for name, value in self._known.items() if "$" not in value}
        both = Variables({**inner, **outer.values}, outer.secrets, outer.final, outer.asked, outer.kept, outer.faults)
        return both.expand(text, pointer)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _value(text: str, at: int, pointer: str, seen: _Seen) -> tuple[str, int]:
    while text[at : at + 1] in {" ", "\t"}:
        at += 1
    quote = text[at : at + 1]
    if quote == "'":
        end = text.find("'", at + 1)
        if end >= 0:
            return escape(text[at + 1 : end]), _line_end(text, end + 1)
    if quote == '"':
        value, end = _double(text, at + 1)
        if end >= 0:
            return seen.expand(value, pointer), _line_end(text, end)
    end = _line_end(text, at)
    bare = text[at:end].rstrip("\n")
    bare = re.split(r"(?:^|[ \t])#", bare, maxsplit=1)[0]
    return seen.expand(bare.strip(), pointer), end


def _double(text: str, at: int) -> tuple[str, int]:
    """Read up to the closing quote; gives source text and the place after it, or -1 when it never closes."""
    out: list[str] = []
    while at < len(text):
        char = text[at]
        if char == '"':
            return "".join(out), at + 1
        if char == "\\" and at + 1 < len(text):
            out.append(_ESCAPES.get(text[at + 1], "\\" + text[at + 1]))
            at += 2
            continue
        out.append(char)
        at += 1
    return "", -1
