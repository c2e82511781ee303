"""Readers in other processes: what was acknowledged is visible to them, what was not is not."""

import subprocess
import sys
import threading
import time

import pytest

from cas import digest, merkle
from cas.adapters.home import Home
from cas.adapters.home_files import MarkFile
from tests.support.homes import advance, entry, filled

WRITER = """
import sys
from pathlib import Path
from cas.adapters.home import Home
from tests.support.homes import advance
with Home.open(Path(sys.argv[1]), seal_at=int(sys.argv[2])) as home:
    for line in sys.stdin:
        if line == "seal\\n":
            home.seal()
        print(advance(home, line), flush=True)
"""


@pytest.fixture
def writer(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "home"), str(1 << 26)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def say(text):
            process.stdin.write(text + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield say
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_commit_is_visible_to_another_process_once_acknowledged(tmp_path, writer):
    first = writer("first")
    with Home.open(tmp_path / "home", writable=False) as reader:
        assert reader.log.ref("head") == first
        slowest = 0.0
        for at in range(200):
            name = writer(f"object {at}")
            acknowledged = time.monotonic()
            while reader.log.ref("head") != name:
                assert time.monotonic() - acknowledged < 20
            assert reader.store.get(name) == f"object {at}\n".encode()
            slowest = max(slowest, time.monotonic() - acknowledged)
        assert reader.log.head().size == 201
        print(f"slowest {slowest * 1000:.1f} ms")


def test_the_first_look_after_an_acknowledgement_sees_it(tmp_path, writer):
    """Stronger than any time limit: nothing is waited for."""
    writer("first")
    with Home.open(tmp_path / "home", writable=False) as reader:
        for at in range(100):
            name = writer(f"object {at}")
            assert reader.log.ref("head") == name
            assert reader.log.admitted(name) == at + 1


def test_a_reader_follows_through_sealing(tmp_path, writer):
    names = [writer("first")]
    with Home.open(tmp_path / "home", writable=False) as reader:
        for at in range(12):
            names.append(writer("seal" if at % 3 == 0 else f"object {at}"))
            assert reader.log.head().size == len(names)
            assert [one.record for _, one in reader.log.read()] == names
            assert reader.store.missing(names) == ()
        size, root = reader.log.head().size, digest.to_raw(reader.log.head().root)
        for position in range(size):
            leaf = merkle.leaf_hash(reader.log.leaf(position))
            merkle.verify_inclusion(leaf, position, size, reader.log.inclusion(position, size), root)
        assert reader.damage == ()


def test_what_is_written_but_not_marked_is_not_visible(tmp_path):
    path = tmp_path / "home"
    filled(path, 3)
    mark = (path / "mark").read_bytes()
    filled_more = Home.open(path)
    lost = advance(filled_more, "not marked")
    filled_more.close()
    (path / "mark").write_bytes(mark)
    with Home.open(path, writable=False) as reader:
        assert reader.log.head().size == 3
        assert not reader.store.has(lost)


def test_objects_put_but_not_committed_are_not_visible_elsewhere(tmp_path):
    with Home.open(tmp_path / "home") as home:
        advance(home, "first")
        name = home.store.put(b"waiting")
        with Home.open(tmp_path / "home", writable=False) as reader:
            assert not reader.store.has(name)
            home.store.flush()
            assert reader.store.get(name) == b"waiting"


def test_a_torn_mark_is_not_believed(tmp_path):
    path = tmp_path / "home"
    filled(path, 3)
    whole = (path / "mark").read_bytes()
    for at in range(len(whole)):
        torn = bytearray(whole)
        torn[at] ^= 1
        (path / "mark").write_bytes(bytes(torn))
        file = MarkFile(path / "mark", writable=False)
        assert file.read() is None
        file.close()
    with Home.open(path) as home:  # the writer finds the end by the commits, and writes the mark anew
        assert home.log.head().size == 3
    assert (path / "mark").read_bytes()[:8] == whole[:8]
    with Home.open(path, writable=False) as reader:
        assert reader.log.head().size == 3


def test_readers_in_threads_never_see_half_a_commit(tmp_path):
    path = tmp_path / "home"
    stop = threading.Event()
    problems = []

    def look():
        with Home.open(path, writable=False) as reader:
            while not stop.is_set():
                head = reader.log.head()
                if head.size % 3:
                    problems.append(head.size)
                name = reader.log.ref("head")
                if not reader.store.has(name):
                    problems.append(name)

    with Home.open(path) as home:
        home.log.append([entry(advance(home, "a")), entry(None)]).result(10)
        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for at in range(30):
            record = home.store.put(f"{at}".encode())
            home.log.append([entry(record), entry(record), entry(record)]).result(10)
            if at % 10 == 9:
                home.seal()
        stop.set()
        for thread in threads:
            thread.join(20)
    assert problems == []
