"""What every record is made of. Knows types and bounds; must not know any kind.

A record is a frozen struct whose canonical bytes name it. Its ``kind`` tag ("verdict/1") is part of the bytes. No
dict, float, set or ``Any`` may stand in a field; a map is a sorted tuple of pairs; optional fields are always written.
"""

from typing import Annotated, TypeAlias

import msgspec

Instant: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""A UTC instant, whole seconds; sorts as text."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
SafeInt: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Millionths: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Tenths: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=100)]
"""A CVSS score times ten."""

Nonce: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
"""128 captured random bits: two equal requests stay two."""

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Slug: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A name that is safe in a path, a ref and a label."""

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=65536)]
ActorId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z]+:[0-9a-f]{32}$")]
"""A pseudonym (``person:…``, ``token:…``, ``system:…``); the name lives in an Actor record that can be tombstoned."""

Scalar: TypeAlias = str | SafeInt | bool | tuple[str, ...]
Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""A map of strings, sorted by key."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a record; it has no tag of its own and is never stored alone."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A stored fact. Subclasses repeat ``frozen=True, kw_only=True`` and give ``tag="noun/1"``."""


def pairs(mapping: dict[str, str]) -> Pairs:
    """Turn a mapping into its record form."""
    return tuple(sorted(mapping.items()))
