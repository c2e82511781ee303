"""Advisory feeds in: documents, KEV and EPSS become the next snapshot in one append. Must not know SBOMs.

Documents that break the OSV schema but can be read are taken and listed; what cannot be read at all refuses the whole
import, because an advisory left out silently is a finding lost. Documents that the current snapshot holds already are
neither judged nor read again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from cas import digest, refs
from cas.digest import Digest
from cas.log import Appended
from cas.problems import CanonInvalid, ExpectationFailed, Fault, Problem, TooLarge
from cas.records.base import Instant
from cas.records.feed import (
    FeedCapture2,
    FeedDocumentTree,
    FeedFile,
    FeedOrigin,
    FeedRaws,
    FeedSnapshot2,
    ReadFeedInput,
)
from cas.store import Store, load
from pipeline.effects import Caller, Effects
from pipeline.feeds import lists
from pipeline.feeds.reading import snapshot
from pipeline.formats import natives, osv, osv_documents, schema
from pipeline.formats.decode import parse
from pipeline.formats.problems import EvidenceContended, FeedRefused
from pipeline.operations.attestations import seal_record
from pipeline.operations.work import Work
from pipeline.stages.import_feed2 import IMPORT_FEED2
from pipeline.stages.read_feed import READ_FEED

ATTEMPTS: Final = 8
PER_LEAF: Final = 4096
_FAULTS_LISTED: Final = 1000
_EVERY: Final = 1000

Told = Callable[[str, int], None]
"""Is told what is being done, and of how many documents so far."""


def _silent(_what: str, _count: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made. ``faulty`` lists documents that were taken although they break the schema."""

    snapshot: Digest
    capture: Digest
    documents: int
    faulty: tuple[Fault, ...]
    unchanged: bool
    appended: Appended | None
    envelope: Digest | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """How a capture is called, which files it came from, whether it is all there is, and when it was captured."""

    name: str
    files: tuple[FeedFile, ...] = ()
    complete: bool = False
    captured_at: Instant | None = None  # of a snapshot that another instance captured; never later than now


@dataclass(slots=True)
class _Given:
    """What was read of the caller's documents."""

    raws: set[Digest] = field(default_factory=set)
    native: dict[str, set[Digest]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    faulty: list[Fault] = field(default_factory=list)
    count: int = 0


def import_feed(  # noqa: PLR0917 - what is captured, in the order people name it
    effects: Effects,
    caller: Caller,
    source: Source | str,
    documents: Iterable[bytes],
    kev: bytes | None = None,
    epss: bytes | None = None,
    *,
    replace_all: bool = False,
    told: Told = _silent,
) -> Imported:
    """Import documents over the current snapshot (or instead of it) and move ``feeds/current``.

    Documents are streamed: one at a time is held decoded. Each may be one OSV record, NDJSON of many, or a file of a
    database in its own form (Debian's tracker, Alpine's secdb), which is a source of its own and complete.

    Raises: feed.refused, evidence.contended, and those of the log
    """
    given = _Given()
    source = Source(source) if isinstance(source, str) else source
    known = _known(effects)
    for at, data in enumerate(documents):
        for record in _records(data):
            _take(given, effects.store, record, at, known)
            if given.count % _EVERY == 0:
                told("reading", given.count)
    lists_given = {"kev": kev, "epss": epss}
    _check_lists(given, lists_given)
    if given.faults:
        raise FeedRefused(documents=given.count, faults=tuple(given.faults[:_FAULTS_LISTED]))
    captured = {key: effects.store.put(data) if data is not None else None for key, data in lists_given.items()}
    told("building", given.count)
    for _ in range(ATTEMPTS):
        try:
            return _append(effects, caller, source, given, captured, replace_all=replace_all)
        except ExpectationFailed:
            continue  # somebody else imported: take that snapshot as the base
    raise EvidenceContended(ref=refs.FEED)


class _Row(msgspec.Struct, gc=False):
    raw: str


class _Rows(msgspec.Struct, gc=False):
    documents: tuple[_Row, ...]


_ROWS: Final = msgspec.json.Decoder(_Rows)


def _known(effects: Effects) -> frozenset[Digest]:
    """Give the documents of the current snapshot, which were judged when they came."""
    head = effects.log.ref(refs.FEED)
    found = snapshot(effects.store.get(head)) if head is not None else None
    if not isinstance(found, FeedSnapshot2):
        return frozenset()
    leaves = load(effects.store, found.documents, FeedDocumentTree).leaves
    return frozenset(row.raw for leaf in leaves for row in _ROWS.decode(effects.store.get(leaf.digest)).documents)


def _append(
    effects: Effects,
    caller: Caller,
    source: Source,
    given: _Given,
    captured: dict[str, Digest | None],
    *,
    replace_all: bool,
) -> Imported:
    work = Work(effects, caller)
    base = work.ref(refs.FEED)
    documents, origins = _captured(work, source, given)
    origins += [_listed(effects.store, key, raw) for key, raw in captured.items() if raw is not None]
    capture = FeedCapture2(
        name=source.name,
        origins=tuple(sorted(origins, key=lambda one: one.name)),
        documents=tuple(sorted(documents)),
        kev=captured["kev"],
        epss=captured["epss"],
        base=None if replace_all else base,
        captured_at=min(source.captured_at or work.now, work.now),
        nonce=effects.entropy.nonce(),
    )
    done = work.run(IMPORT_FEED2, capture)
    sealed = seal_record(effects, "feed", done.digest, (("feeds/current", done.digest),))
    move = work.move(refs.FEED, done.digest)
    work.note("feed.imported", done.digest, (move,), envelopes=(sealed,), beside=(done.note.input,))
    appended = work.commit()
    return Imported(
        done.digest, done.note.input, given.count, tuple(given.faulty), base == done.digest, appended, sealed
    )


def _captured(work: Work, source: Source, given: _Given) -> tuple[list[tuple[str, Digest]], list[FeedOrigin]]:
    """Keep the lists of captured documents: of the source, and of each database in its own form."""
    raws = sorted(given.raws)
    leaves = [raws[at : at + PER_LEAF] for at in range(0, len(raws), PER_LEAF)]
    documents = [(source.name, work.save(FeedRaws(documents=tuple(leaf)))) for leaf in leaves]
    origins = []
    if raws or (source.complete and not given.native):
        origins.append(FeedOrigin(name=source.name, form="osv", complete=source.complete, files=source.files))
    for form, native in sorted(given.native.items()):
        done = work.run(READ_FEED, ReadFeedInput(form=form, raws=tuple(sorted(native))))
        documents.append((form, done.digest))
        files = tuple(_file(work.effects.store, raw) for raw in sorted(native))
        origins.append(FeedOrigin(name=form, form=form, complete=True, files=files))
    return documents, origins


def _file(store: Store, raw: Digest) -> FeedFile:
    return FeedFile(name=digest.short(raw), digest=raw, size=store.size(raw))


def _listed(store: Store, name: str, raw: Digest) -> FeedOrigin:
    return FeedOrigin(name=name, form=name, complete=True, files=(_file(store, raw),))


def _records(data: bytes) -> Iterator[bytes]:
    """Split NDJSON into records; a document that is one JSON value stays whole."""
    lines = data.split(b"\n")
    if len(lines) > 1 and all(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines if line.strip()):
        yield from (line for line in lines if line.strip())
    else:
        yield data


def _take(given: _Given, store: Store, data: bytes, at: int, known: frozenset[Digest]) -> None:
    """Judge one record strictly as JSON, leniently as OSV, and keep its bytes."""
    given.count += 1
    name = digest.of_bytes(data)
    if name in known or name in given.raws:
        given.raws.add(name)
        return
    document = _judged(given, data, name, at)
    if document is None:
        return
    if form := "" if osv.is_record(document) else natives.form_of(document):
        given.native.setdefault(form, set()).add(store.put(data))
        return
    for fault in schema.faults("osv-schema.json", document):
        if len(given.faulty) < _FAULTS_LISTED:
            said = f"{document['id']}: {fault.message}"
            given.faulty.append(Fault(f"/{at}{fault.pointer}", fault.code, said[:300]))
    given.raws.add(store.put(data))


def _judged(given: _Given, data: bytes, name: Digest, at: int) -> dict[str, Any] | None:
    """Give a record that can be read, or note why it cannot."""
    try:
        document = parse(data)
        if isinstance(document, dict) and osv.is_record(document):
            osv_documents.document(data, name, "")
            return document
        if isinstance(document, dict) and natives.form_of(document):
            return document
        given.faults.append(Fault(f"/{at}", "evidence.format_unknown", "no OSV record, nor a database that we know"))
    except (CanonInvalid, TooLarge) as problem:
        code = "evidence.too_large" if isinstance(problem, TooLarge) else "evidence.not_json"
        given.faults.append(Fault(f"/{at}", code, problem.detail()))
    except Problem as problem:
        given.faults.append(Fault(f"/{at}", problem.code, problem.detail()))
    return None


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


def before(effects: Effects, feed: Digest) -> Digest | None:
    """Give the snapshot that ``feeds/current`` named before this one first came."""
    at = effects.log.admitted(feed)
    found = next(effects.log.read(at, at + 1), None) if at is not None else None
    return next((move.old for move in found[1].moves if move.name == refs.FEED), None) if found else None


def envelope_of(effects: Effects, feed: Digest) -> Digest | None:
    """Give the signed statement that was kept beside a snapshot."""
    at = effects.log.admitted(feed)
    found = next(effects.log.read(at, at + 1), None) if at is not None else None
    return found[1].envelopes[0] if found and found[1].envelopes else None


class _Counted(msgspec.Struct, gc=False):
    packages: int | None = None


_COUNTED: Final = msgspec.json.Decoder(_Counted)


def packages_in(ecosystem: bytes) -> int | None:
    """Tell how many packages an ecosystem of a snapshot holds; None of the first kind, which does not say."""
    return _COUNTED.decode(ecosystem).packages
