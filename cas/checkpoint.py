"""Signed checkpoints of a log: C2SP signed-note, tlog-checkpoint, tlog-cosignature. Knows bytes and public keys.

Nothing here holds a private key: signing is a callable that whoever holds it hands in.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cas import digest
from cas.log import LogHead
from cas.merkle import WIDTH
from cas.problems import ProofInvalid

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
"""Signature types: Ed25519 over the text, and a witness's timestamped Ed25519 (tlog-cosignature, v1)."""

MAX_NOTE: Final = 1 << 20
MAX_SIGNATURES: Final = 100

_LINE: Final = re.compile(r"— ([^\s+\x00-\x1f]+) ([A-Za-z0-9+/]+={0,2})\Z")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")

# the eight points of small order, both signs, and their non-canonical spellings: signatures under them prove nothing
_PRIME: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_Y: Final = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key as signed-note writes it: ``name+hash+key``."""

    name: str
    type: int  # ED25519 or COSIGNATURE
    public: bytes  # 32 bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart; never proof of anything."""
        return _key_id(self.name, self.type, self.public)

    def text(self) -> str:
        """Write as a vkey."""
        key = base64.b64encode(bytes((self.type,)) + self.public).decode("ascii")
        return f"{self.name}+{self.id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose it says it is, and its bytes."""

    name: str
    id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it. ``text`` ends in a line feed; that much is signed."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def format(self) -> bytes:
        """Write as signed-note."""
        lines = "".join(
            f"— {line.name} {base64.b64encode(line.id + line.signature).decode('ascii')}\n" for line in self.signatures
        )
        return f"{self.text}\n{lines}".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint states: a log's origin, its size and root; ``extensions`` are further lines, opaque."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Write the text that is signed (tlog-checkpoint)."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))

    def head(self) -> LogHead:
        """Give size and root as the log contract has them."""
        return LogHead(self.size, digest.from_raw(self.root))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness saw this checkpoint at ``timestamp`` (seconds since 1970), consistent with all it saw before."""

    name: str
    timestamp: int


def of_head(origin: str, head: LogHead) -> Checkpoint:
    """State where a log stands.

    Raises: cas.proof_invalid when the origin cannot be the name of a key
    """
    if not _NAME.fullmatch(origin):
        raise ProofInvalid(reason="not a name for a key", name=origin[:80])
    return Checkpoint(origin, head.size, digest.to_raw(head.root))


def sign(
    checkpoint: Checkpoint, verifier: Verifier, signer: Callable[[bytes], bytes], *, timestamp: int | None = None
) -> NoteSignature:
    """Sign a checkpoint by ``signer`` (Ed25519 over the bytes handed to it), as the log or, with a time, as a witness.

    Raises: cas.proof_invalid when a witness gives no time, or a log does
    """
    if (timestamp is None) != (verifier.type == ED25519):
        raise ProofInvalid(reason="a witness signs with a time, a log without", name=verifier.name)
    text = checkpoint.text()
    if timestamp is None:
        return NoteSignature(verifier.name, verifier.id, signer(text.encode()))
    signature = signer(_cosigned(text, timestamp))
    return NoteSignature(verifier.name, verifier.id, struct.pack(">Q", timestamp) + signature)


def signed(checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> bytes:
    """Write a checkpoint with the signatures under it."""
    return Note(checkpoint.text(), tuple(signatures)).format()


def parse_note(data: bytes) -> Note:
    """Read a signed note: a text, an empty line, signature lines.

    Raises: cas.proof_invalid
    """
    if len(data) > MAX_NOTE:
        raise ProofInvalid(reason="note too large", found=len(data))
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProofInvalid(reason="note is not UTF-8") from error
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        raise ProofInvalid(reason="note holds control characters")
    text, blank, below = whole.rpartition("\n\n")
    lines = below.split("\n")
    if not blank or not text or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise ProofInvalid(reason="not a signed note")
    return Note(text + "\n", tuple(_parse_signature(line) for line in lines))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text: origin, size, root, extension lines.

    Raises: cas.proof_invalid
    """
    lines = text.split("\n")
    if lines.pop() or len(lines) < 3 or not all(lines):
        raise ProofInvalid(reason="not a checkpoint")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise ProofInvalid(reason="not a size", found=size[:40])
    raw = _unbase64(root)
    if len(raw) != WIDTH:
        raise ProofInvalid(reason="not a root", found=root[:80])
    return Checkpoint(origin, int(size), raw, tuple(extensions))


def parse_verifier(text: str) -> Verifier:
    """Read a vkey; keys of small order or not in canonical form are refused.

    Raises: cas.proof_invalid
    """
    name, _, rest = text.strip().partition("+")
    id_hex, _, key = rest.partition("+")
    raw = _unbase64(key)
    if not _NAME.fullmatch(name) or len(raw) != 33 or raw[0] not in {ED25519, COSIGNATURE}:
        raise ProofInvalid(reason="not a verifier key", found=text[:80])
    verifier = Verifier(name, raw[0], raw[1:])
    if verifier.id.hex() != id_hex:
        raise ProofInvalid(reason="verifier key of another id", found=text[:80])
    check_public(verifier.public)
    return verifier


def check_public(public: bytes) -> None:
    """Refuse an Ed25519 public key of small order, or one not in canonical form.

    Raises: cas.proof_invalid
    """
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if len(public) != 32 or y >= _PRIME or y in _SMALL_Y:
        raise ProofInvalid(reason="unsafe public key", found=public.hex()[:80])


def verify(data: bytes, log: Verifier) -> Checkpoint:
    """Check that a log signed this checkpoint under its own name, and give what it states.

    (1) read the note, (2) find lines of the key's name and id, (3) every one of them must verify, and there must be
    one, (4) the origin is the key's name. Lines of keys nobody asked for are ignored, as signed-note demands.

    Raises: cas.proof_invalid
    """
    note = parse_note(data)  # (1)
    _check(note, log)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != log.name:  # (4)
        raise ProofInvalid(reason="checkpoint of another log", origin=checkpoint.origin[:80], wanted=log.name)
    return checkpoint


def cosignatures(data: bytes, witnesses: Sequence[Verifier]) -> tuple[Cosignature, ...]:
    """List, in the order of ``witnesses``, those who cosigned this checkpoint; a bad cosignature is no answer.

    Raises: cas.proof_invalid
    """
    note = parse_note(data)
    signers = {(line.name, line.id) for line in note.signatures}
    return tuple(
        Cosignature(witness.name, _check(note, witness))
        for witness in witnesses
        if (witness.name, witness.id) in signers
    )


def _check(note: Note, key: Verifier) -> int:
    """Verify every line of a key; gives the newest time a witness put, or 0."""
    mine = [line for line in note.signatures if (line.name, line.id) == (key.name, key.id)]  # (2)
    if not mine:
        raise ProofInvalid(reason="not signed by this key", name=key.name)
    check_public(key.public)
    public = Ed25519PublicKey.from_public_bytes(key.public)
    newest = 0
    for line in mine:
        signature, message = line.signature, note.text.encode()
        if key.type == COSIGNATURE:
            if len(signature) != 72:
                raise ProofInvalid(reason="bad signature", name=key.name)
            timestamp = struct.unpack(">Q", signature[:8])[0]
            newest = max(newest, timestamp)
            signature, message = signature[8:], _cosigned(note.text, timestamp)
        try:
            public.verify(signature, message)
        except InvalidSignature as error:  # (3)
            raise ProofInvalid(reason="bad signature", name=key.name) from error
    return newest


def _cosigned(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return digest.raw_of_bytes(name.encode() + b"\n" + bytes((kind,)) + public)[:4]


def _parse_signature(line: str) -> NoteSignature:
    found = _LINE.match(line)
    raw = _unbase64(found[2]) if found else b""
    if found is None or len(raw) < 5:
        raise ProofInvalid(reason="not a signature line", found=line[:80])
    return NoteSignature(found[1], raw[:4], raw[4:])


def _unbase64(text: str) -> bytes:
    """Read standard base64 in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofInvalid(reason="not base64", found=text[:80]) from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise ProofInvalid(reason="not base64 in its one spelling", found=text[:80])
    return raw
