"""Many at once, on a home on disk: nothing is lost, sets move whole, and the same bytes are admitted once."""

import threading

import pytest

from api.settings import Settings
from api.wiring import open_instance
from cas import digest, refs
from cas.adapters import fsck
from cas.adapters.home import Home
from cas.problems import Problem
from cas.records.evidence import Admission
from cas.records.proof import HeadSet
from cas.store import load
from pipeline.effects import Caller
from pipeline.operations.ingest import Submission, Submitted, submit
from tests.support.judging import sbom

pytestmark = pytest.mark.xdist_group("journeys")
MANY = 100
CI = Caller(actor="person:" + "c" * 32, login="ci")
IMAGES = tuple(digest.of_bytes(b"image %d" % at) for at in range(7))


def documents(count):
    """``count`` scans, each with bytes of its own."""
    return [sbom(("flask", f"9.0.{at}"), serial=f"urn:uuid:3e671687-395b-41f5-a30f-{at:012d}") for at in range(count)]


def at_once(jobs, threads=25):
    """Run jobs from many threads that start together; give what each gave or raised, in order."""
    answers = [None] * len(jobs)
    waiting, barrier, lock = list(enumerate(jobs)), threading.Barrier(threads), threading.Lock()

    def work():
        barrier.wait(30)
        while True:
            with lock:
                if not waiting:
                    return
                at, job = waiting.pop()
            try:
                answers[at] = job()
            except Problem as problem:
                answers[at] = problem

    running = [threading.Thread(target=work) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join(80)
    return answers


@pytest.fixture
def instance(tmp_path):
    made = open_instance(Settings(home=str(tmp_path / "home")), found=True)
    yield made
    made.close()


def members(log, store, subject):
    head = log.ref(refs.evidence(subject))
    return load(store, head, HeadSet).members if head else ()


def retried(job):
    """As CI would: a conflict is told, nothing was written, and the same call may be made again."""
    for _ in range(20):
        try:
            return job()
        except Problem as problem:
            if problem.code not in {"cas.expectation_failed", "evidence.contended"}:
                raise
            last = problem
    raise last


def test_a_hundred_parallel_submissions_lose_nothing_and_every_acknowledged_one_is_there_afterwards(instance):
    effects = instance.effects
    wanted = [(data, IMAGES[at % len(IMAGES)]) for at, data in enumerate(documents(MANY))]
    answers = at_once(
        [lambda given=given: retried(lambda: submit(effects, CI, [Submission(*given)])) for given in wanted]
    )
    assert all(isinstance(one, Submitted) for one in answers), answers
    receipts = [answer.receipts[0] for answer in answers]
    assert not any(receipt.duplicate for receipt in receipts)
    for image in IMAGES:
        mine = {receipt.admission for receipt, (_, subject) in zip(receipts, wanted, strict=True) if subject == image}
        assert set(members(effects.log, effects.store, image)) == mine
    instance.close()
    with Home.open(instance.settings.root, writable=False, clock=effects.clock) as home:
        for receipt, (data, subject) in zip(receipts, wanted, strict=True):
            assert home.store.get(receipt.raw) == data
            assert home.log.ref(refs.receipt(receipt.raw, subject)) == receipt.admission
            assert load(home.store, receipt.admission, Admission).subject == subject
    report = fsck.fsck(instance.settings.root)
    assert report.sound, report


def test_the_same_bytes_from_everybody_are_admitted_once_and_all_get_the_first_receipt(instance):
    effects = instance.effects
    [data] = documents(1)
    jobs = [lambda: retried(lambda: submit(effects, CI, [Submission(data, IMAGES[0])])) for _ in range(MANY)]
    answers = at_once(jobs)
    assert all(isinstance(one, Submitted) for one in answers), answers
    receipts = [answer.receipts[0] for answer in answers]
    assert len({(one.admission, one.evidence, one.raw) for one in receipts}) == 1
    assert [one.duplicate for one in receipts].count(False) == 1
    assert len(members(effects.log, effects.store, IMAGES[0])) == 1
    assert [entry.event for _, entry in effects.log.read()].count("evidence.admitted") == 1


def test_a_call_of_many_documents_is_seen_whole_or_not_at_all(instance):
    """A reader between two looks sees a multiple of what one call admits, whoever else writes."""
    effects = instance.effects
    every = documents(40)
    calls = [[Submission(data, IMAGES[0]) for data in every[at : at + 4]] for at in range(0, 40, 4)]
    done, seen = threading.Event(), set()

    def look():
        while not done.is_set():
            seen.add(len(members(effects.log, effects.store, IMAGES[0])))

    reader = threading.Thread(target=look)
    reader.start()
    answers = at_once([lambda call=call: retried(lambda: submit(effects, CI, call)) for call in calls], threads=10)
    done.set()
    reader.join(10)
    assert all(isinstance(one, Submitted) for one in answers), answers
    assert {count % 4 for count in seen} == {0}
    assert len(members(effects.log, effects.store, IMAGES[0])) == 40
    bad = [Submission(documents(41)[40], IMAGES[1]), Submission(b"{", IMAGES[1])]
    with pytest.raises(Problem):
        submit(effects, CI, bad)
    assert members(effects.log, effects.store, IMAGES[1]) == ()
    assert not effects.store.has(digest.of_bytes(bad[0].data))
