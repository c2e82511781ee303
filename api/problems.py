"""Problems at the doors: HTTP status and RFC 9457 bodies, and the doors' own problems. Decides nothing."""

from typing import Any, Final

import msgspec

from cas.problems import Category, Fault, Problem

MEDIA_TYPE: Final = "application/problem+json"
TYPE_BASE: Final = "/docs/problems#"
_WIDEST: Final = 2000

STATUS: Final = {
    Category.INVALID: 400,
    Category.MISSING: 404,
    Category.CONFLICT: 409,
    Category.DENIED: 403,
    Category.TOO_LARGE: 413,
    Category.CORRUPT: 500,
    Category.UNAVAILABLE: 503,
    Category.UNSUPPORTED: 422,
    Category.INTERNAL: 500,
}


class FaultBody(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of the input: where (JSON pointer), a code, a sentence."""

    pointer: str
    code: str
    message: str


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem document. ``code`` is stable; ``fields`` are the facts by name."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    remedy: str
    category: str = ""
    faults: tuple[FaultBody, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


class RequestInvalid(Problem):
    """A request does not have the form its call wants."""

    code = "api.request_invalid"
    category = Category.INVALID
    title = "The request is not acceptable"
    remedy = "Correct every fault listed, and send it again."


class NotFound(Problem):
    """No such path, or what it names is not here."""

    code = "api.not_found"
    category = Category.MISSING
    title = "Nothing here of that name"
    remedy = "Check the name; list what exists."


class MethodNotAllowed(Problem):
    """The path exists, the method does not."""

    code = "api.method_not_allowed"
    category = Category.INVALID
    title = "This path does not take that method"
    remedy = "See the OpenAPI document for what it takes."


class MediaTypeUnsupported(Problem):
    """The body is of a type that the call does not read."""

    code = "api.media_type_unsupported"
    category = Category.INVALID
    title = "The body's media type is not read here"
    remedy = "Send the media type that the OpenAPI document names."


class BodyTooLarge(Problem):
    """A request body is over the limit."""

    code = "api.body_too_large"
    category = Category.TOO_LARGE
    title = "The request body is too large"
    remedy = "Split the input, or raise the limit in the settings."


class TooMany(Problem):
    """As much is asked at this moment as the settings allow."""

    code = "api.too_many"
    category = Category.UNAVAILABLE
    title = "Too much is asked at once"
    remedy = "Ask again after as many seconds as Retry-After says; nothing was done."


class BodyDigestDiffers(Problem):
    """The body does not hash to what Content-Digest says."""

    code = "api.body_digest_differs"
    category = Category.INVALID
    title = "The body does not match its Content-Digest"
    remedy = "Send the body again, unchanged; Content-Digest is RFC 9530: sha-256=:<base64>:"


class RangeUnsatisfiable(Problem):
    """The wanted range is outside the object."""

    code = "api.range_unsatisfiable"
    category = Category.INVALID
    title = "The range is outside the object"
    remedy = "Ask for bytes between 0 and the object's length."


class CursorInvalid(Problem):
    """A cursor is not one of ours, or belongs to another query."""

    code = "api.cursor_invalid"
    category = Category.INVALID
    title = "The cursor does not belong to this query"
    remedy = "Use the cursor with the very query it came from, or start without one."


class KeyReused(Problem):
    """An idempotency key was used for another request."""

    code = "api.idempotency_key_reused"
    category = Category.UNSUPPORTED
    title = "The idempotency key belongs to another request"
    remedy = "Use a fresh key for a different request."


class KeyInFlight(Problem):
    """The request of this key was begun, and its answer is not known."""

    code = "api.idempotency_key_in_flight"
    category = Category.CONFLICT
    title = "The request of this key was begun, its answer is not known"
    remedy = "Read the current state; what the first request did is there, and was done once."


class ServerUnreachable(Problem):
    """The server or socket does not answer."""

    code = "api.server_unreachable"
    category = Category.UNAVAILABLE
    title = "The server does not answer"
    remedy = "Check the address, and that stella serve is running."


class AnswerInvalid(Problem):
    """A server answered something this client cannot read."""

    code = "api.answer_invalid"
    category = Category.INTERNAL
    title = "The server's answer cannot be read"
    remedy = "Check that a server of this version is what answers at the address."


class FileThere(Problem):
    """A file would be overwritten."""

    code = "api.file_exists"
    category = Category.CONFLICT
    title = "There is a file of that name"
    remedy = "Choose another name: nothing is overwritten."


class Failed(Problem):
    """A fault of ours that no Problem names."""

    code = "api.internal"
    category = Category.INTERNAL
    title = "The server failed"
    remedy = "Look at the server's own output; nothing was decided."


class Remote(Problem):
    """A Problem that a server reported, told again by the client as it came."""

    code = "api.remote"
    category = Category.INTERNAL
    title = "The server refused"
    remedy = "See the code."

    def __init__(self, body: ProblemBody) -> None:
        known = {item.value: item for item in Category}
        fields: dict[str, Any] = dict(body.fields)
        if body.faults:
            fields["faults"] = tuple(Fault(item.pointer, item.code, item.message) for item in body.faults)
        self.body = body
        self.code = body.code  # type: ignore[misc]  # an instance speaks for the class it stands for
        self.category = known.get(body.category, Category.INTERNAL)  # type: ignore[misc]
        self.title = body.title  # type: ignore[misc]
        self.remedy = body.remedy  # type: ignore[misc]
        super().__init__(**fields)

    def detail(self) -> str:
        """Give the server's own line."""
        return self.body.detail


_STATUS_BY_CODE: Final = {
    "api.method_not_allowed": 405,
    "api.media_type_unsupported": 415,
    "api.range_unsatisfiable": 416,
    "api.too_many": 429,
    "bundle.invalid": 400,  # corrupt, but it came from outside
    "image.digest_mismatch": 422,
    "auth.required": 401,
    "auth.token_invalid": 401,
    "auth.token_expired": 401,
    "auth.signature_invalid": 401,
}


def status_of(problem: Problem) -> int:
    """Give the HTTP status of a Problem."""
    return _STATUS_BY_CODE.get(problem.code, STATUS[problem.category])


def body_of(problem: Problem, instance: str) -> ProblemBody:
    """Turn a Problem into its document; every text is cut to a bound and holds no control characters."""
    faults = tuple(
        FaultBody(pointer=_plain(item.pointer), code=item.code, message=_plain(item.message))
        for item in problem.fields.get("faults", ())
    )
    fields = tuple((name, _plain(value)) for name, value in sorted(problem.fields.items()) if name != "faults")
    return ProblemBody(
        type=TYPE_BASE + problem.code,
        title=problem.title,
        status=status_of(problem),
        detail=_plain(problem.detail()),
        instance=_plain(instance),
        code=problem.code,
        remedy=problem.remedy,
        category=problem.category.value,
        faults=faults,
        fields=fields,
    )


def _plain(value: object) -> str:
    text = str(value)[:_WIDEST]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
