"""Bodies as they come in: spooled in bounded memory and hashed on the way; documents read out of them.

Knows bytes and framing; must not know HTTP or what a document says.
"""

import base64
import binascii
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from api.calls.evidence import Document, SubmitEvidence
from api.calls.feeds import ImportFeed
from api.calls.moved import FRAMES, NDJSON
from api.problems import BodyDigestDiffers, BodyTooLarge, RequestInvalid
from api.settings import Limits
from cas import jcs
from cas.digest import Digest, Hasher
from cas.problems import Fault
from cas.records.base import Instant, Slug

IN_MEMORY: Final = 1 << 20
_HEADER_MOST: Final = 4096


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: str = ""
    format: str = ""


class Spool:
    """A body on its way in: in memory up to 1 MiB, then in an unlinked file of the home."""

    def __init__(self, folder: Path | None, most: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder) if folder else None)  # noqa: SIM115 - closed by close()
        self._hasher = Hasher()
        self._most = most
        self._at_end: Callable[[], None] | None = None
        self.size = 0

    def take(self, chunk: bytes | bytearray) -> None:
        """Take in the next bytes.

        Raises: api.body_too_large
        """
        self.size += len(chunk)
        if self.size > self._most:
            raise BodyTooLarge(limit=self._most)
        self._hasher.update(chunk)
        self._file.write(chunk)

    @property
    def digest(self) -> Digest:
        """Name what came in."""
        return self._hasher.digest()

    def check(self, stated: Digest | None) -> None:
        """Refuse a body that is not what its sender said.

        Raises: api.body_digest_differs
        """
        if stated is not None and stated != self.digest:
            raise BodyDigestDiffers(stated=stated, found=self.digest)

    def file(self) -> BinaryIO:
        """Give what came in as a file at its start."""
        self._file.seek(0)
        return cast("BinaryIO", self._file)

    def bytes(self) -> bytes:
        """Give what came in, whole."""
        return self.file().read()

    def then(self, at_end: Callable[[], None]) -> None:
        """Have something done when it is let go of."""
        self._at_end = at_end

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
        if self._at_end is not None:
            self._at_end()


def documents(spool: Spool, media_type: str, limits: Limits) -> tuple[Document, ...]:
    """Read a batch of documents: length-prefixed, NDJSON or one JSON object.

    Raises: api.request_invalid, api.body_too_large, cas.canon_invalid, cas.too_large
    """
    read = framed(spool, media_type, limits) if media_type in (FRAMES, NDJSON) else _whole(spool.bytes(), limits)
    if not read:
        raise RequestInvalid(faults=(Fault("/documents", "batch.empty", "at least one document is wanted"),))
    return read


def framed(spool: Spool, media_type: str, limits: Limits) -> tuple[Document, ...]:
    """Read documents that stand one after another: length-prefixed, or NDJSON; perhaps none.

    Raises: api.request_invalid, api.body_too_large, cas.canon_invalid, cas.too_large
    """
    read = _frames if media_type == FRAMES else _lines
    return held(read(spool.file(), limits), limits)


def held(found: Iterable[Document], limits: Limits) -> tuple[Document, ...]:
    """Give documents that keep to the bounds.

    Raises: api.body_too_large
    """
    return tuple(_bounded(iter(found), limits))


class FeedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an import says beside its documents."""

    name: str
    replace_all: bool = False
    complete: bool = False
    captured_at: Instant | None = None


def feed(
    spool: Spool, media_type: str, limits: Limits, query: list[tuple[str, str]]
) -> tuple[FeedHead, Callable[[], Iterable[Document]]]:
    """Read an import: its head from the query (or, in one JSON object, from there), its documents one at a time.

    What is given reads the documents anew whenever it is called: one at a time is held.

    Raises: api.request_invalid, api.body_too_large, cas.canon_invalid, cas.too_large
    """
    many = msgspec.structs.replace(limits, batch_documents=limits.feed_documents)
    if media_type in (FRAMES, NDJSON):
        read = _frames if media_type == FRAMES else _lines
        return _head(dict(query), strict=False), lambda: _bounded(read(spool.file(), limits), many)
    if spool.size > limits.batch_body:
        raise BodyTooLarge(limit=limits.batch_body, instead=f"{FRAMES} or {NDJSON}")
    value = jcs.parse(spool.bytes(), max_bytes=limits.batch_body, max_depth=8, max_nodes=limits.json_nodes)
    try:
        ask = msgspec.convert(value, ImportFeed)
    except (msgspec.ValidationError, ValueError) as error:
        raise RequestInvalid(faults=(Fault("", "feed.invalid", str(error)[:300]),)) from error
    return FeedHead(ask.name, ask.replace_all, ask.complete, ask.captured_at), lambda: ask.documents


def _head(found: dict[str, str], *, strict: bool) -> FeedHead:
    try:
        head = msgspec.convert(found, FeedHead, strict=strict)
        return FeedHead(msgspec.convert(head.name, Slug), head.replace_all, head.complete, head.captured_at)
    except (msgspec.ValidationError, ValueError) as error:
        raise RequestInvalid(faults=(Fault("/name", "feed.invalid", str(error)[:300]),)) from error


def frames_of(given: Iterable[Document]) -> Iterator[bytes]:
    """Spell documents length-prefixed."""
    for item in given:
        header = msgspec.json.encode(_Header(subject=item.subject, format=item.format))
        yield len(header).to_bytes(4, "big") + header + len(item.data).to_bytes(8, "big")
        yield item.data


def _bounded(items: Iterator[Document], limits: Limits) -> Iterator[Document]:
    for at, item in enumerate(items):
        if at >= limits.batch_documents:
            raise BodyTooLarge(documents_at_most=limits.batch_documents)
        if len(item.data) > limits.document:
            raise BodyTooLarge(document=at, limit=limits.document)
        yield item


def _frames(file: BinaryIO, limits: Limits) -> Iterator[Document]:
    at = 0
    while head := file.read(4):
        length = int.from_bytes(head, "big")
        if len(head) != 4 or length > _HEADER_MOST:
            raise _bad(at, "header length")
        header = file.read(length)
        count = file.read(8)
        if len(header) != length or len(count) != 8:
            raise _bad(at, "cut off")
        try:
            named = msgspec.json.decode(header, type=_Header)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _bad(at, "header") from error
        size = int.from_bytes(count, "big")
        most = limits.document + 1
        data = file.read(min(size, most))
        if len(data) != min(size, most):
            raise _bad(at, "cut off")
        if size >= most:
            raise BodyTooLarge(document=at, limit=limits.document)
        yield Document(data=data, subject=named.subject, format=named.format)
        at += 1


def _lines(file: BinaryIO, limits: Limits) -> Iterator[Document]:
    longest = limits.document * 4 // 3 + _HEADER_MOST
    at = 0
    while line := file.readline(longest + 1):
        if len(line) > longest:
            raise BodyTooLarge(document=at, limit=limits.document)
        if line.strip():
            yield _document(jcs.parse(line, max_bytes=longest, max_depth=4, max_nodes=16), at)
            at += 1


def _document(value: object, at: int) -> Document:
    try:
        return msgspec.convert(value, Document)
    except (msgspec.ValidationError, ValueError) as error:
        raise RequestInvalid(faults=(Fault(f"/documents/{at}", "document.invalid", str(error)[:200]),)) from error


def _whole(data: bytes, limits: Limits) -> tuple[Document, ...]:
    value = jcs.parse(data, max_bytes=limits.batch_body, max_depth=8, max_nodes=limits.batch_documents * 8)
    try:
        found = msgspec.convert(value, SubmitEvidence).documents
    except (msgspec.ValidationError, ValueError) as error:
        raise RequestInvalid(faults=(Fault("", "batch.invalid", str(error)[:300]),)) from error
    return held(found, limits)


def _bad(at: int, what: str) -> RequestInvalid:
    return RequestInvalid(faults=(Fault(f"/documents/{at}", "frame.invalid", f"length-prefixed document: {what}"),))


def decoded(text: str) -> bytes:
    """Read standard base64.

    Raises: api.request_invalid
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise RequestInvalid(reason="not base64") from error


def encoded(data: bytes) -> str:
    """Spell bytes as standard base64."""
    return base64.b64encode(data).decode("ascii")
