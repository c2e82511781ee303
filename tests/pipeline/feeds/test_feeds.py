"""Feeds: trees that share what did not change, lists, severities, imports that refuse what would be lost."""

import json
import random
import stat
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cas import refs
from cas.adapters.memory import MemoryStore
from cas.records.evidence import Severity
from cas.records.feed import EpssList, EpssTree, FeedCapture2, FeedPackage, FeedPackage2, FeedSnapshot, KevList
from cas.store import load
from pipeline.feeds import lists, severity
from pipeline.feeds.branches import bucket
from pipeline.feeds.diff import feed_diff
from pipeline.feeds.reading import snapshot as opened
from pipeline.formats import osv
from pipeline.formats.problems import DocumentUnreadable, FeedArchiveUnsafe, FeedRefused
from pipeline.operations.feed_files import documents_in
from pipeline.operations.feeds import import_feed
from tests.support import evidence
from tests.support.delivery import key
from tests.support.world import ALICE, BOB, World

DATA = Path(__file__).parents[2] / "data"
SERVER = key("ed25519", "server")


def document(name="A", package="x", modified="2024-01-01T00:00:00Z", ecosystem="npm", fixed="1.0.0", **others):
    affected = [
        {
            "package": {"ecosystem": ecosystem, "name": each},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }
        for each in package.split(",")
        if each
    ]
    return json.dumps({"id": name, "modified": modified, "affected": affected, **others}).encode()


def packages(store, snapshot):
    """Give {(ecosystem, name): [advisory ids]} of a snapshot by walking it."""
    empty = FeedSnapshot(
        name="x", captured_at="2024-01-01T00:00:00Z", sources=(), ecosystems=(), kev=None, epss=None, notes=()
    )
    found = {}
    for change in feed_diff(store, empty, opened(store.get(snapshot))):
        kind = FeedPackage if b'"feed_package/1"' in store.get(change.new) else FeedPackage2
        held = load(store, change.new, kind)
        assert (held.ecosystem, held.name) == (change.ecosystem, change.name)
        found[change.ecosystem, change.name] = [advisory.id for advisory in held.advisories]
    return found


def test_all_real_advisories_are_in_the_tree_under_every_package_they_name():
    store = MemoryStore()
    snapshot = evidence.import_advisories(store, evidence.advisories().values())
    found = packages(store, snapshot.digest)
    wanted = {}
    for data in evidence.advisories().values():
        read = json.loads(data)
        for affected in read["affected"]:
            package = affected["package"]
            wanted.setdefault(
                (package["ecosystem"], package["name"].lower() if package["ecosystem"] == "PyPI" else package["name"]),
                set(),
            ).add(read["id"])
    assert {key: set(ids) for key, ids in found.items() if key[0] != "PyPI"} == {
        key: ids for key, ids in wanted.items() if key[0] != "PyPI"
    }
    assert {name for ids in found.values() for name in ids} == {name for ids in wanted.values() for name in ids}
    withdrawn = sum(
        b'"withdrawn":"2' in store.get(each) for each in store.digests() if b'"feed_package/1"' in store.get(each)
    )
    assert withdrawn


def test_a_tree_does_not_depend_on_the_order_or_the_steps_of_import():
    documents = list(evidence.advisories().values())[:400]
    random.Random(7).shuffle(documents)
    one = evidence.import_advisories(MemoryStore(), documents).record
    store = MemoryStore()
    first = evidence.import_advisories(store, documents[:250])
    second = evidence.import_advisories(store, documents[200:], base=first.digest).record
    assert (one.ecosystems, one.documents, one.sources) == (second.ecosystems, second.documents, second.sources)


def test_what_did_not_change_is_shared():
    store = MemoryStore()
    documents = list(evidence.advisories().values())
    before = evidence.import_advisories(store, documents)
    held = set(store.digests())
    after = evidence.import_advisories(store, [document("NEW-1", "left-pad")], base=before.digest)
    made = [store.get(each) for each in set(store.digests()) - held]
    trees = [data for data in made if b'"kind":"feed_' in data and b'"feed_capture/1"' not in data]
    assert len(trees) <= 6  # package, bucket, ecosystem, document leaf, document tree, snapshot
    changes = feed_diff(store, before.record, after.record)
    assert [(each.ecosystem, each.name, each.old) for each in changes] == [("npm", "left-pad", None)]


def test_importing_the_same_again_changes_nothing():
    store = MemoryStore()
    before = evidence.import_advisories(store, evidence.advisories().values()).record
    digest = evidence.import_advisories(store, evidence.advisories().values()).digest
    after = evidence.import_advisories(store, evidence.advisories().values(), base=digest).record
    assert after.ecosystems == before.ecosystems
    assert feed_diff(store, before, after) == ()


def test_a_newer_document_replaces_and_leaves_packages_it_no_longer_names():
    store = MemoryStore()
    first = evidence.import_advisories(store, [document("A", "x,y"), document("B", "y")])
    second = evidence.import_advisories(
        store, [document("A", "y,z", modified="2024-02-01T00:00:00Z")], base=first.digest
    )
    assert packages(store, second.digest) == {("npm", "y"): ["A", "B"], ("npm", "z"): ["A"]}
    assert [(c.name, c.new is None) for c in feed_diff(store, first.record, second.record)] == [
        ("x", True),
        ("y", False),
        ("z", False),
    ]


def test_an_older_document_does_not_come_back():
    store = MemoryStore()
    first = evidence.import_advisories(store, [document("A", "x", modified="2024-02-01T00:00:00Z")])
    second = evidence.import_advisories(store, [document("A", "y")], base=first.digest)
    assert packages(store, second.digest) == {("npm", "x"): ["A"]}


def test_of_two_documents_with_one_id_the_newer_counts():
    store = MemoryStore()
    given = [document("A", "x", modified="2024-02-01T00:00:00Z"), document("A", "y")]
    assert packages(store, evidence.import_advisories(store, given).digest) == {("npm", "x"): ["A"]}


def test_names_fall_into_their_bucket():
    assert bucket("openssl") == "41"
    assert len({bucket(str(at)) for at in range(5000)}) == 256


def test_bounds_carry_keys_and_stand_in_order():
    events = [{"fixed": "2.0.1"}, {"introduced": "2.0.0"}, {"introduced": "0"}, {"fixed": "1.2.0"}]
    data = json.dumps(
        {
            "id": "A",
            "modified": "2024-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"ecosystem": "Go", "name": "m"},
                    "ranges": [{"type": "SEMVER", "events": events}, {"type": "GIT", "events": [{"introduced": "0"}]}],
                }
            ],
        }
    ).encode()
    ((_, _, advisory),) = osv.advisories(data, "sha256:" + "0" * 64)
    (only,) = advisory.ranges
    assert [(each.event, each.version) for each in only.events] == [
        ("introduced", "0"),
        ("fixed", "1.2.0"),
        ("introduced", "2.0.0"),
        ("fixed", "2.0.1"),
    ]
    assert [each.key for each in only.events] == sorted(each.key for each in only.events)


def test_kev_is_read_whole():
    read = lists.kev(evidence.kev())
    assert isinstance(read, KevList)
    assert len(read.entries) == 1404
    assert [each.cve for each in read.entries] == sorted(each.cve for each in read.entries)
    assert all(len(each.due) == 10 for each in read.entries)


def test_epss_scores_are_exact_millionths():
    kept = []

    def keep(record):
        kept.append(record)
        return "sha256:" + "0" * 64

    tree = lists.epss(evidence.epss(), keep)
    assert isinstance(tree, EpssTree)
    assert (tree.model, tree.scored_on) == ("v2023.03.01", "2024-10-25T00:00:00+0000")
    assert all(isinstance(each, EpssList) for each in kept)
    scores = dict(pair for each in kept for pair in each.scores)
    assert len(scores) == 29
    assert (scores["CVE-1999-0005"], scores["CVE-1999-0007"]) == (919_630, 730)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cve,score\n",
        "cve,epss\nCVE-1,two\n",
        "cve,epss\nCVE-1,1.5\n",
        "cve,epss\nCVE-1,NaN\n",
        "cve,epss\nCVE-1,1e99999\n",
        "cve,epss\nCVE-é,1\n",
    ],
)
def test_what_is_no_epss_file_is_refused(text):
    with pytest.raises(DocumentUnreadable):
        lists.epss(text.encode(), lambda _record: "sha256:" + "0" * 64)


def vectors():
    return [json.loads(line) for line in (DATA / "cvss" / "base-scores.jsonl").read_text().splitlines()]


INVENTED = "CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:C/C:H/I:N/A:N"
"""One fixture's score (7.5) is made up: CVSS 3.1's own formula gives 6.0."""


@pytest.mark.parametrize("case", vectors(), ids=lambda case: case["vector"])
def test_base_scores_are_those_of_the_vectors(case):
    vector = case["vector"]
    system = {"CVSS:4": "CVSS_V4", "CVSS:3": "CVSS_V3"}.get(vector[:6], "CVSS_V2")
    assert severity.score(system, vector) == (60 if vector == INVENTED else round(case["base_score"] * 10))


@pytest.mark.parametrize(
    ("system", "vector"),
    [
        ("CVSS_V3", "nonsense"),
        ("CVSS_V3", ""),
        ("CVSS_V4", "CVSS:3.1/AV:N"),
        ("Ubuntu", "high"),
        ("CVSS_V3", "CVSS:3.1/" + "A" * 5000),
    ],
)
def test_what_is_no_vector_has_no_score(system, vector):
    assert severity.score(system, vector) is None


@pytest.mark.parametrize(
    ("scores", "word", "wanted"),
    [
        ((), "", ("unknown", None)),
        ((), "MODERATE", ("medium", None)),
        ((("CVSS_V3", 98),), "LOW", ("critical", 98)),
        ((("CVSS_V3", 39), ("CVSS_V4", 70)), "", ("high", 70)),
        ((("CVSS_V3", 0),), "", ("negligible", 0)),
        ((("CVSS_V3", 50),), "Important", ("high", 50)),
        ((("Ubuntu", None, "negligible"),), "", ("negligible", None)),
    ],
)
def test_the_worst_of_scores_and_words_counts(scores, word, wanted):
    given = tuple(
        Severity(system=each[0], vector=each[2] if len(each) > 2 else "", score_tenths=each[1]) for each in scores
    )
    assert severity.worst(given, word) == wanted


def test_an_import_moves_the_head_in_one_entry():
    world = World()
    done = import_feed(
        world.effects(server=SERVER),
        ALICE,
        "osv",
        evidence.advisories().values(),
        kev=evidence.kev(),
        epss=evidence.epss(),
    )
    assert world.log.ref(refs.FEED) == done.snapshot
    ((_, entry),) = list(world.log.read())
    assert (entry.event, entry.record, entry.beside) == ("feed.imported", done.snapshot, (done.capture,))
    assert done.documents == 2202
    snapshot = opened(world.store.get(done.snapshot))
    assert snapshot.captured_at == world.clock.at
    assert snapshot.kev
    assert snapshot.epss
    found = [(each.name, each.documents) for each in snapshot.sources]
    assert found == [("epss", 29), ("kev", 1404), ("osv", 2202)]


def test_documents_that_break_the_schema_but_can_be_read_are_taken_and_named():
    world = World()
    done = import_feed(world.effects(server=SERVER), ALICE, "osv", evidence.advisories().values())
    assert {each.message.partition(":")[0] for each in done.faulty} == {
        "PYSEC-2023-80",
        "PYSEC-2019-155",
        "CVE-2012-2812",
    }


def test_lists_of_the_base_stay_when_an_import_brings_none():
    world = World()
    effects = world.effects(server=SERVER)
    import_feed(effects, ALICE, "osv", [document()], kev=evidence.kev(), epss=evidence.epss())
    done = import_feed(effects, ALICE, "other", [document("B")])
    snapshot = opened(world.store.get(done.snapshot))
    assert snapshot.kev
    assert snapshot.epss
    found = [(each.name, each.documents) for each in snapshot.sources]
    assert found == [("epss", 29), ("kev", 1404), ("osv", 1), ("other", 1)]


def test_replacing_forgets_the_base():
    world = World()
    effects = world.effects(server=SERVER)
    import_feed(effects, ALICE, "osv", [document()])
    done = import_feed(effects, ALICE, "osv", [document("B", "y")], replace_all=True)
    assert load(world.store, done.capture, FeedCapture2).base is None
    assert packages(world.store, done.snapshot) == {("npm", "y"): ["B"]}


def test_one_unreadable_document_refuses_the_import_with_all_faults():
    world = World()
    given = [
        document(),
        b"{",
        b'{"id":"A","id":"B","modified":"x","affected":[]}',
        b'{"hello":1}',
        document("B", "x" * 300),
        b'{"id":"","modified":"","affected":[]}',
    ]
    with pytest.raises(FeedRefused) as caught:
        import_feed(world.effects(server=SERVER), ALICE, "osv", given, kev=b"[]", epss=b"x")
    assert [(each.pointer, each.code) for each in caught.value.fields["faults"]] == [
        ("/1", "evidence.not_json"),
        ("/2", "evidence.not_json"),
        ("/3", "evidence.format_unknown"),
        ("/4", "evidence.unreadable"),
        ("/5", "evidence.unreadable"),
        ("/kev", "evidence.schema.type"),
        ("/kev", "evidence.unreadable"),
        ("/epss", "evidence.unreadable"),
    ]
    assert world.log.head().size == 0
    assert world.log.ref(refs.FEED) is None


def test_ndjson_is_many_documents():
    world = World()
    done = import_feed(world.effects(server=SERVER), ALICE, "osv", [document("A") + b"\n" + document("B") + b"\n"])
    assert done.documents == 2
    assert packages(world.store, done.snapshot) == {("npm", "x"): ["A", "B"]}


def test_two_imports_at_once_both_count():
    world = World()
    effects = world.effects(server=SERVER)
    start = threading.Barrier(2)

    def run(name):
        start.wait()
        return import_feed(effects, BOB, name, [document(name, name)])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, ["a", "b"]))
    assert packages(world.store, world.log.ref(refs.FEED)) == {("npm", "a"): ["a"], ("npm", "b"): ["b"]}


def archive(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, data)
    return path


FILE = stat.S_IFREG | 0o644


def test_archives_and_directories_give_their_documents_in_order_of_names(tmp_path):
    path = archive(tmp_path / "a.zip", ("b/2.json", b"2", FILE), ("a/1.json", b"1", FILE), ("README.md", b"no", FILE))
    assert list(documents_in(path)) == [b"1", b"2"]
    for name, data in (("b/2.json", b"2"), ("a/1.json", b"1"), ("README.md", b"no")):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(data)
    assert list(documents_in(tmp_path / "d")) == [b"1", b"2"]
    assert list(documents_in(tmp_path / "d" / "a" / "1.json")) == [b"1"]


@pytest.mark.parametrize(
    "member",
    [
        ("/etc/x.json", b"1", FILE),
        ("../x.json", b"1", FILE),
        ("a/../../x.json", b"1", FILE),
        ("..\\x.json", b"1", FILE),
        ("C:/x.json", b"1", FILE),
        ("x.json", b"/etc/passwd", stat.S_IFLNK | 0o777),
        ("bomb.json", b"0" * (8 << 20), FILE),
    ],
    ids=["absolute", "climbing", "climbing inside", "backslash", "drive", "link", "bomb"],
)
def test_unsafe_archives_are_refused_before_anything_is_read(tmp_path, member):
    path = archive(tmp_path / "a.zip", ("a.json", b"1", FILE), member)
    read = []
    with pytest.raises(FeedArchiveUnsafe):
        read.extend(documents_in(path))
    assert read == []


def test_links_in_directories_are_refused(tmp_path):
    (tmp_path / "a.json").symlink_to("/etc/hostname")
    with pytest.raises(FeedArchiveUnsafe):
        list(documents_in(tmp_path))


def test_a_broken_archive_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", ("a.json", b"1" * 5000, FILE))
    data = bytearray(path.read_bytes())
    data[45] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(FeedArchiveUnsafe):
        list(documents_in(path))
