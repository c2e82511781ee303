"""The one call from CI as an async door: the body is spooled, the answer may be held back until it is decided.

Waiting holds no thread: the log is looked at, and only when something was admitted is the question asked again.
"""

import asyncio
from functools import partial
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from api import bodies, exchange, forms
from api.bodies import Spool
from api.calls.evaluations import EVALUATE, MULTIPART, EvaluateEvidence, Evaluation
from api.calls.moved import FRAMES, NDJSON
from api.exchange import JSON, AnyRequest
from api.problems import MediaTypeUnsupported, RequestInvalid
from api.settings import Limits
from api.streams import entered, lanes_of, once, spooled
from api.visit import Visit
from cas import jcs
from cas.problems import Fault

LOOK: Final = 0.2  # seconds between two looks at the log


def handlers(base: str) -> list[HTTPRouteHandler]:
    """Give the Litestar handlers of this module."""
    made: HTTPRouteHandler = HTTPRouteHandler(
        base + EVALUATE.path,
        http_method="POST",
        name=EVALUATE.name,
        status_code=EVALUATE.status,
        request_max_body_size=None,  # the spool holds its own bound
    )(_evaluate)
    return [made]


async def _evaluate(request: AnyRequest) -> Response[bytes]:
    """Admit documents and judge; wait while that is asked and nothing is decided."""
    from api.routes.evaluations import evaluate  # noqa: PLC0415 - the operation is loaded when it is first asked

    visit = await entered(request, EVALUATE)
    limits = visit.instance.settings.limits
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (JSON, NDJSON, FRAMES, MULTIPART):
        raise MediaTypeUnsupported(given=media[:80] or "none", wanted=f"{JSON}, {NDJSON}, {FRAMES}, {MULTIPART}")
    spool = await spooled(request, limits.batch_body)
    try:
        ask = await lanes_of(request).run(partial(_asked, request, spool, media, limits), spool.size)
        first = await once(request, visit, EVALUATE, spool, lambda visit: exchange.encode(evaluate(visit, ask)))
    finally:
        spool.close()
    return await _decided(request, visit, ask, first) if ask.wait else first


def _asked(request: AnyRequest, spool: Spool, media: str, limits: Limits) -> EvaluateEvidence:
    """Read the question and its documents out of a body; beside framed ones the question stands in the query.

    Raises: api.request_invalid, api.body_too_large, cas.canon_invalid, cas.too_large
    """
    fields: dict[str, Any] = {}
    for name, value in exchange.query_of(request):
        if name in fields or name == "documents":
            raise RequestInvalid(faults=(Fault(f"/{name[:80]}", "query.unknown", "unknown, or given twice"),))
        fields[name] = value
    if media == JSON:
        body = jcs.parse(
            spool.bytes(), max_bytes=limits.batch_body, max_depth=8, max_nodes=64 + limits.batch_documents * 8
        )
        if not isinstance(body, dict):
            raise RequestInvalid(faults=(Fault("", "body.not_an_object", "a JSON object is wanted"),))
        ask = _converted({**fields, **body}, strict=not fields)
        return msgspec.structs.replace(ask, documents=bodies.held(ask.documents, limits))
    if media == MULTIPART:
        more, documents = forms.parts(spool, request.headers["content-type"], limits)
        return msgspec.structs.replace(_converted({**fields, **more}, strict=False), documents=documents)
    found = bodies.framed(spool, media, limits)
    return msgspec.structs.replace(_converted(fields, strict=False), documents=found)


def _converted(fields: dict[str, Any], *, strict: bool) -> EvaluateEvidence:
    try:
        return msgspec.convert(fields, EvaluateEvidence, strict=strict)
    except (msgspec.ValidationError, ValueError) as error:
        raise RequestInvalid(faults=(Fault("", "evaluation.invalid", str(error)[:300]),)) from error


async def _decided(request: AnyRequest, visit: Visit, ask: EvaluateEvidence, first: Response[bytes]) -> Response[bytes]:
    """Ask again whenever the log grew, until there is an answer or the time is over; the last answer counts."""
    from api.routes.evaluations import again  # noqa: PLC0415

    found = msgspec.json.decode(first.content, type=Evaluation)
    loop = asyncio.get_running_loop()
    end = loop.time() + ask.wait
    log = visit.effects.log
    size = found.log_size
    while found.verdict.outcome == "undecided" and loop.time() < end:
        await asyncio.sleep(LOOK)
        if log.head().size > size:
            found = await lanes_of(request).run(partial(again, visit, found, ask.environment))
            size = log.head().size
    return exchange.reply(exchange.encode(found), EVALUATE.status)
