"""What every record is made of. Knows types and bounds; must not know any kind.

A record is a frozen struct whose canonical bytes name it. Its ``kind`` tag ("verdict/1") is part of the bytes. No
dict, float, set or ``Any`` may stand in a field; a map is a sorted tuple of pairs; optional fields are always written.
"""

from typing import Annotated, TypeAlias

import msgspec

# patterns end in $(?!\n): a bare $ lets a last line feed through, and \Z is not known to JSON Schema
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
Instant: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^{_DAY}T{_TIME}Z$(?!\n)")]
"""A UTC instant, whole seconds; sorts as text."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
SafeInt: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Millionths: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Tenths: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=100)]
"""A CVSS score times ten."""

Nonce: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
"""128 captured random bits: two equal requests stay two."""

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Slug: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$(?!\n)")]
"""A name that is safe in a path, a ref and a label."""

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=65536)]
ActorId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z]+:[0-9a-f]{32}$(?!\n)")]
"""A pseudonym (``person:…``, ``token:…``, ``system:…``); the name lives in an Actor record that can be tombstoned."""

Scalar: TypeAlias = str | SafeInt | bool | tuple[str, ...]
Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""A map of strings, sorted by key."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A piece of a record; it has no tag of its own and is never stored alone. Frozen values hold no cycles: no gc."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", gc=False):
    """A stored fact. Subclasses repeat ``frozen=True, kw_only=True`` and give ``tag="noun/1"``."""


def pairs(mapping: dict[str, str]) -> Pairs:
    """Turn a mapping into its record form."""
    return tuple(sorted(mapping.items()))
