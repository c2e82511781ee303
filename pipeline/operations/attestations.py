"""Sealing records: a statement that names the record, signed by the server. Must not know why the record was made."""

from collections.abc import Sequence

import msgspec

from cas.digest import Digest
from cas.records.base import Record
from cas.records.catalog import KINDS
from pipeline.attest import envelope, statements
from pipeline.attest.statements import Kind
from pipeline.effects import Effects, Signer


class _Tagged(msgspec.Struct):
    kind: str


_TAGGED = msgspec.json.Decoder(_Tagged)
_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in KINDS)


def sign_statement(payload: bytes, signers: Sequence[Signer]) -> bytes:
    """Sign a statement with every signer, into one canonical envelope."""
    message = envelope.pae(statements.PAYLOAD_TYPE, payload)
    return envelope.build(
        statements.PAYLOAD_TYPE, payload, [(signer.key.id, signer.sign(message)) for signer in signers]
    )


def seal_record(effects: Effects, kind: Kind, record: Digest, subjects: Sequence[tuple[str, Digest]]) -> Digest:
    """Keep an envelope over a statement of ``kind`` that names a stored record, signed by the server.

    Give it to ``Work.note(envelopes=…)`` of the entry that admits the record. ``subjects`` are (name, digest) pairs:
    the release's images, or the file itself; the record itself when there are none.

    Raises: cas.object_missing, cas.record_invalid
    """
    payload = statements.build(kind, record, kind_of(effects.store.get(record)), subjects or (("record", record),))
    return effects.store.put(sign_statement(payload, [effects.server]))


def kind_of(data: bytes) -> str:
    """Tell a stored record's kind tag; other bytes (a lock, a sticker) are named "file"."""
    try:
        kind = _TAGGED.decode(data).kind
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return "file"
    return kind if kind in _KINDS else "file"


def record_kind(kind: type[Record]) -> str:
    """Give the tag of a record kind."""
    return str(kind.__struct_config__.tag)
