"""Async doors: bodies that are moved, not decoded. Uploads are spooled to disk in 1 MiB steps and hashed on the way;
downloads are streamed from the store, verified, with ranges.
"""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from api import bodies, exchange
from api.bodies import Spool
from api.calls.call import AnyCall
from api.calls.evaluations import EVALUATE
from api.calls.evidence import SUBMIT, Document
from api.calls.feeds import IMPORT
from api.calls.moved import ARTIFACT, EXPORT, FRAMES, NDJSON, OBJECT, OCTETS, UPLOAD, Moved
from api.calls.moved import IMPORT as BRING
from api.calls.vex_providers import UPLOAD as UPLOAD_ARTIFACT
from api.exchange import JSON, AnyRequest
from api.idempotency import Once
from api.lanes import LARGE, Lanes
from api.problems import MediaTypeUnsupported, RangeUnsatisfiable, RequestInvalid, TooMany
from api.signed import digest_of_header
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.problems import Fault

CHUNK: Final = 1 << 20
FRAMED: Final = (SUBMIT.name, IMPORT.name, EVALUATE.name, UPLOAD_ARTIFACT.name)
"""Calls whose body may be more than JSON: handled here, in api/waits.py and in api/artifact_uploads.py."""
_TEMPLATE: Final = re.compile(r"{(\w+)}")
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def handlers(base: str) -> list[HTTPRouteHandler]:
    """Give the Litestar handlers of this module."""
    return [
        _handler(base, UPLOAD.path, "POST", UPLOAD.name, _upload),
        _handler(base, SUBMIT.path, "POST", SUBMIT.name, _batch),
        _handler(base, IMPORT.path, "POST", IMPORT.name, _feed),
        _handler(base, OBJECT.path, "GET", OBJECT.name, _object),
        _handler(base, ARTIFACT.path.replace("{name}", "{name:path}"), "GET", ARTIFACT.name, _artifact),
        _handler(base, EXPORT.path, "GET", EXPORT.name, _export),
        _handler(base, BRING.path, "POST", BRING.name, _bring),
    ]


def lanes_of(request: AnyRequest) -> Lanes:
    """Give the server's lanes."""
    lanes: Lanes = request.app.state.lanes
    return lanes


def _handler(base: str, path: str, method: str, name: str, function: Callable[..., Any]) -> HTTPRouteHandler:
    made: HTTPRouteHandler = HTTPRouteHandler(
        base + _TEMPLATE.sub(r"{\1:str}", path),
        http_method=method,  # type: ignore[arg-type]  # a literal of theirs
        name=name,
        request_max_body_size=None,  # each spool holds its own bound
    )(function)
    return made


async def spooled(request: AnyRequest, most: int) -> Spool:
    """Take a body in; it is checked against Content-Digest when that is given.

    Raises: api.body_too_large, api.body_digest_differs
    """
    stated = digest_of_header(request.headers.get("content-digest", ""))
    root: Path = exchange.instance_of(request).settings.root
    lanes = lanes_of(request)
    spool = await lanes.run(lambda: Spool(root if root.is_dir() else None, most))
    try:
        chunks = _chunks(request)
        async for chunk in chunks:
            if spool.size <= LARGE < spool.size + len(chunk):
                await _placed(request, spool, chunks, most)
            await lanes.run(partial(spool.take, chunk))
        spool.check(stated)
    except BaseException:
        spool.close()
        raise
    return spool


async def _placed(request: AnyRequest, spool: Spool, rest: AsyncIterator[bytes], most: int) -> None:
    """Take one of the places for large bodies, or read the rest without keeping it, so that the answer is heard.

    Raises: api.too_many
    """
    try:
        spool.then(lanes_of(request).large.take())
    except TooMany:
        async for piece in rest:
            most -= len(piece)
            if most < 0:
                break
        raise


async def _chunks(request: AnyRequest) -> AsyncIterator[bytes]:
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) >= CHUNK:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _upload(request: AnyRequest) -> Response[bytes]:
    """Admit one raw document."""
    from api.routes.evidence import admit  # noqa: PLC0415 - the operation is loaded when it is first asked

    visit = await entered(request, UPLOAD)
    query = _query(request, UPLOAD)
    media = request.headers.get("content-type", OCTETS).partition(";")[0].strip().lower()
    if media not in UPLOAD.takes:
        raise MediaTypeUnsupported(given=media[:80], wanted=", ".join(UPLOAD.takes))
    spool = await spooled(request, visit.instance.settings.limits.document)

    def work(visit: Visit) -> bytes:
        document = Document(data=spool.bytes(), subject=query.get("subject", ""), format=query.get("format", ""))
        return exchange.encode(admit(visit, (document,)))

    try:
        return await once(request, visit, SUBMIT, spool, work)
    finally:
        spool.close()


async def _batch(request: AnyRequest) -> Response[bytes]:
    """Admit many documents, all or none."""
    from api.routes.evidence import admit  # noqa: PLC0415 - the operation is loaded when it is first asked

    visit = await entered(request, SUBMIT)
    limits = visit.instance.settings.limits
    media = _framing(request)
    spool = await spooled(request, limits.batch_body)

    def work(visit: Visit) -> bytes:
        return exchange.encode(admit(visit, bodies.documents(spool, media, limits)))

    try:
        return await once(request, visit, SUBMIT, spool, work)
    finally:
        spool.close()


async def _feed(request: AnyRequest) -> Response[bytes]:
    """Import advisories, read one at a time from the spooled body."""
    from api.routes.feeds import imported, sorted_out  # noqa: PLC0415

    visit = await entered(request, IMPORT)
    limits = visit.instance.settings.limits
    media = _framing(request)
    spool = await spooled(request, limits.feed_body)

    def work(visit: Visit) -> bytes:
        head, documents = bodies.feed(spool, media, limits, exchange.query_of(request))
        feed = replace(
            sorted_out(head.name, documents, replace_all=head.replace_all, complete=head.complete),
            captured_at=head.captured_at,
        )
        return exchange.encode(imported(visit, feed))

    try:
        return await once(request, visit, IMPORT, spool, work)
    finally:
        spool.close()


def _framing(request: AnyRequest) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (JSON, NDJSON, FRAMES):
        raise MediaTypeUnsupported(given=media[:80] or "none", wanted=f"{JSON}, {NDJSON}, {FRAMES}")
    return media


async def once(
    request: AnyRequest, visit: Visit, call: AnyCall | Moved, spool: Spool, work: Callable[[Visit], bytes]
) -> Response[bytes]:
    """Do the work once per idempotency key, in the lane that fits the body's size."""
    key = exchange.key_of(request)
    target = exchange.target_of(request).encode()

    def keyed() -> Response[bytes]:
        if not key:
            return exchange.reply(work(visit), call.status)
        mark = Once(visit, call, key, target + b"\n" + spool.digest.encode())
        kept = mark.earlier()
        if kept is not None:
            return exchange.reply(kept[1], kept[0], Idempotency_Replayed="true")
        encoded = work(mark.begin(visit))
        mark.answered(call.status, encoded)
        return exchange.reply(encoded, call.status)

    return await lanes_of(request).run(keyed, spool.size)


async def entered(request: AnyRequest, call: Moved | AnyCall) -> Visit:
    """Let somebody in for a moved call.

    Raises: auth.* problems
    """
    visit = await lanes_of(request).run(partial(exchange.visit_of, request))
    visit.asker.check(call)
    return visit


def _query(request: AnyRequest, call: Moved) -> dict[str, str]:
    known = {name for name, _ in call.query}
    found: dict[str, str] = {}
    for name, value in exchange.query_of(request):
        if name not in known or name in found:
            raise RequestInvalid(faults=(Fault(f"/{name[:80]}", "query.unknown", "unknown, or given twice"),))
        found[name] = value
    return found


async def _object(request: AnyRequest) -> Response[bytes] | Stream:
    """Give an object's bytes."""
    visit = await entered(request, OBJECT)
    _query(request, OBJECT)
    name = digest.parse(request.path_params["digest"])
    return await lanes_of(request).run(partial(given, request, visit, name, OCTETS))


async def _artifact(request: AnyRequest) -> Response[bytes] | Stream:
    """Give a deployment's file."""
    from api.routes.bytes_at import artifact  # noqa: PLC0415 - the operation is loaded when it is first asked

    visit = await entered(request, ARTIFACT)
    _query(request, ARTIFACT)
    path = request.path_params

    def work() -> Response[bytes]:
        data, media = artifact(visit, str(path["id"]), str(path["name"]).lstrip("/"))
        start, stop = wanted_range(request.headers.get("range", ""), len(data))
        partial = (start, stop) != (0, len(data))
        headers = {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}
        if partial:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return Response(data[start:stop], status_code=206 if partial else 200, media_type=media, headers=headers)

    return await lanes_of(request).run(work)


async def _export(request: AnyRequest) -> Stream:
    """Write a bundle into the home's own folder, and stream it from there."""
    from api.routes.bundles import export  # noqa: PLC0415

    visit = await entered(request, EXPORT)
    query = _query(request, EXPORT)
    folder = await lanes_of(request).run(lambda: tempfile.mkdtemp(dir=_folder(visit), prefix="bundle-"))
    path = Path(folder) / "bundle.tar"
    try:
        size = await lanes_of(request).run(lambda: export(visit, query, path), CHUNK + 1)
        file = await lanes_of(request).run(lambda: path.open("rb"))
    finally:
        await lanes_of(request).run(lambda: shutil.rmtree(folder, ignore_errors=True))  # the open file stays readable
    headers = {"Content-Length": str(size), "Content-Disposition": 'attachment; filename="stella-bundle.tar"'}
    return Stream(_file_chunks(file), media_type=EXPORT.gives, headers=headers)


def _folder(visit: Visit) -> Path | None:
    root = visit.instance.settings.root
    return root if root.is_dir() else None


def _file_chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


async def _bring(request: AnyRequest) -> Response[bytes]:
    """Bring a bundle in."""
    from api.routes.bundles import bring  # noqa: PLC0415

    visit = await entered(request, BRING)
    query = _query(request, BRING)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in BRING.takes:
        raise MediaTypeUnsupported(given=media[:80] or "none", wanted=", ".join(BRING.takes))
    spool = await spooled(request, visit.instance.settings.limits.bundle)

    def work(visit: Visit) -> bytes:
        with tempfile.NamedTemporaryFile(dir=_folder(visit), prefix="bundle-") as file:
            shutil.copyfileobj(spool.file(), file, CHUNK)
            file.flush()
            return exchange.encode(bring(visit, Path(file.name), query.get("root", "")))

    try:
        return await once(request, visit, BRING, spool, work)
    finally:
        spool.close()


def given(request: AnyRequest, visit: Visit, name: Digest, media_type: str, **headers: str) -> Response[bytes] | Stream:
    """Give an object or the wanted range of it; small ones are verified before the first byte leaves.

    Raises: cas.object_missing, cas.object_corrupt, api.range_unsatisfiable
    """
    store = visit.effects.store
    size = store.size(name)
    start, stop = wanted_range(request.headers.get("range", ""), size)
    partial = (start, stop) != (0, size)
    named = {"ETag": f'"{name}"', "Accept-Ranges": "bytes", "Content-Digest": _content_digest(name, partial=partial)}
    named |= {"X-Content-Type-Options": "nosniff", **{key.replace("_", "-"): value for key, value in headers.items()}}
    if partial:
        named["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    named = {key: value for key, value in named.items() if value}
    status = 206 if partial else 200
    if size <= CHUNK:
        return Response(store.get(name)[start:stop], status_code=status, media_type=media_type, headers=named)
    named["Content-Length"] = str(stop - start)
    body: Iterator[bytes] = store.read(name, start, stop) if partial else store.read(name)
    return Stream(body, status_code=status, media_type=media_type, headers=named)


def _content_digest(name: Digest, *, partial: bool) -> str:
    from api.signed import content_digest  # noqa: PLC0415

    return "" if partial else content_digest(name)


def wanted_range(header: str, size: int) -> tuple[int, int]:
    """Read a Range header (RFC 9110, 14.2); one that is not understood, or of several parts, is ignored.

    Raises: api.range_unsatisfiable
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found[1] == found[2] == "":
        return 0, size
    if not found[1]:
        return max(0, size - int(found[2])), size
    start = int(found[1])
    stop = min(size, int(found[2]) + 1) if found[2] else size
    if start >= size or start >= stop:
        raise RangeUnsatisfiable(size=size, range=header[:80])
    return start, stop


__all__ = ["entered", "given", "handlers", "lanes_of", "once", "spooled", "wanted_range"]
