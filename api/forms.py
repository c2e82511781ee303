"""multipart/form-data (RFC 7578) as ``curl -F`` sends it: files are documents, fields are fields. Bounded in every way.

Wraps the library that reads it; must not know what a document says.
"""

from typing import Final

import multipart

from api.bodies import Spool
from api.calls.evidence import Document
from api.problems import BodyTooLarge, RequestInvalid
from api.settings import Limits
from cas.problems import Fault

_FIELDS: Final = 32
_FIELD_MOST: Final = 4096


def parts(spool: Spool, content_type: str, limits: Limits) -> tuple[dict[str, str], tuple[Document, ...]]:
    """Give the fields and the files of a form, in order; a field that stands twice is refused.

    Raises: api.request_invalid, api.body_too_large
    """
    boundary = multipart.parse_options_header(content_type)[1].get("boundary", "")
    fields: dict[str, str] = {}
    documents: list[Document] = []
    try:
        parser = multipart.MultipartParser(
            spool.file(),
            boundary,
            strict=True,
            part_limit=limits.batch_documents + _FIELDS,
            partsize_limit=limits.document,
            spool_limit=limits.document,
            memory_limit=limits.batch_body,
            disk_limit=0,
        )
        for part in parser:
            if part.filename is not None:
                documents.append(Document(data=part.raw))
            elif part.name in fields or part.size > _FIELD_MOST:
                raise _bad(f"/{part.name[:80]}", "given twice, or too long for a field")
            else:
                fields[part.name] = part.value
            part.close()
    except multipart.ParserLimitReached as error:
        raise BodyTooLarge(limit=limits.document, reason=str(error)[:200]) from error
    except (multipart.MultipartError, UnicodeDecodeError) as error:
        raise _bad("", str(error)[:200]) from error
    if len(documents) > limits.batch_documents:
        raise BodyTooLarge(documents_at_most=limits.batch_documents)
    return fields, tuple(documents)


def _bad(pointer: str, said: str) -> RequestInvalid:
    return RequestInvalid(faults=(Fault(pointer, "form.invalid", f"multipart/form-data: {said}"),))
