"""Who signed, as rows of evidence write it: a login, ``server``, ``root``, or ``sigstore:<issuer>#<identity>``.

Logins hold no colon, and an issuer no ``#``: so every signer is read in one way only.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from cas.records.base import Part
from policy.globs import any_matches, matches

_PREFIX: Final = "sigstore:"
_Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Identity(Part, frozen=True, kw_only=True):
    """Globs of an issuer and of whom it vouches for; each is matched against its own part only."""

    issuer: _Glob
    identity: _Glob


def identity_of(signer: str) -> tuple[str, str] | None:
    """Split a Sigstore signer into issuer and identity; None for anybody else."""
    if not signer.startswith(_PREFIX):
        return None
    issuer, _, identity = signer.removeprefix(_PREFIX).partition("#")
    return issuer, identity


def is_one_of(signer: str, logins: Iterable[str], identities: Iterable[Identity]) -> bool:
    """Tell whether a signer is demanded, by login or by issuer and identity; a login's glob never means an identity."""
    split = identity_of(signer)
    if split is None:
        return any_matches(logins, signer)
    return any(matches(each.issuer, split[0]) and matches(each.identity, split[1]) for each in identities)


def shown(logins: Iterable[str], identities: Iterable[Identity]) -> str:
    """Write who is demanded, for people."""
    return ",".join((*logins, *(f"{_PREFIX}{each.issuer}#{each.identity}" for each in identities)))
