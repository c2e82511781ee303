"""Trust: the root, the directory of people, keys. Changes travel as envelopes signed by root keys, made elsewhere."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
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

CALLS = (SHOW, CHANGE_ROOT, CHANGE_DIRECTORY)
