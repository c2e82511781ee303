"""The statement about a delta between two releases. Must not know how they were compared.

Its kind stands here, beside those of ``statements``, since their list is frozen with the stages that verify.
"""

from collections.abc import Sequence
from typing import Final, cast

from cas import canon, digest
from cas.digest import Digest
from cas.records.delta import Delta
from pipeline.attest import statements
from pipeline.attest.statements import Kind, Statement

DELTA: Final = cast("Kind", "delta")
PREDICATE: Final = statements.predicate_type(DELTA)


def statement(delta: Delta, subjects: Sequence[tuple[str, Digest]]) -> bytes:
    """Write the in-toto statement of a delta, canonical; it carries the record. ``subjects``: the newer images.

    Raises: attest.statement_invalid without subjects
    """
    name = digest.of_bytes(canon.of_record(delta))
    return statements.build(DELTA, name, str(Delta.__struct_config__.tag), subjects, delta)


def read(said: Statement) -> tuple[Digest, Delta]:
    """Give the delta that a statement carries, and its digest, which the predicate must name.

    Raises: attest.statement_invalid, cas.record_invalid
    """
    return statements.content_of(said, DELTA, Delta)
