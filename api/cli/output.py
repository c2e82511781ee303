"""Printing: tables, JSON, NDJSON; foreign strings escaped, so that no name can speak to the terminal."""

import enum
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from api.door import Door
    from api.settings import Settings

_WIDEST: Final = 120


class Format(str, enum.Enum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"


class Screen:
    """What every command has: the settings, the door, and how to print."""

    def __init__(self, form: Format, settings: "Callable[[], Settings]") -> None:
        self.form = form
        self._read = settings
        self._settings: Settings | None = None

    @property
    def settings(self) -> "Settings":
        """The settings, read once, when they are first needed."""
        if self._settings is None:
            self._settings = self._read()
        return self._settings

    def door(self, *, writable: bool = True, unnamed: bool = False) -> "AbstractContextManager[Door]":
        """Open the door that the settings lead to; ``unnamed``: without saying who asks."""
        from api.door import open_door

        settings = self.settings
        if unnamed:
            import msgspec

            settings = msgspec.structs.replace(settings, token="", identity_token="", identity_audience="", key="")
        return open_door(settings, writable=writable)

    def show(self, answer: Any, pairs: Sequence[tuple[str, object]]) -> None:
        """Print one answer: as JSON, or as names and values."""
        if self.form is not Format.TABLE:
            self._json(answer)
            return
        width = max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            typer.echo(f"{name:<{width}}  {clean(value)}")

    def table(self, answer: Any, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a listing: as JSON, one JSON value a line, or in columns."""
        if self.form is Format.JSON:
            self._json(answer)
        elif self.form is Format.NDJSON:
            import msgspec

            for item in _lines(answer):
                typer.echo(ascii_json(msgspec.json.encode(item)))
        else:
            columns(titles, [[clean(cell) for cell in row] for row in rows])

    def say(self, line: str) -> None:
        """Print a sentence: to standard output beside a table, else to standard error."""
        typer.echo(clean(line), err=self.form is not Format.TABLE)

    def apart(self) -> "Screen":
        """Give a screen whose sentences go to standard error: standard output holds a document."""
        return Screen(Format.JSON, lambda: self.settings)

    def _json(self, answer: Any) -> None:
        import msgspec

        data = msgspec.json.encode(answer)
        if self.form is Format.JSON:
            data = msgspec.json.format(data, indent=2)
        typer.echo(ascii_json(data))


def _lines(answer: Any) -> Sequence[Any]:
    """Give what stands on a line of its own: each item of a list or a page; an answer that is neither is one line."""
    items = answer if isinstance(answer, list | tuple) else getattr(answer, "items", None)
    return items if isinstance(items, list | tuple) else (answer,)


def group(text: str) -> typer.Typer:
    """Make a group of commands with plain help."""
    return typer.Typer(rich_markup_mode=None, no_args_is_help=True, add_completion=False, help=text)


def screen(context: typer.Context) -> Screen:
    """Give the screen of a command."""
    found: Screen = context.find_root().obj
    return found


def clean(value: object) -> str:
    """Spell a value on one line without anything that a terminal would obey (C0, C1, bidi, line breaks)."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(clean(item) for item in value) or "-"
    return "".join(c if c.isprintable() else escape(c) for c in str(value))


def escape(character: str) -> str:
    """Spell a character as JSON would."""
    point = ord(character)
    if point > 0xFFFF:
        point -= 0x10000
        return f"\\u{0xD800 + (point >> 10):04x}\\u{0xDC00 + (point & 0x3FF):04x}"
    return f"\\u{point:04x}"


def ascii_json(data: bytes) -> str:
    """Give JSON text in which whatever is not printable is escaped; it means the same."""
    text = data.decode()
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else escape(c) for c in text)


def columns(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns; only the last may be wider than the rest of the line."""
    if not rows:
        typer.echo("nothing")
        return
    widths = [max(len(title), *(len(row[at]) for row in rows)) for at, title in enumerate(titles)]
    for row in (titles, *rows):
        cells = [f"{cell:<{min(width, _WIDEST)}}" for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def when(instant: str | None) -> str:
    """Spell an instant in local time and UTC."""
    from api.times import shown

    return shown(instant or "")


def soon(instant: str | None) -> str:
    """Spell an instant for a column; JSON and the commands that show one thing tell it in full."""
    from api.times import brief

    return brief(instant) if instant else ""


def short(digest: str | None) -> str:
    """Shorten a digest for a column."""
    return digest[:19] if digest else ""


def complain(line: str, *, hint: str = "", bare: bool = False) -> None:
    """Print to standard error."""
    print(clean(line) if bare else f"stella: {clean(line)}", file=sys.stderr)
    if hint:
        print(f"  {clean(hint)}", file=sys.stderr)


@contextmanager
def working(text: str) -> Iterator[Callable[[str], None]]:
    """Show a bar while something takes more than a second, when a person watches; give what changes its text."""
    from api.settings import interactive

    if not interactive() or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from api.cli.progress import after_a_second

    with after_a_second(text) as tell:
        yield tell
