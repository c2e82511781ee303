"""Trust: the root, the directory of people, keys. Changes travel as envelopes signed by root keys, made elsewhere."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
from cas.records.attest import SigstoreTrust
from cas.records.proof import Directory, TrustRoot

Envelope = Annotated[str, msgspec.Meta(max_length=2 << 20)]


class ShowTrust(Ask, frozen=True, kw_only=True):
    """Who speaks for this instance, and who is known?"""


class TrustView(Answer, frozen=True, kw_only=True):
    """The trust root and directory as they stand. Compare the fingerprint by another way than this one."""

    fingerprint: Digest
    root_digest: Digest
    root: TrustRoot
    directory_digest: Digest
    directory: Directory
    log_size: int


class ChangeTrust(Ask, frozen=True, kw_only=True):
    """A DSSE envelope (base64) over the next trust root or directory, signed by the current root's threshold."""

    envelope: Envelope


class ShowSigstore(Ask, frozen=True, kw_only=True):
    """Which Sigstore instances may vouch here, and for whom?"""


class SigstoreView(Answer, frozen=True, kw_only=True):
    """The record as it stands; ``digest`` is empty while no instance was ever trusted."""

    digest: str
    trust: SigstoreTrust


class ChangeSigstore(Ask, frozen=True, kw_only=True):
    """A DSSE envelope (base64) over the next record, signed by the trust root's threshold, and new trusted roots."""

    envelope: Envelope
    roots: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=16)] = ()  # trusted_root.json files, base64 in JSON


SHOW = Call("trust.show", "GET", "/trust", ShowTrust, TrustView, "trust:read", "Show trust root and directory.")
CHANGE_ROOT = Call(
    "trust.change_root",
    "POST",
    "/trust/root",
    ChangeTrust,
    TrustView,
    "trust:admin",
    "Admit the next trust root, signed by the current one's threshold.",
)
CHANGE_DIRECTORY = Call(
    "trust.change_directory",
    "POST",
    "/trust/directory",
    ChangeTrust,
    TrustView,
    "trust:admin",
    "Admit the next directory, signed by the trust root's threshold.",
)

SHOW_SIGSTORE = Call(
    "trust.sigstore",
    "GET",
    "/trust/sigstore",
    ShowSigstore,
    SigstoreView,
    "trust:read",
    "Show which Sigstore instances are trusted, and for whom.",
)
CHANGE_SIGSTORE = Call(
    "trust.change_sigstore",
    "POST",
    "/trust/sigstore",
    ChangeSigstore,
    SigstoreView,
    "trust:admin",
    "Admit the next record of trusted Sigstore instances, signed by the trust root's threshold.",
)

CALLS = (SHOW, CHANGE_ROOT, CHANGE_DIRECTORY, SHOW_SIGSTORE, CHANGE_SIGSTORE)
