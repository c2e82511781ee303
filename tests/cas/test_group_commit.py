"""Group commit: many writers, one commit; whoever waits may do the work."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest

from cas.adapters.group_commit import GroupCommit, Waiting
from cas.problems import SyncFailed


@dataclass
class Items:
    done: Future
    items: list = field(default_factory=list)


class Recorder:
    """Performs batches; waits at ``gate`` when told to, so that a test decides what queues up meanwhile."""

    def __init__(self, *, gated=False):
        self.batches = []
        self.threads = []
        self.gate = threading.Semaphore(0 if gated else 10**6)
        self.begun = threading.Semaphore(0)
        self.problem = None
        self.group = GroupCommit(lambda: Items(Waiting(self.lead)), self.perform)

    def lead(self):
        self.group.lead()

    def perform(self, batch):
        self.begun.release()
        self.gate.acquire()
        self.threads.append(threading.current_thread())
        if batch.items:
            self.batches.append(batch.items)
        if self.problem:
            batch.done.set_exception(self.problem)
        else:
            batch.done.set_result(None)

    def add(self, item):
        with self.group.lock:
            self.group.batch.items.append(item)
            return self.group.batch.done


def test_a_single_writer_commits_in_its_own_thread():
    recorder = Recorder()
    recorder.add("a").result(5)
    assert recorder.batches == [["a"]]
    assert recorder.threads == [threading.current_thread()]


def test_what_queues_up_during_one_commit_makes_the_next():
    recorder = Recorder(gated=True)
    first = threading.Thread(target=lambda: recorder.add("first").result(5))
    first.start()
    assert recorder.begun.acquire(timeout=5)
    waiting = [recorder.add(at) for at in range(100)]
    threads = [threading.Thread(target=one.result, args=(5,)) for one in waiting]
    for thread in threads:
        thread.start()
    recorder.gate.release(200)
    for thread in (first, *threads):
        thread.join(5)
    assert recorder.batches == [["first"], list(range(100))]
    recorder.group.close()


def test_nobody_needs_to_wait_for_a_commit_to_happen():
    recorder = Recorder()
    done = recorder.add("a")
    told = threading.Event()
    done.add_done_callback(lambda _: told.set())
    recorder.group.nudge()
    assert told.wait(5)
    recorder.group.close()


def test_settling_waits_for_what_is_already_being_committed():
    recorder = Recorder(gated=True)
    recorder.add("a")
    recorder.group.nudge()
    assert recorder.begun.acquire(timeout=5)
    settled = threading.Event()
    thread = threading.Thread(target=lambda: (recorder.group.settle(), settled.set()))
    thread.start()
    assert not settled.is_set()
    recorder.gate.release(100)
    assert settled.wait(5)
    assert recorder.batches == [["a"]]
    thread.join(5)
    recorder.group.close()


def test_a_failure_reaches_everybody_who_waits():
    recorder = Recorder()
    recorder.problem = SyncFailed(reason="test")
    done = recorder.add("a")
    with pytest.raises(SyncFailed):
        recorder.group.settle()
    with pytest.raises(SyncFailed):
        done.result(5)


def test_closing_commits_what_is_queued():
    recorder = Recorder()
    recorder.add("a")
    recorder.group.close()
    assert recorder.batches == [["a"]]


def test_one_who_waits_cannot_cancel_for_the_others():
    recorder = Recorder()
    done = recorder.add("a")
    assert not done.cancel()
    done.result(5)


def test_many_threads_lose_nothing():
    recorder = Recorder()

    def write(base):
        for at in range(200):
            recorder.add((base, at)).result(10)

    threads = [threading.Thread(target=write, args=(base,)) for base in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    recorder.group.close()
    seen = [item for batch in recorder.batches for item in batch]
    assert sorted(seen) == [(base, at) for base in range(16) for at in range(200)]
    assert [at for base, at in seen if base == 3] == list(range(200))
