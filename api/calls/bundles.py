"""Bundles: written, brought in. Their bytes are moved (api/streams.py); verifying needs no instance (stella bundle)."""

from api.calls.call import Answer
from cas.digest import Digest


class BundleImported(Answer, frozen=True, kw_only=True):
    """What came in: claims, until they are rerun here. ``established``: the signer is the root that was asked for."""

    claim: Digest
    origin: str
    roots: tuple[Digest, ...]
    established: bool
    objects: int
    known: bool
