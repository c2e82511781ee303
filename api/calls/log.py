"""The log: its head, entries, proofs, checkpoint."""

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Count, Instant
from cas.records.proof import Entry


class LogHeadAsk(Ask, frozen=True, kw_only=True):
    """Where does the log stand?"""


class LogHeadView(Answer, frozen=True, kw_only=True):
    """Size and RFC 6962 root."""

    origin: str
    size: int
    root: Digest


class EntriesAsk(PageAsk, frozen=True, kw_only=True):
    """Entries, newest first unless ``oldest_first``; of one event, or about one record."""

    event: str = ""
    record: str = ""
    oldest_first: bool = False


class EntryView(Answer, frozen=True, kw_only=True):
    """An entry at its position; ``who`` is the name behind the pseudonym when it is known."""

    position: int
    entry: Entry
    who: str


class EntriesPage(Answer, frozen=True, kw_only=True):
    """A page of entries."""

    items: tuple[EntryView, ...]
    next_cursor: str


class EntryAsk(Ask, frozen=True, kw_only=True):
    """One entry by its position."""

    position: Count


class CheckpointAsk(Ask, frozen=True, kw_only=True):
    """The signed head."""


class CheckpointView(Answer, frozen=True, kw_only=True):
    """A signed note over the durable head (C2SP tlog-checkpoint)."""

    note: str
    verifier: str  # the server's key as signed-note writes it (vkey)
    size: int
    root: Digest
    at: Instant


class InclusionAsk(Ask, frozen=True, kw_only=True):
    """Is this entry in the tree of that size? ``size`` 0 asks for the newest tree."""

    position: Count
    size: Count = 0


class ConsistencyAsk(Ask, frozen=True, kw_only=True):
    """Is the tree of size ``old`` a prefix of the tree of size ``new``? 0 asks for the newest tree."""

    old: Count
    new: Count = 0


class ProofView(Answer, frozen=True, kw_only=True):
    """A proof: hashes from the leaf upward, in hex (RFC 6962, 2.1.1 and 2.1.2)."""

    size: int
    root: Digest
    leaf: str  # hex of the leaf's hash; empty for consistency
    hashes: tuple[str, ...]


HEAD = Call("log.head", "GET", "/log", LogHeadAsk, LogHeadView, "log:read", "Give size and root of the log.")
ENTRIES = Call("log.entries", "GET", "/log/entries", EntriesAsk, EntriesPage, "log:read", "List entries of the log.")
ENTRY = Call("log.entry", "GET", "/log/entries/{position}", EntryAsk, EntryView, "log:read", "Show one entry.")
CHECKPOINT = Call(
    "log.checkpoint", "GET", "/log/checkpoint", CheckpointAsk, CheckpointView, "log:read", "Sign the durable head."
)
INCLUSION = Call(
    "log.inclusion",
    "GET",
    "/log/proofs/inclusion",
    InclusionAsk,
    ProofView,
    "log:read",
    "Prove that an entry is in the log.",
)
CONSISTENCY = Call(
    "log.consistency",
    "GET",
    "/log/proofs/consistency",
    ConsistencyAsk,
    ProofView,
    "log:read",
    "Prove that the log only grew.",
)

CALLS = (HEAD, ENTRIES, ENTRY, CHECKPOINT, INCLUSION, CONSISTENCY)
