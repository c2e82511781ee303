"""The journal's bytes, without files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas import digest, journal, merkle
from cas.journal import FILE_HEADER_SIZE, HEADER_SIZE, Chain, FileHeader
from cas.problems import HomeCorrupt
from cas.salvage import salvage

MAGIC = b"\x93magic\x00\x07"
START = Chain(0, journal.NO_COMMIT, 0, merkle.EMPTY)


def built(*commits, base=FILE_HEADER_SIZE):
    """Encode commits given as (objects, entries); give bytes, the start of each, and the chains after them."""
    data, starts, chains, chain = b"", [], [], START
    for objects, entries in commits:
        starts.append(base + len(data))
        named = [(digest.raw_of_bytes(one), one, digest.of_bytes(one)) for one in objects]
        root = bytes([chain.number + 1]) * 32
        buffers, _, chain = journal.compose(MAGIC, base + len(data), chain, named, entries, log_root=root)
        data += b"".join(buffers)
        chains.append(chain)
    return data, starts, chains


THREE = (([b"one", b"two"], [b"entry 0"]), ([b"three"], []), ([b"four", b""], [b"entry 1", b"entry 2"]))


def test_what_was_written_is_read_back():
    data, starts, chains = built(*THREE)
    found = journal.scan(data, FILE_HEADER_SIZE, MAGIC, START)
    assert found.fault is None
    assert [commit.start for commit in found.commits] == starts
    assert [commit.chain for commit in found.commits] == chains
    kinds = [[frame.kind for frame in commit.frames] for commit in found.commits]
    assert kinds == [[1, 1, 2], [1], [1, 1, 2, 2]]
    assert found.chain.log_size == 3
    first = found.commits[0].frames[0]
    assert data[first.start - FILE_HEADER_SIZE : first.end - FILE_HEADER_SIZE] == b"one"


@given(
    st.lists(
        st.tuples(st.lists(st.binary(max_size=50), max_size=4), st.lists(st.binary(max_size=50), max_size=3)),
        max_size=5,
    )
)
def test_any_commits_are_read_back(commits):
    data, _, chains = built(*commits)
    found = journal.scan(data, FILE_HEADER_SIZE, MAGIC, START)
    assert found.fault is None
    assert [one.chain for one in found.commits] == chains


def test_nothing_before_its_commit_frame_exists():
    data, starts, _ = built(*THREE)
    ends = [one - FILE_HEADER_SIZE for one in (*starts[1:], FILE_HEADER_SIZE + len(data))]
    for cut in range(len(data)):
        found = journal.scan(data[:cut], FILE_HEADER_SIZE, MAGIC, START)
        assert len(found.commits) == sum(1 for end in ends if end <= cut)


def test_every_flipped_bit_is_noticed():
    data, starts, _ = built(*THREE)
    for at in range(len(data)):
        for bit in (1, 128):
            bad = bytearray(data)
            bad[at] ^= bit
            found = journal.scan(bytes(bad), FILE_HEADER_SIZE, MAGIC, START)
            assert found.fault is not None
            assert len(found.commits) == sum(1 for start in starts[1:] if start - FILE_HEADER_SIZE <= at)


def test_a_frame_counts_only_at_its_own_position():
    data, _, _ = built(*THREE)
    assert journal.scan(data, FILE_HEADER_SIZE + 1, MAGIC, START).commits == ()


def test_a_frame_of_another_file_does_not_count():
    data, _, _ = built(*THREE)
    assert journal.scan(data, FILE_HEADER_SIZE, b"another!", START).commits == ()


def test_a_commit_that_does_not_follow_does_not_count():
    data, starts, chains = built(*THREE)
    rest = data[starts[1] - FILE_HEADER_SIZE :]
    found = journal.scan(rest, starts[1], MAGIC, START)
    assert found.commits == ()
    assert "does not follow" in found.fault.reason
    assert len(journal.scan(rest, starts[1], MAGIC, chains[0]).commits) == 2


def test_an_uploaded_frame_does_not_imitate_one():
    other, _, _ = built(([b"planted"], [b"forged entry"]))
    data, _, _ = built(([other, MAGIC * 20], []))
    found = journal.scan(data, FILE_HEADER_SIZE, MAGIC, START)
    assert found.chain.log_size == 0
    assert found.fault is None


def judged(data, mark):
    found = journal.scan(data, FILE_HEADER_SIZE, MAGIC, START)
    return journal.judge_tail(data, FILE_HEADER_SIZE, MAGIC, found, mark)


def test_an_incomplete_last_commit_is_to_be_cut():
    data, starts, _ = built(*THREE)
    for cut in range(starts[2] - FILE_HEADER_SIZE + 1, len(data)):
        assert judged(data[:cut], starts[2]) == "cut"
    assert judged(data, starts[2]) == "clean"


def test_the_last_commit_with_any_page_dropped_is_to_be_cut():
    data, starts, _ = built((([b"a" * 3000]), []), ([b"b" * 9000, b"c" * 9000], [b"entry"]))
    first = starts[1] - FILE_HEADER_SIZE
    for page in range(first // 4096, len(data) // 4096 + 1):
        start, stop = max(page * 4096, first), min((page + 1) * 4096, len(data))
        bad = data[:start] + bytes(stop - start) + data[stop:]
        assert judged(bad, starts[1]) == "cut"


def test_zeros_after_the_last_commit_are_nothing():
    data, starts, _ = built(*THREE)
    assert judged(data + bytes(5000), starts[2]) == "clean"


def test_a_fault_below_the_mark_is_damage():
    data, _, _ = built(*THREE)
    end = FILE_HEADER_SIZE + len(data)
    assert judged(data[:-1], end) == "damaged"
    assert judged(data[:-1] + b"\0", end) == "damaged"


def test_a_fault_before_a_later_commit_is_damage_whatever_the_mark_says():
    data, starts, _ = built(*THREE)
    for at in range(starts[1] - FILE_HEADER_SIZE):
        bad = bytearray(data)
        bad[at] ^= 1
        assert judged(bytes(bad), 0) == "damaged"


def test_file_header_survives_one_damaged_copy():
    header = FileHeader(MAGIC, 7, Chain(3, b"c" * 32, 5, b"r" * 32))
    data = journal.file_header(header)
    assert len(data) == FILE_HEADER_SIZE
    assert journal.parse_file_header(data) == (header, True)
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1
        assert journal.parse_file_header(bytes(bad)) == (header, False)
    with pytest.raises(HomeCorrupt):
        journal.parse_file_header(bytes(FILE_HEADER_SIZE))
    with pytest.raises(HomeCorrupt):
        journal.parse_file_header(data[:40])


def places(data):
    found = journal.scan(data, FILE_HEADER_SIZE, MAGIC, START)
    return [frame for commit in found.commits for frame in commit.frames]


def salvaged(data):
    found = journal.scan(data, FILE_HEADER_SIZE, MAGIC, START)
    return found, salvage(data[found.end - FILE_HEADER_SIZE :], found.end, MAGIC, found.chain, "j")


def test_salvage_names_every_damaged_object_and_entry():
    data, _, _ = built(*THREE)
    entry = 0
    for frame in places(data):
        number = entry if frame.kind == journal.ENTRY else None
        entry += frame.kind == journal.ENTRY
        for at in range(frame.position - FILE_HEADER_SIZE, frame.end - FILE_HEADER_SIZE):
            bad = bytearray(data)
            bad[at] ^= 1
            found, left = salvaged(bytes(bad))
            assert [(one.part, one.digest, one.entry) for one in left.damage] == [
                ("object" if number is None else "entry", digest.from_raw(frame.sha), number)
            ], at
            objects = sum(1 for one in found.commits for item in one.frames if item.kind == 1) + len(left.objects)
            headed = at - (frame.position - FILE_HEADER_SIZE) >= HEADER_SIZE or number is not None
            assert objects == (5 if headed else 4)
            if number is not None:
                assert found.chain.log_size + len(left.entries) == number  # none that follows a lost one
            else:
                assert found.chain.log_size + len(left.entries) == 3


def test_salvage_names_a_damaged_commit_frame_and_keeps_what_it_holds():
    data, starts, _ = built(*THREE)
    for end in (starts[1], starts[2]):
        for at in range(end - FILE_HEADER_SIZE - HEADER_SIZE - journal.COMMIT_SIZE, end - FILE_HEADER_SIZE):
            bad = bytearray(data)
            bad[at] ^= 1
            found, left = salvaged(bytes(bad))
            assert [one.part for one in left.damage] == ["commit"], at
            assert found.chain.log_size + len(left.entries) == 3
