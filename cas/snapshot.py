"""Fold snapshots: the state of a log at one size, so that opening a home reads this and the tail after it.

Knows the fold's state and its bytes; must not know files. A snapshot only saves time: it can be made again from the log
files, and fsck compares it with what they give.
"""

from typing import Final

import msgspec

from cas import digest
from cas.journal import Chain
from cas.log import Fold
from cas.problems import HomeCorrupt
from cas.records.proof import RunNote

_IDENT: Final = b"stella-snap/1\0\0\0"


class LogRange(msgspec.Struct, frozen=True, array_like=True):
    """A sealed log file: its name, the position of its first entry, how many it holds."""

    name: str
    first: int
    count: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """State at the end of the sealed journals. ``journal`` is the number of the first one that is not sealed."""

    generation: int
    journal: int
    commit_number: int
    commit: bytes
    log_size: int
    log_root: bytes
    edge: tuple[bytes, ...]
    packs: tuple[str, ...]  # digests, oldest first
    logs: tuple[LogRange, ...]
    refs: dict[str, str]
    admitted: dict[str, int]
    runs: tuple[RunNote, ...]
    ran: tuple[int, ...]  # which of ``runs`` are the memo
    outputs: tuple[int, ...]  # which of ``runs`` first put out their output

    @property
    def chain(self) -> Chain:
        """Where the chain of commits stood."""
        return Chain(self.commit_number, self.commit, self.log_size, self.log_root)


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """Encode a snapshot with its own hash in front."""
    body = _encoder.encode(snapshot)
    return _IDENT + digest.raw_of_bytes(body) + body


def decode(data: bytes, where: str) -> Snapshot:
    """Decode a snapshot.

    Raises: cas.home_corrupt
    """
    body = data[48:]
    if data[:16] != _IDENT or digest.raw_of_bytes(body) != data[16:48]:
        raise HomeCorrupt(part="snapshot", where=where, reason="bytes do not match their hash")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise HomeCorrupt(part="snapshot", where=where, reason=str(error)[:200]) from error


def fold_of(snapshot: Snapshot) -> Fold:
    """Restore the fold."""
    fold = Fold()
    fold.size = snapshot.log_size
    fold.refs = dict(snapshot.refs)
    fold.admitted = dict(snapshot.admitted)
    for note in map(snapshot.runs.__getitem__, snapshot.ran):
        fold.ran[note.stage, note.version, note.input] = note
    for note in map(snapshot.runs.__getitem__, snapshot.outputs):
        fold.outputs[note.output] = note
    return fold


def take(
    fold: Fold,
    chain: Chain,
    edge: tuple[bytes, ...],
    *,
    generation: int,
    journal: int,
    packs: tuple[str, ...],
    logs: tuple[LogRange, ...],
) -> Snapshot:
    """Take a snapshot of a fold; the caller keeps it from moving meanwhile."""
    runs: dict[int, RunNote] = {id(note): note for note in (*fold.ran.values(), *fold.outputs.values())}
    places = {key: at for at, key in enumerate(runs)}
    return Snapshot(
        generation=generation,
        journal=journal,
        commit_number=chain.number,
        commit=chain.commit,
        log_size=chain.log_size,
        log_root=chain.log_root,
        edge=edge,
        packs=packs,
        logs=logs,
        refs=dict(fold.refs),
        admitted=dict(fold.admitted),
        runs=tuple(runs.values()),
        ran=tuple(places[id(note)] for note in fold.ran.values()),
        outputs=tuple(places[id(note)] for note in fold.outputs.values()),
    )
