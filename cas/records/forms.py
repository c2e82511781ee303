"""Digests, instants and names in records that are decoded by the thousand. Must not know any kind.

The same forms as ``cas.digest.Digest`` and those of ``base``, the same in a schema; but here msgspec holds a string to
its length only, and ``cas.columns``, which ``canon.to_record`` asks, to its signs: whole columns at a time.
"""

from typing import Annotated, Any, Final, TypeAlias

import msgspec

from cas.digest import Digest as _Digest
from cas.records.base import Instant as _Instant
from cas.records.base import Slug as _Slug


def _pattern(given: Any) -> str:
    return str(given.__metadata__[0].pattern)


_DIGEST: Final = _pattern(_Digest)
_INSTANT: Final = _pattern(_Instant)
_SLUG: Final = _pattern(_Slug)

Digest: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=71, max_length=71, extra={"form": "digest"}, extra_json_schema={"pattern": _DIGEST})
]
"""A Digest, checked by columns."""

Instant: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=20, max_length=20, extra={"form": _INSTANT}, extra_json_schema={"pattern": _INSTANT})
]
"""An Instant, checked by columns."""

Slug: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=128, extra={"form": _SLUG}, extra_json_schema={"pattern": _SLUG})
]
"""A Slug, checked by columns."""
