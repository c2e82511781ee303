"""Signed JSON files: what is signed, how a signature goes in, how it is written. Knows bytes; holds no keys.

``signature`` is standard base64 over the canonical JSON (RFC 8785) of the document without ``signature`` only. How a
signature is spelled is known by ``documents``.
"""

from collections.abc import Sequence
from typing import Any, Final

from cas import jcs
from cas.problems import Category, Problem

MAX_BYTES: Final = 16 << 20
_STEP: Final = "  "


class DocumentInvalid(Problem):
    """A file is not a signed JSON document of ours."""

    code = "artifact.document_invalid"
    category = Category.INVALID
    title = "Not a signed document"
    remedy = "Check that the file is complete and was not edited."


def read(data: bytes) -> dict[str, Any]:
    """Read a JSON document strictly.

    Raises: artifact.document_invalid, cas.canon_invalid, cas.too_large
    """
    value = jcs.parse(data, max_bytes=MAX_BYTES)
    if not isinstance(value, dict):
        raise DocumentInvalid(field="", reason="not a JSON object")
    return value


def signed_bytes(document: dict[str, Any]) -> bytes:
    """Give what a signature covers: the canonical JSON of all but ``signature``."""
    return jcs.of_value({key: value for key, value in document.items() if key != "signature"})


def sealed(body: bytes, signature: str, order: Sequence[str] = ()) -> bytes:
    """Put a captured signature into a body and write the file, indented, for people to read.

    Raises: artifact.document_invalid, cas.canon_invalid
    """
    document = {**read(body), "signature": signature}
    first = [key for key in order if key in document]
    ordered = {key: document[key] for key in [*first, *sorted(set(document) - set(first))]}
    return ("\n".join(_lines(ordered, "")) + "\n").encode()


def _lines(value: Any, indent: str) -> list[str]:
    """Indent JSON by two spaces; members of inner objects keep the canonical order of the body."""
    if isinstance(value, dict) and value:
        parts = [(_text(key) + ": ", item) for key, item in value.items()]
        return _block(parts, indent, "{", "}")
    if isinstance(value, list) and value:
        return _block([("", item) for item in value], indent, "[", "]")
    return [_text(value)]


def _block(parts: list[tuple[str, Any]], indent: str, opens: str, closes: str) -> list[str]:
    out = [opens]
    for at, (head, item) in enumerate(parts):
        inner = _lines(item, indent + _STEP)
        inner[0] = indent + _STEP + head + inner[0]
        inner[-1] += "," if at < len(parts) - 1 else ""
        out += inner
    out.append(indent + closes)
    return out


def _text(value: Any) -> str:
    return jcs.of_value(value).decode()
