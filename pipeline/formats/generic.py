"""Evidence of the user's own kind: any JSON object that is valid by the JSON Schema registered under a name.

Content does not tell what it is, so the submitter declares it (``generic/<name>``). The version names the kind and the
schema, ``<name>@sha256:…``: reading needs the document and nothing else, and the facts name the schema that it was held
to when it came in. Facts are the scalars of the top level, numbers as they are spelled. ``subject``, ``image`` and
``image_digest`` may name the image, ``created_at`` or ``timestamp`` the time.
"""

from typing import Final

import msgspec

from cas.records.base import pairs
from cas.records.report import GenericFacts
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.reports.report import references, report_format

NAME: Final = "generic"
MAX_VALUES: Final = 1000
MAX_KEY: Final = 255
MAX_VALUE: Final = 4096
_DOCUMENT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_IMAGES: Final = ("subject", "image", "image_digest")
_TIMES: Final = ("created_at", "timestamp")


def read(data: bytes, version: str) -> GenericFacts:
    """Give the top-level scalars of a document.

    Raises: evidence.unreadable, cas.too_large
    """
    name, sign, schema = version.partition("@")
    if not sign:
        raise DocumentUnreadable(format=f"{NAME}/{version}", reason="no schema is named")
    values: dict[str, str] = {}
    for key, raw in typed(data, _DOCUMENT, NAME).items():
        text = _scalar(bytes(raw))
        if text is not None and len(key) <= MAX_KEY and len(values) < MAX_VALUES:
            values[key] = fit(text, MAX_VALUE)
    return GenericFacts(
        format=f"{NAME}/{version}",
        name=name,
        schema=schema,
        created_at=next((at for key in _TIMES if (at := instant(values.get(key, "")))), ""),
        subjects=references(*(values.get(key) for key in _IMAGES)),
        values=pairs(values),
    )


def _scalar(raw: bytes) -> str | None:
    """Give a scalar as text; None for an object, a list or null."""
    head = raw.strip()[:1]
    if head == b'"':
        return _TEXT.decode(raw)
    return None if head in {b"{", b"[", b"n"} else raw.strip().decode("ascii")


def _detects(_content: Content) -> bool:
    return False


GENERIC: Final[Format] = report_format(NAME, _detects, read, "generic", versions=("*",), about=__doc__)
