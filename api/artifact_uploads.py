"""The async door of VEX artifacts: multipart/form-data as ``curl -F`` sends it, or JSON, spooled and bounded."""

from functools import partial
from typing import Final

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from api import decode, exchange, forms
from api.bodies import Spool
from api.calls.evaluations import MULTIPART
from api.calls.vex_providers import UPLOAD, UploadVexArtifact
from api.exchange import JSON, AnyRequest
from api.problems import MediaTypeUnsupported, RequestInvalid
from api.settings import Limits
from api.streams import entered, lanes_of, once, spooled
from cas.problems import Fault

MOST: Final = 2 << 20  # a body; what a file of it may have, the operation says


def handlers(base: str) -> list[HTTPRouteHandler]:
    """Give the Litestar handlers of this module."""
    made: HTTPRouteHandler = HTTPRouteHandler(
        base + UPLOAD.path.replace("{id}", "{id:str}"),
        http_method="POST",
        name=UPLOAD.name,
        status_code=UPLOAD.status,
        request_max_body_size=None,  # the spool holds its own bound
    )(_upload)
    return [made]


async def _upload(request: AnyRequest) -> Response[bytes]:
    """Keep one file."""
    from api.routes.vex_providers import upload  # noqa: PLC0415 - the operation is loaded when it is first asked

    visit = await entered(request, UPLOAD)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (JSON, MULTIPART):
        raise MediaTypeUnsupported(given=media[:80] or "none", wanted=f"{JSON}, {MULTIPART}")
    limits = visit.instance.settings.limits
    spool = await spooled(request, MOST)
    try:
        ask = await lanes_of(request).run(partial(_asked, request, spool, media, limits), spool.size)
        return await once(request, visit, UPLOAD, spool, lambda visit: exchange.encode(upload(visit, ask)))
    finally:
        spool.close()


def _asked(request: AnyRequest, spool: Spool, media: str, limits: Limits) -> UploadVexArtifact:
    """Read the question: of a form, one file and the fields ``key`` and, if wanted, ``name``.

    Raises: api.request_invalid, api.body_too_large, cas.canon_invalid, cas.too_large
    """
    path = {"id": str(request.path_params["id"])}
    if media == JSON:
        asked = decode.of_json(UPLOAD, path, spool.bytes(), limits)
        assert isinstance(asked, UploadVexArtifact)
        return asked
    small = msgspec.structs.replace(limits, document=MOST, batch_body=MOST, batch_documents=2)
    fields, files = forms.parts(spool, request.headers["content-type"], small)
    if len(files) != 1:
        raise RequestInvalid(faults=(Fault("", "form.invalid", "multipart/form-data: one file is wanted"),))
    try:
        return msgspec.convert({**fields, **path, "data": files[0].data}, UploadVexArtifact)
    except (msgspec.ValidationError, ValueError) as error:
        raise RequestInvalid(faults=(Fault("", "form.invalid", str(error)[:300]),)) from error
