"""Runs, log entries, keys, roots, signatures: what makes the rest checkable."""

from typing import Literal

from cas.digest import Digest
from cas.records import forms
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Pairs, Part, Record, Slug, Text

KeyAlgorithm = Literal["ed25519", "ecdsa-p256", "rsa"]
Purpose = Literal["root", "server", "approve", "submit", "policy"]
"""What a key may sign: the trust root, what the server decides, approvals, evidence, policy packs."""


class Run(Record, frozen=True, kw_only=True, tag="run/1"):
    """One arrow through a stage. ``reads`` and ``keeps`` are sorted; ``engines`` names libraries that computed."""

    stage: forms.Slug
    version: Count
    engines: Pairs
    input: forms.Digest
    output: forms.Digest
    reads: tuple[forms.Digest, ...]
    keeps: tuple[forms.Digest, ...]


class RunNote(Part, frozen=True, kw_only=True):
    """A Run as an entry lists it: enough to fold the memo without reading the Run."""

    run: Digest
    stage: Slug
    version: Count
    input: Digest
    output: Digest


class RefMove(Part, frozen=True, kw_only=True):
    """A ref goes from ``old`` to ``new``; None means that it did not, or will not, exist."""

    name: Name
    old: Digest | None
    new: Digest | None


class Entry(Record, frozen=True, kw_only=True, tag="entry/1"):
    """One fact of the log: the record, all that stands beside it, the refs it moves, by whom, when.

    ``event`` is the fold rule's name ("evidence.admitted"); ``beside`` lists further objects kept for this fact.
    """

    event: Slug
    record: Digest | None
    runs: tuple[RunNote, ...]
    envelopes: tuple[Digest, ...]
    verifications: tuple[Digest, ...]
    beside: tuple[Digest, ...]
    moves: tuple[RefMove, ...]
    actor: ActorId
    when: Instant


class HeadSet(Record, frozen=True, kw_only=True, tag="head_set/1"):
    """What a head ref names: a sorted set of digests."""

    members: tuple[forms.Digest, ...]


class Actor(Record, frozen=True, kw_only=True, tag="actor/1"):
    """Who stands behind a pseudonym. May be tombstoned; nothing that is replayed reads it."""

    id: ActorId
    name: Name
    email: str
    nonce: Nonce


class Key(Part, frozen=True, kw_only=True):
    """A public key of a trust root or directory. ``id`` is the SHA-256 of its SubjectPublicKeyInfo, in hex.

    ``revoked_at`` is the log size at which it stopped to count: envelopes admitted earlier keep their standing.
    """

    id: str
    algorithm: KeyAlgorithm
    spki: str  # base64 DER
    purposes: tuple[Purpose, ...]
    revoked_at: Count | None


class TrustRoot(Record, frozen=True, kw_only=True, tag="trust_root/1"):
    """Which keys speak for this instance. Changed only by ``threshold`` signatures of the previous root's root keys."""

    version: Count
    origin: str  # hex fingerprint of the first root key
    threshold: Count
    keys: tuple[Key, ...]  # sorted by id
    previous: Digest | None


class Person(Part, frozen=True, kw_only=True):
    """Someone who may submit, request or approve. People, not keys, are compared for separation of duties."""

    id: ActorId
    login: Slug
    groups: tuple[Slug, ...]
    keys: tuple[Key, ...]


class Directory(Record, frozen=True, kw_only=True, tag="directory/1"):
    """People, groups, keys. Changed only under the trust root."""

    version: Count
    people: tuple[Person, ...]  # sorted by login
    previous: Digest | None


class VerifyInput(Record, frozen=True, kw_only=True, tag="verify_input/1"):
    """The question of verify/1: is this envelope signed by keys that counted at this log position?"""

    envelope: Digest
    trust_root: Digest
    directory: Digest | None
    position: Count
    purpose: Purpose
    subjects: tuple[Digest, ...]  # digests that the statement must cover; empty = any


class SignatureCheck(Part, frozen=True, kw_only=True):
    """One signature of an envelope, and what became of it."""

    key_id: str
    algorithm: str
    signer: str  # login, "root" or "server"; empty when unknown
    status: Literal["verified", "bad", "unknown_key", "revoked", "wrong_purpose"]


class Verification(Record, frozen=True, kw_only=True, tag="verification/1"):
    """The answer of verify/1. ``statement`` is the payload object when at least one signature verified."""

    input: Digest
    envelope: Digest
    status: Literal["verified", "unsigned", "bad"]
    payload: Digest
    payload_type: str
    predicate_type: str
    subjects: tuple[Digest, ...]
    covers: bool  # every digest asked for is a subject
    signatures: tuple[SignatureCheck, ...]


class Recovery(Record, frozen=True, kw_only=True, tag="recovery/1"):
    """What opening a home after a crash cut off its journal: never acknowledged, kept under ``lost/`` all the same."""

    journal: Count
    position: Count
    size: Count
    lost: str  # hex SHA-256 of the bytes, which are no object


class ImportClaim(Record, frozen=True, kw_only=True, tag="import_claim/1"):
    """A bundle of another instance, brought in: its Runs and verdicts are claims until rerun here."""

    origin: str
    checkpoint: Digest
    manifest: Digest
    roots: tuple[Digest, ...]


class ProvenEntry(Part, frozen=True, kw_only=True):
    """An entry at its position, with the RFC 6962 inclusion proof to the bundle's log root (base64 hashes)."""

    position: Count
    entry: Entry
    proof: tuple[str, ...]


class BundleLog(Record, frozen=True, kw_only=True, tag="bundle_log/1"):
    """The entries of a log that travel in a bundle, in log order, each proven."""

    size: Count
    root: Digest
    entries: tuple[ProvenEntry, ...]


class BundleManifest(Record, frozen=True, kw_only=True, tag="bundle_manifest/1"):
    """What a bundle holds and where its log stood. Signed by the exporting instance."""

    origin: str
    log_size: Count
    log_root: Digest
    roots: tuple[Digest, ...]
    packs: tuple[Digest, ...]
    objects: Count
    trust_root: Digest
    log: Digest  # BundleLog: entries and inclusion proofs that travel along
    verifier: Digest  # verify.py as it travels
    entries: tuple[Count, ...]  # log positions whose entries and inclusion proofs travel along
    absent: tuple[Digest, ...]  # named by what travels, but left out (image layers, other closures)


class ReplayDifference(Part, frozen=True, kw_only=True):
    """The first differing path between a recorded and a recomputed record."""

    stage: Slug
    version: Count
    pointer: str
    recorded: Text
    recomputed: Text


class ReplayReport(Record, frozen=True, kw_only=True, tag="replay_report/1"):
    """Whether every Run behind a record, rerun elsewhere, gave the same bytes."""

    subject: Digest
    result: Literal["equal", "different", "cannot_rerun"]
    runs: Count  # that were rerun
    engines_missing: tuple[str, ...]
    absent: tuple[Digest, ...]  # Runs behind it that were not rerun, since what they read is not here
    differences: tuple[ReplayDifference, ...]
