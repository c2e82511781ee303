"""checksums.sha256, as ``sha256sum -c`` reads it (coreutils, sha256sum: names with a backslash or newline escaped)."""

from collections.abc import Iterable, Mapping
from typing import Final

from cas.digest import Digest
from targets.render.sticker import STICKER_NAME

CHECKSUMS_NAME: Final = "checksums.sha256"


def text(files: Iterable[tuple[str, Digest]]) -> bytes:
    """Write one line for each (name, digest), sorted by name; the file itself is never in it."""
    return "".join(_line(name, named) for name, named in sorted(files) if name != CHECKSUMS_NAME).encode()


def _line(name: str, named: Digest) -> str:
    if not any(char in name for char in "\\\n\r"):
        return f"{named[7:]}  {name}\n"
    safe = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"\\{named[7:]}  {safe}\n"


def on_target(files: Mapping[str, Digest], target: str) -> dict[str, Digest]:
    """Give the files that one target receives, under the names they have there: no other target's sticker."""
    own = f"targets/{target}/"
    found = {name: named for name, named in files.items() if not name.startswith("targets/")}
    return {**found, **{name.removeprefix(own): named for name, named in files.items() if name == own + STICKER_NAME}}
