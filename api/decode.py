"""Turning query, path and JSON body into a request struct; every fault is named. Must not know what a call does."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import jsonschema_rs
import msgspec

from api.calls.call import AnyCall, Ask
from api.problems import RequestInvalid
from api.settings import Limits
from cas import jcs
from cas.problems import Fault

Q = TypeVar("Q", bound=Ask)
_MANY = 100


def of_text(call: AnyCall, path: Mapping[str, str], query: Iterable[tuple[str, str]]) -> Ask:
    """Build the request of a call that has no body.

    Raises: api.request_invalid
    """
    found: dict[str, Any] = dict(path)
    faults: list[Fault] = []
    for name, value in query:
        if name not in call.elsewhere:
            faults.append(Fault(f"/{name}", "query.unknown", "no such parameter"))
        elif name in found:
            faults.append(Fault(f"/{name}", "query.repeated", "given twice"))
        else:
            found[name] = value
    if faults:
        raise RequestInvalid(call=call.name, faults=tuple(faults))
    return _convert(call, found, strict=False)


def of_json(call: AnyCall, path: Mapping[str, str], body: bytes, limits: Limits) -> Ask:
    """Build the request of a call from its path and JSON body; size, depth and nodes are bounded first.

    Raises: api.request_invalid, cas.canon_invalid, cas.too_large
    """
    value = jcs.parse(
        body or b"{}", max_bytes=limits.json_body, max_depth=limits.json_depth, max_nodes=limits.json_nodes
    )
    if not isinstance(value, dict):
        raise RequestInvalid(call=call.name, faults=(Fault("", "body.not_an_object", "a JSON object is wanted"),))
    return of_value(call, path, value)


def of_value(call: AnyCall, path: Mapping[str, str], value: dict[str, Any]) -> Ask:
    """Build the request of a call from decoded JSON.

    Raises: api.request_invalid
    """
    twice = tuple(Fault(f"/{name}", "body.in_path", "stands in the path") for name in sorted(set(value) & set(path)))
    if twice:
        raise RequestInvalid(call=call.name, faults=twice)
    return _convert(call, {**value, **path}, strict=True)


def _convert(call: AnyCall, found: dict[str, Any], *, strict: bool) -> Ask:
    numbers = {name: int(text) for name, text in found.items() if strict and name in call.in_path and text.isdecimal()}
    try:
        ask: Ask = msgspec.convert({**found, **_whole(call, numbers)}, call.request, strict=strict)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        faults = _faults(call, found) if strict else ()
        raise RequestInvalid(call=call.name, faults=faults or (_only(error),)) from error
    return ask


def _whole(call: AnyCall, numbers: dict[str, int]) -> dict[str, int]:
    """Keep path numbers only where the request wants a number: a name of digits stays a name."""
    wanted = msgspec.json.schema(call.request)["$defs"][call.request.__name__]["properties"] if numbers else {}
    return {name: value for name, value in numbers.items() if wanted.get(name, {}).get("type") == "integer"}


@cache
def _validator(request: type[Ask]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(msgspec.json.schema(request))


def _faults(call: AnyCall, found: dict[str, Any]) -> tuple[Fault, ...]:
    """Look a second time, collecting every fault (only on failure: it is slower)."""
    named = []
    request: type[Ask] = call.request
    for error in _validator(request).iter_errors(found):
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
        kind = type(error.kind).__name__.lower() if error.kind is not None else "invalid"
        named.append(Fault(pointer, f"body.{kind}", error.message[:300]))
        if len(named) == _MANY:
            break
    return tuple(named)


def _only(error: Exception) -> Fault:
    text = str(error)
    message, _, place = text.partition(" - at `$")
    pointer = place.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")
    return Fault(pointer, "request.invalid", message[:300])
