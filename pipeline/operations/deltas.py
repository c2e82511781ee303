"""Deltas that are signed: what changed between two releases in an environment, kept and handed on. Reads verdicts."""

from dataclasses import dataclass

import msgspec

from cas.digest import Digest
from cas.records.delta import Delta, DeltaChange, DeltaGate
from cas.records.release import Environment, Release
from cas.records.verdict import Verdict
from cas.store import Reader, load
from pipeline.attest import delta as attested
from pipeline.effects import Caller, Effects
from pipeline.operations.asking import subjects
from pipeline.operations.attestations import sign_statement
from pipeline.operations.release_diff import compare
from pipeline.operations.work import Work


@dataclass(frozen=True, slots=True)
class Signed:
    """A delta and the envelope over its statement. ``existed``: this instance had signed it before."""

    digest: Digest
    delta: Delta
    envelope: bytes
    position: int | None
    existed: bool


def of_verdicts(reader: Reader, old: Digest, new: Digest) -> Delta:
    """Compare two verdicts, and give what is material.

    Raises: cas.object_missing, cas.record_invalid
    """
    found = compare(reader, old, new)
    before, after = load(reader, old, Verdict), load(reader, new, Verdict)
    return Delta(
        old=old,
        new=new,
        before=found.difference.before,
        after=found.difference.after,
        old_release=load(reader, before.release, Release).name,
        new_release=load(reader, after.release, Release).name,
        environment=load(reader, after.environment, Environment).name,
        gates=tuple(
            DeltaGate(id=one.id, before=one.before or "", after=one.after or "") for one in found.difference.gates
        ),
        changes=msgspec.convert(found.changes, tuple[DeltaChange, ...], from_attributes=True),
    )


def sign(effects: Effects, caller: Caller, old: Digest, new: Digest) -> Signed:
    """Compare two verdicts of this instance, sign the statement with its key, keep both.

    The server signs what it computed itself; asking again gives the same delta, and no second entry.

    Raises: cas.object_missing, cas.record_invalid, attest.statement_invalid
    """
    work = Work(effects, caller)
    delta = of_verdicts(effects.store, old, new)
    name = work.save(delta)
    images = subjects(load(effects.store, load(effects.store, new, Verdict).release, Release))
    envelope = sign_statement(attested.statement(delta, images), [effects.server])
    existed = effects.log.admitted(name) is not None
    if not existed:
        work.note("delta.signed", name, envelopes=(effects.store.put(envelope),))
        work.commit()
    return Signed(name, delta, envelope, effects.log.admitted(name), existed)
