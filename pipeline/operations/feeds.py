"""Advisory feeds in: documents, KEV and EPSS become the next snapshot in one append. Must not know SBOMs.

Documents that break the OSV schema but can be read are taken and listed; what cannot be read at all refuses the whole
import, because an advisory left out silently is a finding lost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.log import Appended
from cas.problems import CanonInvalid, ExpectationFailed, Fault, Problem, TooLarge
from cas.records.feed import FeedCapture
from cas.store import Store
from pipeline.effects import Caller, Effects
from pipeline.feeds import lists
from pipeline.formats import osv, schema
from pipeline.formats.decode import parse
from pipeline.formats.problems import EvidenceContended, FeedRefused
from pipeline.operations.work import Work
from pipeline.stages.import_feed import IMPORT_FEED

ATTEMPTS: Final = 8
_FAULTS_LISTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made. ``faulty`` lists documents that were taken although they break the schema."""

    snapshot: Digest
    capture: Digest
    documents: int
    faulty: tuple[Fault, ...]
    unchanged: bool
    appended: Appended | None


@dataclass(slots=True)
class _Given:
    """What was read of the caller's documents."""

    raws: set[Digest] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    faulty: list[Fault] = field(default_factory=list)
    count: int = 0


def import_feed(  # noqa: PLR0917 - what is captured, in the order people name it
    effects: Effects,
    caller: Caller,
    name: str,
    documents: Iterable[bytes],
    kev: bytes | None = None,
    epss: bytes | None = None,
    *,
    replace_all: bool = False,
) -> Imported:
    """Import documents over the current snapshot (or instead of it) and move ``feeds/current``.

    Documents are streamed: one at a time is held decoded. Each may be one OSV record or NDJSON of many.

    Raises: feed.refused, evidence.contended, and those of the log
    """
    given = _Given()
    store = effects.store
    for at, data in enumerate(documents):
        for record in _records(data):
            _take(given, store, record, at)
    lists_given = {"kev": kev, "epss": epss}
    _check_lists(given, lists_given)
    if given.faults:
        raise FeedRefused(documents=given.count, faults=tuple(given.faults[:_FAULTS_LISTED]))
    captured = {key: store.put(data) if data is not None else None for key, data in lists_given.items()}
    for _ in range(ATTEMPTS):
        try:
            return _append(effects, caller, name, given, captured, replace_all=replace_all)
        except ExpectationFailed:
            continue  # somebody else imported: take that snapshot as the base
    raise EvidenceContended(ref=refs.FEED)


def _append(
    effects: Effects,
    caller: Caller,
    name: str,
    given: _Given,
    captured: dict[str, Digest | None],
    *,
    replace_all: bool,
) -> Imported:
    work = Work(effects, caller)
    base = work.ref(refs.FEED)
    capture = FeedCapture(
        name=name,
        documents=tuple(sorted(given.raws)),
        kev=captured["kev"],
        epss=captured["epss"],
        base=None if replace_all else base,
        captured_at=work.now,
        nonce=effects.entropy.nonce(),
    )
    done = work.run(IMPORT_FEED, capture)
    work.note("feed.imported", done.digest, (work.move(refs.FEED, done.digest),), beside=(done.note.input,))
    appended = work.commit()
    return Imported(done.digest, done.note.input, given.count, tuple(given.faulty), base == done.digest, appended)


def _records(data: bytes) -> Iterator[bytes]:
    """Split NDJSON into records; a document that is one JSON value stays whole."""
    lines = data.split(b"\n")
    if len(lines) > 1 and all(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines if line.strip()):
        yield from (line for line in lines if line.strip())
    else:
        yield data


def _take(given: _Given, store: Store, data: bytes, at: int) -> None:
    """Judge one record strictly as JSON, leniently as OSV, and keep its bytes."""
    given.count += 1
    try:
        document = parse(data)
        if not isinstance(document, dict) or not osv.is_record(document):
            given.faults.append(Fault(f"/{at}", "evidence.format_unknown", "not an OSV record"))
            return
        osv.places(data)
    except (CanonInvalid, TooLarge) as problem:
        code = "evidence.too_large" if isinstance(problem, TooLarge) else "evidence.not_json"
        given.faults.append(Fault(f"/{at}", code, problem.detail()))
        return
    except Problem as problem:
        given.faults.append(Fault(f"/{at}", problem.code, problem.detail()))
        return
    for fault in schema.faults("osv-schema.json", document):
        if len(given.faulty) < _FAULTS_LISTED:
            said = f"{document['id']}: {fault.message}"
            given.faulty.append(Fault(f"/{at}{fault.pointer}", fault.code, said[:300]))
    given.raws.add(store.put(data))


def _check_lists(given: _Given, lists_given: dict[str, bytes | None]) -> None:
    """Read KEV and EPSS once before they are captured, so that their faults stand beside the others."""
    kev, epss = lists_given["kev"], lists_given["epss"]
    try:
        if kev is not None:
            found = list(schema.faults("known_exploited_vulnerabilities_schema.json", parse(kev)))
            given.faults += [Fault(f"/kev{each.pointer}", each.code, each.message) for each in found]
            lists.kev(kev)
    except Problem as problem:
        given.faults.append(Fault("/kev", problem.code, problem.detail()))
    try:
        if epss is not None:
            lists.epss(epss, lambda _record: "")
    except Problem as problem:
        given.faults.append(Fault("/epss", problem.code, problem.detail()))
