"""Kinds of evidence that the user registers with a JSON Schema of his own. Must not know any document.

A kind's newest schema judges what comes in; evidence names the schema that it was held to, so older evidence keeps its
meaning when the kind gets another one.
"""

from typing import Final

from cas import refs
from cas.problems import Fault
from cas.records.report import OwnKind
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.formats import own_schema
from pipeline.formats.generic import NAME
from pipeline.formats.opened import Opened, Refused, open_own
from pipeline.formats.problems import KindRefused
from pipeline.operations.kinds_kept import Kept
from pipeline.operations.work import Work

PREFIX: Final = f"{NAME}/"


def add(effects: Effects, caller: Caller, name: str, schema: bytes) -> Kept:
    """Register a kind, or give it another schema.

    Raises: evidence.kind_refused with all faults
    """
    faults = own_schema.schema_faults(schema)
    if faults:
        raise KindRefused(kind=name[:128], faults=faults)
    work = Work(effects, caller)
    kind = OwnKind(name=name, schema=effects.store.put(schema))
    saved = work.save(kind)
    if work.ref(refs.own_kind(name)) == saved:
        return Kept(saved, kind, existed=True)
    work.note("evidence.kind_added", saved, (work.move(refs.own_kind(name), saved),))
    work.commit()
    return Kept(saved, kind, existed=False)


def opened(work: Work, data: bytes, declared: str) -> Opened:
    """Open a document that is declared to be of a kind, and hold it to the kind's newest schema.

    Raises: Refused
    """
    name = declared.removeprefix(PREFIX).partition("@")[0]
    found = work.ref(refs.own_kind(name)) if 0 < len(name) <= 128 else None
    if found is None:
        raise Refused(
            Fault("", "evidence.kind_unknown", f"no kind {name[:80]!r} is registered: stella evidence kind add")
        )
    kind = load(work.effects.store, found, OwnKind)
    schema = work.effects.store.get(kind.schema)
    return open_own(data, f"{kind.name}@{kind.schema}", lambda document: own_schema.faults(schema, document))
