"""What a record refers to. Knows every record kind; must not know stores.

A digest in a record names either an object that belongs to it, or something that lies elsewhere: an image, a Merkle
root, a hash somebody sent. The second sort is listed in ELSEWHERE; it may happen to be held here, and is never missed.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cas import canon, digest
from cas.digest import Digest
from cas.problems import RecordInvalid
from cas.records.base import Record
from cas.records.catalog import KINDS

ELSEWHERE: Final = frozenset(
    {
        "Admission.subject",
        "Asked.key",
        "Asked.request",
        "AttestationFacts.source_digest",
        "AttestationFacts.subjects",
        "BundleLog.root",
        "BundleManifest.absent",
        "BundleManifest.log_root",
        "BundleManifest.packs",
        "BundleManifest.verifier",
        "Component.digest",
        "ComponentQuestion.image",
        "ComponentQuestion.subjects",
        "ComponentRow.image",
        "Drift.actual",
        "Drift.expected",
        "Evidence.subject",
        "FeedFile.digest",
        "Finding.arguments",
        "GatherInput.log_root",
        "Gathered.log_root",
        "ImageNode.below",
        "ImageNode.digest",
        "LockService.digest",
        "LockService.platform_digest",
        "Material.digest",
        "ObservedContainer.config_id",
        "ObservedContainer.id",
        "ObservedContainer.image_digest",
        "ObservedContainer.labels",
        "Package.hashes",
        "ProvenanceFacts.commit",
        "ProvenanceFacts.subjects",
        "PulledStatement.manifest",
        "PulledStatement.subject",
        "Receipt.outputs",
        "ReplayDifference.recomputed",
        "ReplayDifference.recorded",
        "Resolution.root",
        "SbomFacts.subjects",
        "ScanRun.sbom",
        "ScanRun.subject",
        "SignatureFacts.annotations",
        "SignatureFacts.subjects",
        "SigstoreCheck.claims",
        "SigstoreInput.subjects",
        "Step.arguments",
        "Token.digest",
        "UnknownRow.subject",
        "Verification.subjects",
        "VerifyInput.subjects",
        "VexProduct.hashes",
        "VexPull.images",
        "VsaFacts.inputs",
        "VsaFacts.levels",
        "VsaFacts.policy_digest",
        "VsaFacts.subjects",
        "VsaFacts.verifier_versions",
        "Waiver.subject",
    }
)
"""Fields (struct and name) whose digests name no object of ours."""

MAX_RECORD: Final = 256 << 20

_BY_TAG: Final = {str(kind.__struct_config__.tag): kind for kind in KINDS}


class _Tagged(msgspec.Struct, frozen=True):
    kind: str


@dataclass(frozen=True, slots=True)
class References:
    """What a record's bytes name: objects it needs, and everything else."""

    kind: str
    needed: frozenset[Digest]
    others: frozenset[Digest]


def of_bytes(data: bytes) -> References | None:
    """Read what some bytes refer to, if they are a record of ours; foreign documents refer to nothing."""
    if not data.startswith(b"{") or len(data) > MAX_RECORD:
        return None
    try:
        kind = _BY_TAG.get(msgspec.json.decode(data, type=_Tagged).kind)
        if kind is None:
            return None
        record = canon.to_record(data, kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, RecordInvalid):
        return None
    return of_record(record, data)


def of_record(record: Record, data: bytes) -> References:
    """Read what a record refers to; ``data`` are its canonical bytes."""
    needed: set[Digest] = set()
    _gather(record, needed)
    return References(str(record.__struct_config__.tag), frozenset(needed), digest.named_in(data) - needed)


def _gather(value: Any, found: set[Digest]) -> None:
    """Add every digest that a value holds where objects of ours are named."""
    if isinstance(value, str):
        if len(value) == 71 and digest.is_digest(value):
            found.add(value)
    elif isinstance(value, tuple):
        for item in value:
            _gather(item, found)
    elif isinstance(value, msgspec.Struct):
        name = type(value).__name__
        for field in value.__struct_fields__:
            if f"{name}.{field}" not in ELSEWHERE:
                _gather(getattr(value, field), found)
