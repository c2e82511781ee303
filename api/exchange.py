"""HTTP in and out: who asks, what they ask, the encoded answer, the problem document. Knows Litestar, not any call."""

from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from api.asker import Asker
from api.auth import PEER
from api.calls.call import AnyCall
from api.instance import Instance
from api.problems import (
    MEDIA_TYPE,
    BodyTooLarge,
    Failed,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    RequestInvalid,
    body_of,
    status_of,
)
from api.visit import Visit, enter
from cas.problems import Category, Fault, Problem

JSON: Final = "application/json"
AnyRequest = Request[Any, Any, Any]
_ENCODER: Final = msgspec.json.Encoder()
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_KEY_MOST: Final = 255
_AGAIN: Final = "1"  # seconds


def instance_of(request: AnyRequest) -> Instance:
    """Give the instance this server serves."""
    instance: Instance = request.app.state.instance
    return instance


def target_of(request: AnyRequest) -> str:
    """Give path and query as they were sent."""
    raw = (request.scope.get("raw_path") or request.scope["path"].encode()).partition(b"?")[0]
    query: bytes = request.scope.get("query_string", b"")
    return (raw + (b"?" + query if query else b"")).decode("latin-1")


def asker_of(request: AnyRequest) -> Asker:
    """Recognise who asks.

    Raises: auth.* problems
    """
    client = request.scope.get("client")
    headers = {name.lower(): value for name, value in request.headers.items()}
    peer = client[0] if client else ""
    return instance_of(request).doorkeeper.recognise(request.method, target_of(request), headers, peer)


def visit_of(request: AnyRequest) -> Visit:
    """Let whoever asks in.

    Raises: auth.* problems
    """
    instance = instance_of(request)
    client = request.scope.get("client")
    local = client is not None and client[0] == f"{PEER}{instance.doorkeeper.owner_uid}"
    return enter(instance, asker_of(request), local=local)


def query_of(request: AnyRequest) -> list[tuple[str, str]]:
    """Give the query's pairs in order."""
    return [(name, str(value)) for name, value in request.query_params.multi_items()]


def length_of(request: AnyRequest) -> int:
    """Give how many bytes a JSON body may take: what it says, or all that is allowed when it does not say."""
    most = instance_of(request).settings.limits.json_body
    stated = request.headers.get("content-length", "")
    return min(int(stated), most) if stated.isdecimal() and len(stated) < 20 else most


def key_of(request: AnyRequest) -> str:
    """Give the idempotency key, empty when there is none.

    Raises: api.request_invalid
    """
    key = request.headers.get("idempotency-key", "")
    if len(key) > _KEY_MOST or not key.isprintable():
        raise RequestInvalid(faults=(Fault("/Idempotency-Key", "header.invalid", "1 to 255 printable characters"),))
    return key


def want_json(request: AnyRequest, body: bytes) -> None:
    """Refuse a body that does not say it is JSON.

    Raises: api.media_type_unsupported
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and given != JSON:
        raise MediaTypeUnsupported(given=given[:80] or "none", wanted=JSON)


def encode(answer: Any) -> bytes:
    """Encode an answer."""
    return _ENCODER.encode(answer)


def reply(body: bytes, status: int, media_type: str = JSON, **headers: str) -> Response[bytes]:
    """Give bytes as a response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status_code=status, media_type=media_type, headers={**_HEADERS, **named})


def answer(call: AnyCall, body: bytes) -> Response[bytes]:
    """Give a call's answer as a response."""
    return reply(body, call.status)


def refuse(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Turn whatever was raised into a problem document; what is no Problem says nothing of our inside."""
    problem = error if isinstance(error, Problem) else _problem_of(error)
    body = body_of(problem, request.scope["path"])
    headers = {}
    if body.status == 401:
        headers["WWW_Authenticate"] = 'Bearer realm="stella"'
    if problem.category is Category.UNAVAILABLE:
        headers["Retry_After"] = _AGAIN
    return reply(_ENCODER.encode(body), body.status, MEDIA_TYPE, **headers)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return NotFound()
        if error.status_code == 405:
            return MethodNotAllowed()
        if error.status_code == 413:
            return BodyTooLarge()
        if 400 <= error.status_code < 500:
            return RequestInvalid(reason=str(error.detail)[:200])
    if isinstance(error, UnicodeError):
        return RequestInvalid(reason="not UTF-8")
    return Failed(kind=type(error).__name__)


__all__ = [
    "answer",
    "asker_of",
    "encode",
    "instance_of",
    "key_of",
    "query_of",
    "refuse",
    "reply",
    "status_of",
    "target_of",
    "visit_of",
    "want_json",
]
