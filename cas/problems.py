"""Problem: no answer. Knows categories and codes; must not know HTTP status or exit codes (the doors map them).

A denial is a value, never a Problem. Each Problem says what, which digest, what to do; prose is rendered at the door
from ``remedy`` and the fields.
"""

import enum
from typing import Any, ClassVar


class Category(enum.Enum):
    """What a door needs to know of a Problem."""

    INVALID = "invalid"  # the caller's input is wrong; do not repeat it
    MISSING = "missing"  # what was named is not here
    CONFLICT = "conflict"  # the state moved or does not allow it
    DENIED = "denied"  # the caller may not
    TOO_LARGE = "too_large"  # a bound was hit
    CORRUPT = "corrupt"  # stored bytes are not what they were
    UNAVAILABLE = "unavailable"  # may succeed when repeated: the only category that is retried
    UNSUPPORTED = "unsupported"  # understood, but this build cannot do it
    INTERNAL = "internal"  # a fault of ours


class Problem(Exception):  # noqa: N818 - a Problem is the field's word (RFC 9457), not an error class
    """No answer, with a stable code.

    Subclasses set ``code``, ``category``, ``title`` and ``remedy`` (prose for the doors) and take their facts as
    keyword arguments, kept in ``fields``.
    """

    code: ClassVar[str] = "cas.problem"
    category: ClassVar[Category] = Category.INTERNAL
    title: ClassVar[str] = "Something went wrong"
    remedy: ClassVar[str] = "Report this with the command that caused it."

    def __init__(self, **fields: Any) -> None:
        self.fields: dict[str, Any] = fields
        super().__init__(self.detail())

    def detail(self) -> str:
        """Say what happened, with the facts, in one line."""
        facts = ", ".join(f"{name}={value}" for name, value in self.fields.items() if name != "faults")
        return f"{self.title} ({facts})" if facts else self.title


class Fault:
    """One of several faults of a document: where (JSON pointer), a code, a message."""

    __slots__ = ("code", "message", "pointer")

    def __init__(self, pointer: str, code: str, message: str) -> None:
        self.pointer = pointer
        self.code = code
        self.message = message

    def __repr__(self) -> str:
        return f"Fault({self.pointer!r}, {self.code!r}, {self.message!r})"


class DigestInvalid(Problem):
    """A string is not a digest."""

    code = "cas.digest_invalid"
    category = Category.INVALID
    title = "Not a digest"
    remedy = "Write sha256: and 64 lower-case hex digits."


class ObjectMissing(Problem):
    """A store does not hold an object."""

    code = "cas.object_missing"
    category = Category.MISSING
    title = "Object not found"
    remedy = "Check the digest, or bring the object in with a bundle or fsck --repair-from."


class ObjectCorrupt(Problem):
    """Stored bytes no longer hash to their name."""

    code = "cas.object_corrupt"
    category = Category.CORRUPT
    title = "Stored bytes do not match their digest"
    remedy = "Run stella fsck, then repair from a backup or another store."


class CanonInvalid(Problem):
    """Bytes or values are outside the domain of canonical JSON."""

    code = "cas.canon_invalid"
    category = Category.INVALID
    title = "Not acceptable as canonical JSON"
    remedy = "Remove duplicate keys, lone surrogates, NaN, and integers beyond 2^53-1."


class RecordInvalid(Problem):
    """Bytes are not the canonical form of a record of the wanted kind."""

    code = "cas.record_invalid"
    category = Category.INVALID
    title = "Not a record of this kind"
    remedy = "Check that the digest names the record you mean."


class TooLarge(Problem):
    """A bound on size, depth or count was hit."""

    code = "cas.too_large"
    category = Category.TOO_LARGE
    title = "Too large"
    remedy = "Split the input, or raise the limit in the settings."


class ExpectationFailed(Problem):
    """A ref moved since it was read: compare and swap refused the append."""

    code = "cas.expectation_failed"
    category = Category.CONFLICT
    title = "The state moved meanwhile"
    remedy = "Read the current state and ask again."


class HomeLocked(Problem):
    """Another process holds the home for writing."""

    code = "cas.home_locked"
    category = Category.UNAVAILABLE
    title = "Another process holds this home"
    remedy = "Wait for it, or talk to it through its socket."


class HomeReadOnly(Problem):
    """The home is open for reading only, by wish or because it is corrupt."""

    code = "cas.home_read_only"
    category = Category.CONFLICT
    title = "This home is read-only"
    remedy = "Run stella fsck to see why, then repair it."


class HomeCorrupt(Problem):
    """A fault below the durable mark, or before a valid later commit."""

    code = "cas.home_corrupt"
    category = Category.CORRUPT
    title = "The home is damaged"
    remedy = "Run stella fsck, then stella fsck --repair-from another store."


class SyncFailed(Problem):
    """The disk refused to make a commit durable; never retried."""

    code = "cas.sync_failed"
    category = Category.INTERNAL
    title = "The disk did not confirm the write"
    remedy = "Check the disk; restart, and recovery keeps what was acknowledged."


class EntryMissing(Problem):
    """The log has no such entry or ref."""

    code = "cas.entry_missing"
    category = Category.MISSING
    title = "Nothing of that name in the log"
    remedy = "List what exists, and check the name."


class ProofInvalid(Problem):
    """An inclusion or consistency proof, or a checkpoint, does not hold."""

    code = "cas.proof_invalid"
    category = Category.CORRUPT
    title = "The proof does not hold"
    remedy = "Do not trust this log; compare it with another copy."
