"""Whose keys count: trust root and directory as owners of keys, and a signature held against them. No policy here.

A key counts when its purposes hold the one asked for and it was not revoked at or before the position: log order,
never wall clock. A key id is a hint; without it every key is tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cas.records.proof import Directory, Key, Purpose, SignatureCheck, TrustRoot
from pipeline.attest import roots

Status: TypeAlias = Literal["verified", "bad", "unknown_key", "revoked", "wrong_purpose"]


@dataclass(frozen=True, slots=True)
class Owned:
    """A key and whose it is: a login, ``server`` or ``root``."""

    key: Key
    signer: str


@dataclass(frozen=True, slots=True)
class Standard:
    """What a signature is held to."""

    keys: tuple[Owned, ...]
    purpose: Purpose
    position: int


def owners(root: TrustRoot, directory: Directory | None, purpose: Purpose) -> tuple[Owned, ...]:
    """Judge root and directory, and list every key with its owner.

    Raises: attest.root_invalid, attest.directory_invalid
    """
    roots.check_root(root)
    owner = "root" if purpose == "root" else "server"
    owned = [Owned(key, owner) for key in root.keys]
    if directory is not None:
        roots.check_directory(directory, root)
        owned += [Owned(key, person.login) for person in directory.people for key in person.keys]
    return tuple(owned)


def check(key_id: str, hinted: str, standard: Standard, holds: Callable[[Key], bool]) -> SignatureCheck:
    """Say what became of one signature; ``hinted`` is the key id that the hint means, ``holds`` asks one key."""
    named = next((owned for owned in standard.keys if owned.key.id == hinted), None)
    if named is None:
        named = next((owned for owned in standard.keys if holds(owned.key)), None)
        if named is None:
            return SignatureCheck(key_id=key_id, algorithm="", signer="", status="unknown_key")
    elif not holds(named.key):
        return _said(named, "bad")
    if standard.purpose not in named.key.purposes:
        return _said(named, "wrong_purpose")
    if named.key.revoked_at is not None and named.key.revoked_at <= standard.position:
        return _said(named, "revoked")
    return _said(named, "verified")


def order(check: SignatureCheck) -> tuple[str, str, str]:
    """Sort the checks of an envelope."""
    return (check.signer, check.key_id, check.status)


def status(checks: Sequence[SignatureCheck]) -> Literal["verified", "unsigned", "bad"]:
    """Sum up: one verified signature suffices; what is neither verified nor by a stranger is bad."""
    statuses = {check.status for check in checks}
    if "verified" in statuses:
        return "verified"
    return "bad" if statuses - {"unknown_key"} else "unsigned"


def _said(owned: Owned, status: Status) -> SignatureCheck:
    return SignatureCheck(key_id=owned.key.id, algorithm=owned.key.algorithm, signer=owned.signer, status=status)
