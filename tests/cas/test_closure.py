import pytest

from cas import references
from cas.adapters.memory import MemoryLog, MemoryStore
from cas.closure import NO_LOG, ROOT, admissions, closure
from cas.records import proof, verdict
from cas.records.catalog import KINDS
from cas.references import ELSEWHERE
from cas.store import load
from tests.support.history import History, image, tell
from tests.support.records import structs

UNSET = "sha256:" + "0" * 64  # what ``blank`` puts where a test does not care


@pytest.fixture
def history():
    return History(MemoryStore(), MemoryLog())


@pytest.fixture
def story(history):
    return tell(history)


def walk(history, *roots, **others):
    return closure(roots, history.store, admissions(history.log), **others)


def test_every_field_said_to_name_something_elsewhere_exists():
    fields = {
        f"{struct.__name__}.{field.name}"
        for kind in KINDS
        for struct, info in structs(kind).items()
        for field in info.fields
    }
    assert fields >= ELSEWHERE


def test_forward_references_are_followed_to_a_fixpoint(history, story):
    found = walk(history, story.verdicts[0])
    judged = load(history.store, story.verdicts[0], verdict.Verdict)
    assert {story.verdicts[0], judged.question, judged.assessment, story.first, story.staging} <= set(found.present)
    assert found.present == tuple(sorted(set(found.present)))
    assert all(history.store.has(name) for name in found.present)


def test_what_the_admitting_entry_lists_is_in_it(history, story):
    found = walk(history, story.verdicts[0])
    position = history.log.admitted(story.verdicts[0])
    entry = next(history.log.read(position, position + 1))[1]
    runs = {note.run for note in entry.runs}
    assert position in found.entries
    assert runs <= set(found.runs)
    for run in runs:
        one = load(history.store, run, proof.Run)
        assert {one.input, one.output, *one.reads, *one.keeps} - {image("x")} <= set(found.present)


def test_consumers_are_never_in_it(history, story):
    found = walk(history, story.first)
    assert not set(story.verdicts) & set(found.present)
    assert not set(story.promotions) & set(found.present)


def test_envelopes_beside_an_approval_are_in_it(history, story):
    approved = [entry.record for _, entry in history.log.read() if entry.event == "approval.admitted"]
    found = walk(history, approved[0])
    envelope = next(entry.envelopes[0] for _, entry in history.log.read() if entry.record == approved[0])
    assert envelope in found.present
    assert found.referrers[envelope] == (f"entry/{history.log.admitted(approved[0])}",)
    assert found.why(envelope) == (ROOT, approved[0], f"entry/{history.log.admitted(approved[0])}", envelope)


def test_images_are_elsewhere_and_not_missed(history, story):
    found = walk(history, story.first)
    assert image("shop-1 api") in found.elsewhere
    assert found.absent == ()
    held = history.store.put(b"image shop-1 api")
    assert held in walk(history, story.first).present


def test_what_is_gone_is_absent_and_who_names_it_is_said(history, story):
    judged = load(history.store, story.verdicts[0], verdict.Verdict)
    kept = MemoryStore()
    for name in history.store.digests():
        if name != judged.question:
            kept.put(history.store.get(name))
    found = closure([story.verdicts[0]], kept, admissions(history.log))
    assert set(found.absent) - {UNSET} == {judged.question}
    assert story.verdicts[0] in found.referrers[judged.question]
    assert found.why(judged.question)[:2] == (ROOT, story.verdicts[0])
    assert found.why(image("never named")) == ()


def test_a_missing_root_is_absent(history):
    found = walk(history, image("nothing"))
    assert found.absent == (image("nothing"),)
    assert found.why(image("nothing")) == (ROOT, image("nothing"))


def test_what_is_left_out_is_neither_read_nor_present(history, story):
    found = walk(history, story.verdicts[0], leave_out=lambda name: name == story.first)
    assert found.left_out == (story.first,)
    assert story.first not in found.present
    assert not any(
        "shop-1" in history.store.get(name).decode()
        for name in found.present
        if b"release/1" in history.store.get(name)
    )


def test_foreign_documents_are_not_followed_unless_asked(history):
    target = history.store.put(b"a layer")
    manifest = history.store.put(b'{"layers":[{"digest":"' + target.encode() + b'"}]}')
    assert walk(history, manifest).present == (manifest,)
    asked = walk(history, manifest, foreign=lambda data: [target] if b"layers" in data else [])
    assert asked.present == tuple(sorted((manifest, target)))


def test_bytes_that_only_look_like_a_record_are_foreign(history, story):
    for data in (
        b'{"kind":"head_set/1", "members":["' + story.first.encode() + b'"]}',
        b'{"kind":"nothing/1","members":["' + story.first.encode() + b'"]}',
        b'{"kind":"head_set/1","members":["' + story.first.encode() + b'"],"more":1}',
        b"[" * 100_000,
    ):
        assert references.of_bytes(data) is None
        name = history.store.put(data)
        assert walk(history, name).present == (name,)


def test_a_feed_is_held_but_followed_only_where_a_run_read_it(history):
    from cas.records import feed

    packages = [history.save(feed.FeedPackage, ecosystem="deb", name=name) for name in ("read", "unread")]
    bucket = history.save(
        feed.FeedBucket, packages=tuple(feed.NamedDigest(name=n, digest=d) for n, d in zip("ab", packages, strict=True))
    )
    eco = history.save(feed.FeedEcosystem, ecosystem="deb", buckets=(feed.NamedDigest(name="00", digest=bucket),))
    snapshot = history.save(feed.FeedSnapshot, name="osv", ecosystems=(feed.NamedDigest(name="deb", digest=eco),))
    question = history.save(verdict.MatchInput, facts=image("f"), feed=snapshot)
    found = history.save(verdict.Findings, feed=snapshot, facts=image("f"))
    note = history.run("match", question, found, [snapshot, eco, bucket, packages[0]])
    history.note("verdict.judged", None, runs=[note])
    reached = walk(history, found)
    assert {snapshot, eco, bucket, packages[0]} <= set(reached.present)
    assert packages[1] not in reached.present
    assert packages[1] in walk(history, found, opaque=frozenset()).present


def test_the_run_behind_a_memoised_output_and_the_entry_that_lists_it_are_in_it(history, story):
    judged = load(history.store, story.verdicts[0], verdict.Verdict)
    later = history.save(verdict.Verdict, assessment=judged.assessment, question=judged.question)
    history.note("verdict.judged", later)
    found = walk(history, later)
    note = history.log.run_of(judged.assessment)
    assert note.run in found.runs
    assert {history.log.admitted(later), history.log.admitted(story.verdicts[0])} <= set(found.entries)


def test_without_a_log_only_forward_references_are_followed(history, story):
    found = closure([story.verdicts[0]], history.store, NO_LOG)
    assert found.runs == ()
    assert found.entries == ()
    assert story.first in found.present


def test_a_closure_does_not_hang_on_the_order_of_roots(history, story):
    roots = [*story.verdicts, *story.deployed]
    assert walk(history, *roots) == walk(history, *reversed(roots), *roots)


def test_a_cycle_through_the_log_ends(history, story):
    found = walk(history, story.deployed[2])
    assert set(story.deployed) - {story.deployed[1]} <= set(found.present)
