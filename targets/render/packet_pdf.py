"""The evidence packet as PDF, for people and auditors' folders. Pure: same packet, same bytes.

The PDF proves nothing by itself: it names the digest of the signed JSON, which does. Foreign text is escaped to
printable ASCII, so that no name can hide or imitate a line.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from cas import digest
from targets.render import signed_json

_TITLES: Final = {
    "release_decision": "Release decision",
    "deployment": "Deployment",
    "rollback": "Rollback",
    "ab_promotion": "A/B promotion",
}
_SECTIONS: Final = (("who", "Who"), ("what", "What"), ("why", "Why"), ("how", "How"), ("when", "When"))
MAX_TEXT: Final = 2_000
MAX_ROWS: Final = 20_000


def render(data: bytes) -> bytes:
    """Render a signed packet.

    Raises: artifact.document_invalid, cas.canon_invalid, cas.too_large
    """
    packet = signed_json.read(data)
    inner = packet.get("content")
    if not isinstance(inner, dict):
        raise signed_json.DocumentInvalid(field="content", reason="not a packet")
    pdf = _Page(_instant(packet))
    pdf.title_line(f"{_TITLES.get(str(packet.get('type')), 'Evidence packet')}: evidence packet")
    for name in ("id", "type", "version", "generatedAt", "generatorVersion", "tenantId"):
        pdf.row(name, packet.get(name))
    pdf.row("sha256 of the signed JSON", digest.of_bytes(data))
    left = MAX_ROWS
    for key, title in _SECTIONS:
        pdf.section(title)
        for path, value in _rows(inner.get(key)):
            left -= 1
            if left <= 0:
                raise signed_json.DocumentInvalid(field=key, reason=f"more than {MAX_ROWS} rows")
            pdf.row(path, value)
    pdf.section("Signature")
    for name in ("contentHash", "signatureAlgorithm", "signerKeyRef", "signerKeyId", "signature"):
        pdf.row(name, packet.get(name))
    return bytes(pdf.output())


def plain(value: Any) -> str:
    """Write a value as one line of printable ASCII; everything else is escaped."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "".join(char if 0x20 <= ord(char) < 0x7F else _escaped(char) for char in str(value))
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + f"... ({len(text)} characters)"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _instant(packet: dict[str, Any]) -> datetime:
    try:
        return datetime.strptime(str(packet.get("generatedAt")), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise signed_json.DocumentInvalid(field="generatedAt", reason="not an instant") from error


def _rows(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten a section into (path, value) rows, in the document's order."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _rows(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for at, item in enumerate(value, 1):
            yield from _rows(item, f"{path} {at}")
    elif not isinstance(value, dict | list):
        yield path or "-", value


class _Page(FPDF):  # type: ignore[misc]  # fpdf2 carries no types that mypy is let to follow
    """An A4 page with a footer; the creation date is the packet's, so the bytes are."""

    def __init__(self, at: datetime) -> None:
        super().__init__(format="A4")
        self.set_creation_date(at)
        self.set_producer("stella")
        self.set_auto_page_break(auto=True, margin=18)
        self.set_compression(True)
        self.add_page()

    def footer(self) -> None:
        """Number the pages."""
        self.set_y(-14)
        self.set_font("Helvetica", size=8)
        self.cell(0, 8, f"{self.page_no()}", align="C")

    def title_line(self, text: str) -> None:
        """Write the title."""
        self.set_font("Helvetica", style="B", size=16)
        self.cell(0, 12, plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def section(self, text: str) -> None:
        """Begin a section."""
        self.ln(3)
        self.set_font("Helvetica", style="B", size=12)
        self.cell(0, 8, plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(self, name: str, value: Any) -> None:
        """Write a name and its value, wrapped anywhere: digests have no blanks."""
        self.set_font("Helvetica", size=7)
        self.multi_cell(0, 3.6, plain(name), new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode="CHAR")
        self.set_font("Courier", size=8)
        self.multi_cell(0, 4.2, plain(value) or " ", new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode="CHAR")
