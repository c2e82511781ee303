"""The material changes between two verdicts, as a record that can be signed and handed on."""

from typing import Literal

from cas.records.base import Name, Part, Record
from cas.records.forms import Digest
from cas.records.verdict import GateStatus, Outcome


class DeltaGate(Part, frozen=True, kw_only=True):
    """A gate that answers differently; empty where only one verdict asked it."""

    id: str
    before: GateStatus | Literal[""]
    after: GateStatus | Literal[""]


class DeltaChange(Part, frozen=True, kw_only=True):
    """A material change and the rule that makes it one; ``gates`` are ids of those that answer differently by it."""

    rule: Literal["R1", "R2", "R3", "R4"]
    code: str
    component: str
    package: str
    vulnerability: str
    before: str
    after: str
    gates: tuple[str, ...]


class Delta(Record, frozen=True, kw_only=True, tag="delta/1"):
    """What changed from one verdict to another. ``changes`` are sorted; whoever has both can compare again."""

    old: Digest  # Verdict
    new: Digest  # Verdict
    before: Outcome
    after: Outcome
    old_release: Name
    new_release: Name
    environment: Name
    gates: tuple[DeltaGate, ...]
    changes: tuple[DeltaChange, ...]
