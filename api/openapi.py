"""The OpenAPI 3.1 document, made from the same catalogs that the doors use. Same code, same bytes."""

from functools import cache
from typing import Any, Final

import msgspec

from api.calls.call import AnyCall
from api.calls.catalog import CALLS
from api.calls.evaluations import EVALUATE, MULTIPART
from api.calls.evidence import SUBMIT
from api.calls.moved import FRAMES, MOVED, NDJSON, Moved
from api.calls.vex_providers import UPLOAD
from api.problems import MEDIA_TYPE, ProblemBody

BASE: Final = "/api/v1"
PROBLEMS: Final = (
    (400, "The request is not acceptable."),
    (401, "Say who you are."),
    (403, "Not allowed."),
    (404, "Nothing here of that name."),
    (409, "The state does not allow it, or moved meanwhile."),
    (413, "Too large."),
    (415, "The body's media type is not read here."),
    (422, "Understood, but not possible."),
    (429, "Too much at once; try again later."),
    (500, "A fault of ours."),
    (503, "Not now; try again later."),
)
_AGAIN: Final = (429, 503)
_SECONDS: Final = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 0}}
_JSON: Final = "application/json"
_FRAMED: Final = {SUBMIT.name: (NDJSON, FRAMES), EVALUATE.name: (NDJSON, FRAMES, MULTIPART), UPLOAD.name: (MULTIPART,)}
"""What else than JSON a body of documents may be."""
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Done once per key and caller, whatever is repeated.",
    "schema": {"type": "string", "maxLength": 255},
}


@cache
def document() -> bytes:
    """Give the document as indented JSON with sorted keys."""
    return msgspec.json.format(msgspec.json.encode(built(), order="sorted"), indent=1) + b"\n"


def built() -> dict[str, Any]:
    """Build the document."""
    kinds = [kind for call in CALLS for kind in (call.request, call.answer)]
    kinds += [call.answer for call in MOVED if call.answer is not None]
    unique = list(dict.fromkeys([*kinds, ProblemBody]))
    _, schemas = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(BASE + call.path, {})[call.method.lower()] = _operation(call, schemas)
    for moved in MOVED:
        paths.setdefault(BASE + moved.path, {})[moved.method.lower()] = _moved(moved, schemas)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "stella",
            "version": "1",
            "description": "A release control plane: evidence in, verdict out.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem(text, again=status in _AGAIN) for status, text in PROBLEMS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "stella token create"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Signature-Input",
                    "description": "RFC 9421 with a key of the directory; see the reference.",
                },
            },
        },
    }


def _operation(call: AnyCall, schemas: dict[str, Any]) -> dict[str, Any]:
    properties, required = _fields(call, schemas)
    made: dict[str, Any] = _base(call.name, call.summary, call.scope)
    parameters = [_parameter(name, "path", properties[name], required=True) for name in call.in_path]
    if call.has_body:
        body = {name: properties[name] for name in call.elsewhere}
        schema: dict[str, Any] = {"type": "object", "properties": body, "additionalProperties": False}
        if wanted := [name for name in call.elsewhere if name in required]:
            schema["required"] = wanted
        content = {_JSON: {"schema": schema}}
        content |= {media: {"schema": {"type": "string"}} for media in _FRAMED.get(call.name, ())}
        made["requestBody"] = {"required": bool(wanted), "content": content}
    else:
        parameters += [
            _parameter(name, "query", properties[name], required=name in required) for name in call.elsewhere
        ]
    if call is EVALUATE:  # beside documents that are framed, the question stands in the query
        parameters += [
            _parameter(name, "query", properties[name], required=False)
            for name in call.elsewhere
            if name != "documents"
        ]
    if call.method == "POST":
        parameters.append(_KEY)
    answer = {"description": "Done.", "content": {_JSON: {"schema": _ref(call.answer, schemas)}}}
    return _finish(made, parameters, str(call.status), answer)


def _moved(call: Moved, schemas: dict[str, Any]) -> dict[str, Any]:
    made = _base(call.name, call.summary, call.scope)
    names = [piece[1:-1] for piece in call.path.split("/") if piece.startswith("{")]
    parameters = [_parameter(name, "path", {"type": "string", "minLength": 1}, required=True) for name in names]
    for name, text in call.query:
        parameters.append({**_parameter(name, "query", {"type": "string"}, required=False), "description": text})
    if call.takes:
        parameters.append(_KEY)
        parameters.append(_parameter("Content-Digest", "header", {"type": "string"}, required=False))
        content = {media: {"schema": {"type": "string"}} for media in call.takes}
        made["requestBody"] = {"required": True, "content": content}
    if call.answer is not None:
        answer: dict[str, Any] = {"description": "Done.", "content": {_JSON: {"schema": _ref(call.answer, schemas)}}}
        return _finish(made, parameters, str(call.status), answer)
    bytes_given = {"description": "The bytes.", "content": {call.gives: {"schema": {"type": "string"}}}}
    made = _finish(made, parameters, str(call.status), bytes_given)
    if call.ranges:
        parameters.append(_parameter("Range", "header", {"type": "string"}, required=False))
        made["responses"]["206"] = bytes_given
        made["responses"]["416"] = _problem("The range is outside the object.")
    return made


def _base(name: str, summary: str, scope: str) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": name, "summary": summary, "tags": [name.split(".", maxsplit=1)[0]]}
    made["security"] = [{"token": []}, {"signature": []}] if scope else []
    if scope:
        made["x-stella-scope"] = scope
    return made


def _finish(made: dict[str, Any], parameters: list[Any], status: str, answer: dict[str, Any]) -> dict[str, Any]:
    made["parameters"] = parameters
    made["responses"] = {status: answer} | {
        str(code): {"$ref": f"#/components/responses/Problem{code}"} for code, _ in PROBLEMS
    }
    return made


def _fields(call: AnyCall, schemas: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    schema = schemas[_name(call.request, schemas)]
    return schema.get("properties", {}), set(schema.get("required", ()))


def _name(kind: type, schemas: dict[str, Any]) -> str:
    (ref,), _ = msgspec.json.schema_components([kind], ref_template="{name}")
    name: str = ref["$ref"]
    assert name in schemas, f"two structs are called {name}"
    return name


def _ref(kind: type, schemas: dict[str, Any]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{_name(kind, schemas)}"}


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _problem(text: str, *, again: bool = False) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    made: dict[str, Any] = {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
    return made | {"headers": {"Retry-After": _SECONDS}} if again else made
