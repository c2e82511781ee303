"""Who signed, as rows of evidence write it: a login, ``server``, ``root``, or ``sigstore:<issuer>#<identity>``.

Logins hold no colon, and an issuer no ``#``: so every signer is read in one way only.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from policy.globs import any_matches, matches

_PREFIX: Final = "sigstore:"

Identity = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^#\n]+#[^\n]+$(?!\n)", max_length=2048, examples=["https://issuer.example#https://ci.example/*"]
    ),
]
"""``issuer#identity``: globs of an issuer and of whom it vouches for, each matched against its own part only."""


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
    globs = (each.partition("#") for each in identities)
    return any(matches(issuer, split[0]) and matches(identity, split[1]) for issuer, _, identity in globs)


def shown(logins: Iterable[str], identities: Iterable[Identity]) -> str:
    """Write who is demanded, for people."""
    return ",".join((*logins, *(f"{_PREFIX}{each}" for each in identities)))
