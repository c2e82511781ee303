"""The HTTP door: one Litestar handler per line of the routes catalog, plain functions on a sized executor.

Everything under /api/v1 answers JSON or an RFC 9457 problem; bodies that are moved stand in api/streams.py.
"""

import sys
import traceback
from collections.abc import Sequence
from functools import partial
from typing import Any

from litestar import Litestar, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from api import artifact_uploads, decode, exchange, registry, streams, waits
from api.calls.call import AnyCall
from api.exchange import AnyRequest
from api.idempotency import Once
from api.instance import Instance
from api.lanes import Lanes
from api.openapi import BASE, document
from api.perform import perform
from api.problems import STATUS, BodyDigestDiffers, Failed, NotFound
from api.routes.catalog import every_handler
from api.routes.handler import AnyHandler
from api.signed import digest_of_header
from cas import digest
from cas.problems import Problem


def create_app(instance: Instance) -> Litestar:
    """Build the application over an open instance."""
    calls = (_route(handler) for handler in every_handler() if handler.call.name not in streams.FRAMED)
    return _app(
        instance,
        [
            *calls,
            *streams.handlers(BASE),
            *waits.handlers(BASE),
            *artifact_uploads.handlers(BASE),
            *registry.handlers(),
            _openapi,
        ],
    )


def create_registry(instance: Instance) -> Litestar:
    """Build an application that serves /v2/ and nothing else."""
    return _app(instance, registry.handlers())


def _app(instance: Instance, handlers: Sequence[HTTPRouteHandler]) -> Litestar:
    lanes = Lanes(instance.settings)
    return Litestar(
        route_handlers=handlers,
        exception_handlers={Problem: exchange.refuse, HTTPException: exchange.refuse, Exception: _failed},
        middleware=[lanes.bounded],
        state=State({"instance": instance, "lanes": lanes, "shelf": registry.Shelf()}),
        on_shutdown=[lanes.close],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=instance.settings.limits.json_body,
        debug=False,
    )


@get(f"{BASE}/openapi.json", sync_to_thread=False)
def _openapi() -> Response[bytes]:
    return exchange.reply(document(), 200)


def _failed(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer for a fault of ours, and tell the operator: on standard error, never to the caller."""
    answer = exchange.refuse(request, error)
    if answer.status_code == STATUS[Failed.category]:
        traceback.print_exception(error, file=sys.stderr)
    return answer


def path_of(template: str) -> str:
    """Spell a call's path for Litestar; each name ends in ``_``, since its own words (``request``) may be ours."""
    return BASE + template.replace("}", "_:str}")


def _litestar_path(call: AnyCall) -> str:
    """Spell a path for Litestar; a parameter with slashes takes the rest, the word after it is cut off again."""
    if not call.slashes:
        return path_of(call.path)
    head, _, _ = call.path.rpartition("{")
    return path_of(head) + "{" + call.in_path[-1] + "_:path}"


def _in_path(call: AnyCall, request: AnyRequest) -> dict[str, str]:
    """Give the path's parameters.

    Raises: api.not_found
    """
    found = {name.removesuffix("_"): str(value) for name, value in request.path_params.items()}
    if call.slashes:
        name, tail = call.in_path[-1], call.path.rpartition("}")[2]
        if not found[name].endswith(tail):
            raise NotFound(path=request.scope["path"][:200])
        found[name] = found[name].lstrip("/").removesuffix(tail)
    return found


def _route(handler: AnyHandler) -> HTTPRouteHandler:
    answer = _with_body if handler.call.has_body else _without_body

    async def handle(request: AnyRequest) -> Response[bytes]:
        lanes: Lanes = request.app.state.lanes
        if not handler.call.has_body:
            return await lanes.run(partial(answer, handler, request, b""))
        with lanes.memory.taken(exchange.length_of(request)):
            body = await request.body()
            return await lanes.run(partial(answer, handler, request, body), len(body))

    made: HTTPRouteHandler = HTTPRouteHandler(
        _litestar_path(handler.call),
        http_method=handler.call.method,
        status_code=handler.call.status,
        name=handler.call.name,
    )(handle)
    return made


def _without_body(handler: AnyHandler, request: AnyRequest, _body: bytes) -> Response[bytes]:
    call = handler.call
    visit = exchange.visit_of(request)
    visit.asker.check(call)
    ask = decode.of_text(call, _in_path(call, request), exchange.query_of(request))
    return exchange.answer(call, exchange.encode(perform(handler, visit, ask)))


def _with_body(handler: AnyHandler, request: AnyRequest, body: bytes) -> Response[bytes]:
    call = handler.call
    visit = exchange.visit_of(request)
    visit.asker.check(call)
    stated = digest_of_header(request.headers.get("content-digest", ""))
    if stated is not None and stated != digest.of_bytes(body):
        raise BodyDigestDiffers(stated=stated)
    exchange.want_json(request, body)
    ask = decode.of_json(call, _in_path(call, request), body, visit.instance.settings.limits)
    key = exchange.key_of(request)
    if not key or call.method != "POST":
        return exchange.answer(call, exchange.encode(perform(handler, visit, ask)))
    once = Once(visit, call, key, exchange.target_of(request).encode() + b"\n" + body)
    kept = once.earlier()
    if kept is not None:
        return exchange.reply(kept[1], kept[0], Idempotency_Replayed="true")
    encoded = exchange.encode(perform(handler, once.begin(visit), ask))
    once.answered(call.status, encoded)
    return exchange.answer(call, encoded)


def routes() -> tuple[tuple[str, str, Any], ...]:
    """List method, path and handler of every call, for documentation."""
    return tuple((handler.call.method, BASE + handler.call.path, handler) for handler in every_handler())
