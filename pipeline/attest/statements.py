"""In-toto Statement v1: ours are built canonically, everybody's are read. Must not know signatures.

Our predicate names the record it speaks of by digest and kind; where the reader has no other way to the record (an
approval that a file carries) it holds the record's content too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import msgspec

from cas import canon, digest, jcs
from cas.digest import Digest
from cas.problems import CanonInvalid
from cas.records.base import Record
from pipeline.attest.problems import StatementInvalid

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_V1: Final = "https://in-toto.io/Statement/v1"
STATEMENT_V01: Final = "https://in-toto.io/Statement/v0.1"
PREDICATES: Final = "https://stella-ops.org/attestations/"
MAX_STATEMENT: Final = 64 << 20
MAX_SUBJECTS: Final = 4096

Kind = Literal[
    "approval",
    "bundle",
    "decision",
    "deployment",
    "directory",
    "drift",
    "feed",
    "lock",
    "manifest",
    "packet",
    "policy",
    "reachability",
    "sbom",
    "scan",
    "sigstore-trust",
    "sticker",
    "trust-root",
    "verdict",
    "waiver",
]
R = TypeVar("R", bound=Record)
_HEX: Final = re.compile(r"\A[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it was read. ``subjects`` are (name, SHA-256 digest), sorted; others carry no SHA-256."""

    version: str
    subjects: tuple[tuple[str, Digest], ...]
    predicate_type: str
    predicate: Any


class _DigestSet(msgspec.Struct):
    sha256: str


class _Subject(msgspec.Struct):
    name: str
    digest: _DigestSet


class _Predicate(msgspec.Struct, omit_defaults=True):
    kind: str
    record: str
    content: Record | None = None


class _Statement(msgspec.Struct, rename={"type": "_type", "predicate_type": "predicateType"}):
    type: str
    subject: list[_Subject]
    predicate_type: str
    predicate: _Predicate


_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def predicate_type(kind: Kind) -> str:
    """Name the predicate type of one of our kinds."""
    return f"{PREDICATES}{kind}/v1"


def build(
    kind: Kind, record: Digest, record_kind: str, subjects: Sequence[tuple[str, Digest]], content: Record | None = None
) -> bytes:
    """Write one of our statements canonically; subjects are sorted and named once.

    Raises: attest.statement_invalid without subjects
    """
    if not subjects:
        raise StatementInvalid(reason="a statement needs a subject", kind=kind)
    return _ENCODER.encode(
        _Statement(
            type=STATEMENT_V1,
            subject=[_Subject(name, _DigestSet(named[7:])) for name, named in sorted(set(subjects))],
            predicate_type=predicate_type(kind),
            predicate=_Predicate(kind=record_kind, record=record, content=content),
        )
    )


def parse(payload: bytes) -> Statement:
    """Read a statement of v1 or v0.1, ours or foreign.

    Raises: attest.statement_invalid
    """
    try:
        value = jcs.parse(payload, max_bytes=MAX_STATEMENT, max_depth=64, max_nodes=2_000_000)
    except CanonInvalid as error:
        raise StatementInvalid(reason=error.detail()) from error
    if not isinstance(value, dict):
        raise StatementInvalid(reason="not an object")
    version, kind = value.get("_type"), value.get("predicateType")
    if version not in (STATEMENT_V1, STATEMENT_V01):
        raise StatementInvalid(reason="_type is not Statement v1 or v0.1", pointer="/_type")
    if not isinstance(kind, str) or not 0 < len(kind) <= 1024:
        raise StatementInvalid(reason="predicateType must be a string", pointer="/predicateType")
    return Statement(version, _subjects(value.get("subject")), kind, value.get("predicate"))


def _subjects(given: object) -> tuple[tuple[str, Digest], ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_SUBJECTS:
        raise StatementInvalid(reason=f"subject must be an array of 1 to {MAX_SUBJECTS}", pointer="/subject")
    found = set()
    for at, item in enumerate(given):
        digests = item.get("digest") if isinstance(item, dict) else None
        name = item.get("name", "") if isinstance(item, dict) else None
        if not isinstance(digests, dict) or not isinstance(name, str):
            raise StatementInvalid(reason="a subject has a name and a digest set", pointer=f"/subject/{at}")
        hexed = digests.get("sha256")
        if hexed is None:
            continue  # other algorithms name nothing of ours
        if not isinstance(hexed, str) or not _HEX.match(hexed):
            raise StatementInvalid(reason="sha256 must be 64 lower-case hex", pointer=f"/subject/{at}/digest/sha256")
        found.add((name, "sha256:" + hexed))
    return tuple(sorted(found))


def speaks_of(statement: Statement, kind: Kind) -> Digest:
    """Give the digest of the record that one of our statements speaks of.

    Raises: attest.statement_invalid when it is of another kind
    """
    if statement.version != STATEMENT_V1 or statement.predicate_type != predicate_type(kind):
        raise StatementInvalid(reason="another predicate type", wanted=predicate_type(kind))
    predicate = statement.predicate
    named = predicate.get("record") if isinstance(predicate, dict) else None
    if not isinstance(named, str) or not digest.is_digest(named):
        raise StatementInvalid(reason="the predicate names no record", pointer="/predicate/record")
    return named


def content_of(statement: Statement, kind: Kind, record_kind: type[R]) -> tuple[Digest, R]:
    """Give the record that a statement of ours carries, and its digest, which the predicate must name.

    Raises: attest.statement_invalid, cas.record_invalid
    """
    named = speaks_of(statement, kind)
    content = statement.predicate.get("content")
    if not isinstance(content, dict):
        raise StatementInvalid(reason="the predicate carries no content", pointer="/predicate/content")
    data = jcs.of_value(content)
    if digest.of_bytes(data) != named:
        raise StatementInvalid(reason="the content is not the record it names", pointer="/predicate/record")
    return named, canon.to_record(data, record_kind)
