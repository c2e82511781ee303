"""Facts of any kind by their bytes: what formats give and stages read. Must not know which format gave them."""

from typing import Any, Final, get_args

import msgspec

from cas import canon
from cas.problems import RecordInvalid
from cas.records.evidence import AttestationFacts, VexFacts
from pipeline.formats.format import Facts

_KIND: Final = msgspec.json.Decoder(msgspec.defstruct("Kind", [("kind", str)]))
_EVERY: Final[tuple[Any, ...]] = get_args(Facts)
_BY_TAG: Final = {str(kind.__struct_config__.tag): kind for kind in _EVERY}


def facts_of(data: bytes) -> Facts:
    """Decode facts of whatever kind they are.

    Raises: cas.record_invalid
    """
    try:
        tag = str(getattr(_KIND.decode(data), "kind", ""))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RecordInvalid(kind="Facts", reason=str(error)[:200]) from error
    kind = _BY_TAG.get(tag)
    if kind is None:
        raise RecordInvalid(kind="Facts", reason=f"{tag[:80]} are no facts")
    found: Facts = canon.to_record(data, kind)
    return found


def created_at(facts: Facts) -> str:
    """Give when the document was made, by its own word; empty when it does not say."""
    if isinstance(facts, VexFacts):
        return facts.issued_at
    if isinstance(facts, AttestationFacts):
        return facts.finished_at or facts.started_at
    return facts.created_at
