import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from cas import digest
from cas.adapters.duck_index import DuckIndex
from cas.adapters.duck_tables import IndexBusy
from cas.adapters.memory import MemoryLog, MemoryStore
from cas.found import MAX_LIMIT
from cas.index import Index
from cas.problems import ProofInvalid
from cas.records import proof
from cas.tables import NEWEST, TABLES
from tests.support.history import COMMIT, History, image, tell


@pytest.fixture
def history():
    return History(MemoryStore(), MemoryLog())


@pytest.fixture
def index(history, tmp_path):
    with DuckIndex(tmp_path / "index.duckdb", history.log, history.store) as made:
        yield made


def tables(index):
    return {name: index.table(name) for name in (*TABLES, *(f"{name}_now" for name in NEWEST))}


def test_every_table_gets_rows_from_a_told_history(history, index):
    tell(history)
    index.catch_up()
    assert {name for name, rows in tables(index).items() if not rows} == set()
    assert index.size() == history.log.head().size
    assert len(index.table("entries")) == index.size()


def test_rows_stand_in_a_total_order(history, index):
    tell(history)
    index.catch_up()
    for name, rows in tables(index).items():
        places = [row[:2] for row in rows]
        assert places == sorted(set(places)), name


def test_rebuilding_gives_identical_rows_in_every_table(history, index, tmp_path):
    tell(history)
    index.catch_up()
    history.environment("third")
    tell(history)
    index.catch_up()
    step_by_step = tables(index)
    index.rebuild()
    assert tables(index) == step_by_step
    with DuckIndex(None, history.log, history.store) as fresh:
        fresh.catch_up()
        assert tables(fresh) == step_by_step


@pytest.mark.parametrize("entries", [1, 2, 3, 7])
def test_rows_do_not_depend_on_the_size_of_batches(history, index, entries, monkeypatch):
    tell(history)
    index.catch_up()
    monkeypatch.setattr("cas.adapters.duck_tables.ENTRIES", entries)
    monkeypatch.setattr("cas.adapters.duck_tables.ROWS", entries)
    with DuckIndex(None, history.log, history.store) as fresh:
        fresh.catch_up()
        assert tables(fresh) == tables(index)


def test_catching_up_twice_is_catching_up_once(history, index):
    tell(history)
    assert index.catch_up() == index.catch_up() == history.log.head().size
    once = tables(index)
    index.catch_up()
    assert tables(index) == once


def test_who_writes_finds_it_at_once(history, index):
    assert index.releases().rows == ()
    made = history.release("shop-9")
    assert [row.release for row in index.releases().rows] == [made]


def test_an_index_goes_on_where_it_stood_when_it_is_opened_again(history, tmp_path):
    with DuckIndex(tmp_path / "i", history.log, history.store) as index:
        tell(history)
        index.catch_up()
        before = index.size()
    tell(history)
    with DuckIndex(tmp_path / "i", history.log, history.store) as index:
        assert index.size() == before
        index.catch_up()
        grown = tables(index)
        index.rebuild()
        assert tables(index) == grown


def test_an_index_of_another_log_is_made_again(history, tmp_path):
    tell(history)
    with DuckIndex(tmp_path / "i", history.log, history.store) as index:
        index.catch_up()
    other = History(MemoryStore(), MemoryLog())
    for length in (0, 3, 40):
        for at in range(length):
            other.release(f"other-{length}-{at}")
        with DuckIndex(tmp_path / "i", other.log, other.store) as index:
            assert {row.name for row in index.releases(limit=MAX_LIMIT).rows} == {
                name
                for name in (f"other-{a}-{b}" for a in (3, 40) for b in range(a))
                if other.log.ref(f"release/{name}")
            }


@pytest.mark.parametrize("damage", [b"", b"not a database", b"\0" * 20_000])
def test_a_damaged_index_is_made_again(history, tmp_path, damage):
    tell(history)
    path = tmp_path / "i"
    path.write_bytes(damage)
    with DuckIndex(path, history.log, history.store) as index:
        assert index.catch_up() == history.log.head().size


def test_entries_that_do_not_hash_to_the_root_are_refused(history):
    tell(history)

    class Lying:
        def __getattr__(self, name):
            return getattr(history.log, name)

        def leaf(self, position):
            return history.log.leaf(0 if position == 3 else position)

    with DuckIndex(None, Lying(), history.store) as index, pytest.raises(ProofInvalid):
        index.catch_up()


def test_what_retention_took_away_has_no_rows_and_stops_nothing(history):
    story = tell(history)
    kept = MemoryStore()
    for name in history.store.digests():
        if name not in {story.verdicts[1], story.first}:
            kept.put(history.store.get(name))
    with DuckIndex(None, history.log, kept) as index:
        assert {row.verdict for row in index.verdicts().rows} == set(story.verdicts) - {story.verdicts[1]}
        assert [row.name for row in index.releases().rows] == ["shop-2"]


def test_only_one_process_owns_the_file(history, index, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from cas.adapters.duck_index import DuckIndex\n"
        "from cas.adapters.duck_tables import IndexBusy\n"
        "from cas.adapters.memory import MemoryLog, MemoryStore\n"
        "from pathlib import Path\n"
        "try: DuckIndex(Path(sys.argv[1]), MemoryLog(), MemoryStore())\n"
        "except IndexBusy as problem: print(problem.code)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "index.duckdb", Path.cwd()], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"{IndexBusy.code}\n"


def test_threads_find_while_another_writes(history, index):
    faults = []

    def ask():
        try:
            for _ in range(20):
                rows = index.releases(limit=MAX_LIMIT).rows
                assert [row.cursor for row in rows] == sorted((row.cursor for row in rows), reverse=True)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for at in range(60):
        history.release(f"r{at}", components=())
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(index.releases(limit=MAX_LIMIT).rows) == 60


def test_the_adapter_keeps_the_contract(index):
    asked: Index = index
    wanted = {name for name in vars(Index) if not name.startswith("_")}
    assert wanted <= set(dir(asked))


# named finds


def test_releases_are_listed_newest_first_and_by_where_they_run(history, index):
    story = tell(history)
    assert [row.name for row in index.releases().rows] == ["shop-2", "shop-1"]
    assert [row.name for row in index.releases(environment="staging").rows] == ["shop-2"]
    assert [row.name for row in index.releases(environment="production").rows] == ["shop-1"]
    assert index.releases(line="none").rows == ()
    found = index.releases().rows[1]
    assert (found.release, found.id) == (story.first, digest.uuid_of(story.first))
    assert [part.name for part in index.components(story.first)] == ["api", "web"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_join_to_the_whole_without_gaps_or_repeats(history, index, limit):
    tell(history)
    whole = index.entries(limit=MAX_LIMIT).rows
    assert [row.seq for row in whole] == list(reversed(range(history.log.head().size)))
    joined, after = [], None
    while True:
        page = index.entries(after, limit)
        assert len(page.rows) <= limit
        joined += page.rows
        after = page.after
        if after is None:
            break
        history.note("noise.made", None)  # what comes in meanwhile does not shift the pages
    assert joined == list(whole)


def test_a_limit_is_held_to_its_bounds(history, index):
    tell(history)
    assert len(index.entries(limit=0).rows) == 1
    assert len(index.entries(limit=-5).rows) == 1
    assert len(index.entries(limit=10**9).rows) == history.log.head().size


def test_hostile_words_are_values_and_not_sql(history, index):
    tell(history)
    for word in ("'; DROP TABLE entries_rows; --", '"', "\0", "%", "\ud7ff", "x' OR '1'='1"):
        assert index.entries(event=word).rows == ()
        assert index.releases(environment=word).rows == ()
        assert index.promotions(states=(word,)).rows == ()
    assert index.entries().rows


def test_promotions_show_their_newest_state(history, index):
    story = tell(history)
    rows = index.promotions().rows
    assert [(row.promotion, row.state) for row in rows] == list(
        zip(reversed(story.promotions), ["deployed", "deployed", "rejected", "deployed"], strict=True)
    )
    assert [row.promotion for row in index.promotions(states=("rejected",)).rows] == [story.promotions[1]]
    assert {row.environment_name for row in index.promotions(environment="production").rows} == {"production"}
    assert [row.release_name for row in index.promotions(release=story.second).rows] == ["shop-2"]
    approvals = index.approvals(story.promotions[0])
    assert [(row.login, row.decision, row.personal) for row in approvals] == [("bob", "approve", True)]
    assert index.approvals(story.promotions[1]) == ()


def test_evidence_is_listed_by_subject_and_kind(history, index):
    tell(history)
    assert [row.type for row in index.evidence().rows] == ["vex", "provenance", "sbom", "sbom"]
    assert [row.type for row in index.evidence(kind="sbom").rows] == ["sbom", "sbom"]
    assert len(index.evidence(subject=image("shop-1 api")).rows) == 2
    assert index.evidence(subject=image("none")).rows == ()
    found = index.evidence(kind="sbom").rows[1]
    assert history.store.get(found.raw) == b"sbom one"


def test_verdicts_are_listed_and_counted_by_environment_outcome_and_month(history, index):
    story = tell(history)
    assert [row.verdict for row in index.verdicts().rows] == list(reversed(story.verdicts))
    assert [row.verdict for row in index.verdicts(outcome="deny").rows] == [story.verdicts[1]]
    assert [row.verdict for row in index.verdicts(release=story.second).rows] == [story.verdicts[3]]
    assert len(index.verdicts(environment="production").rows) == 2
    assert [(row.environment_name, row.outcome, row.month, row.count) for row in index.verdict_counts()] == [
        ("production", "allow", "2026-04", 1),
        ("production", "deny", "2026-03", 1),
        ("staging", "allow", "2026-03", 2),
    ]
    gates = index.gates(story.verdicts[1])
    assert [(row.id, row.status, row.findings) for row in gates] == [
        ("evidence_required", "fail", 1),
        ("severity_budget", "fail", 1),
    ]


def test_what_is_deployed_where_follows_the_newest_deployment(history, index):
    story = tell(history)
    rows = [(row.environment_name, row.release_name, row.component, row.digest) for row in index.deployed()]
    assert sorted(rows) == [
        ("production", "shop-1", "api", image("shop-1 api")),
        ("production", "shop-1", "web", image("shop-1 web")),
        ("staging", "shop-2", "api", image("shop-2 api")),
        ("staging", "shop-2", "web", image("shop-2 web")),
    ]
    assert {row.environment_name for row in index.deployed("staging")} == {"staging"}
    deployments = index.deployments().rows
    assert [row.outcome for row in deployments] == ["deployed"] * 3
    assert [row.release for row in index.deployments(environment="staging").rows] == [story.second, story.first]


def test_where_an_image_runs_is_found_by_its_index_and_by_its_platform_manifest(history, index):
    story = tell(history)
    for name, role in ((image("shop-1 api"), "index"), (image("shop-1 api amd64"), "manifest")):
        found = index.running(name)
        assert [(row.environment_name, row.target_name, row.component, row.role) for row in found] == [
            ("production", "p1", "api", role),
            ("production", "p2", "api", role),
        ]
        assert {row.target for row in found} == set(story.hosts[1:])
    assert [row.target_name for row in index.running(image("shop-2 web"))] == ["s1"]
    assert index.running(image("none")) == ()


def test_a_host_that_was_restored_still_runs_what_it_ran(history, index):
    story = tell(history)
    judged = history.verdict(story.second, story.production, "production")
    promoted = history.promote(story.second, story.production, judged)
    history.deploy(story.second, story.production, "production", "shop", promoted, story.hosts[1:], None, "restored")
    assert [row.target_name for row in index.running(image("shop-1 api"))] == ["p1", "p2"]


@pytest.mark.parametrize(
    ("kind", "what", "found"),
    [
        ("package", "pkg:deb/debian/p1", [("staging", "s1", "api")]),
        ("package", "pkg:deb/debian/p1@1", [("staging", "s1", "api")]),
        ("package", "pkg:npm/%40a/b", [("staging", "s1", "api")]),
        ("package", "pkg:deb/debian/p", []),
        ("commit", COMMIT, [("production", "p1", "api"), ("production", "p1", "web"), ("production", "p2", "api")]),
        ("commit", COMMIT[:7], [("production", "p1", "api"), ("production", "p1", "web"), ("production", "p2", "api")]),
        ("commit", COMMIT[::-1][:8].upper(), [("staging", "s1", "web")]),
        ("host", "p2", [("production", "p2", "api"), ("production", "p2", "web")]),
        ("host", "none", []),
        (
            "vulnerability",
            "cve-2026-1",
            [("production", "p1", "api"), ("production", "p2", "api"), ("staging", "s1", "api")],
        ),
        ("vulnerability", "a", [("production", "p1", "api"), ("production", "p2", "api"), ("staging", "s1", "api")]),
        ("vulnerability", "CVE-2026-2", [("staging", "s1", "api")]),
        ("vulnerability", "CVE-2026", []),
    ],
)
def test_it_is_found_where_something_runs(history, index, kind, what, found):
    tell(history)
    rows = [(row.environment_name, row.target_name, row.component) for row in index.where(kind, what)]
    assert rows[:3] == found, "by environment, target, component"
    assert {row[0] for row in rows} == {row[0] for row in found}
    here = [(row.environment_name, row.target_name, row.component) for row in index.where(kind, what, ["staging"])]
    assert here == [row for row in rows if row[0] == "staging"]
    assert len(index.where(kind, what, limit=1)) == min(len(rows), 1)


def test_a_release_is_found_where_it_runs_and_not_where_it_ran(history, index):
    story = tell(history)
    assert {(row.target_name, row.component) for row in index.where("release", story.first)} == {
        (host, part) for host in ("p1", "p2") for part in ("api", "web")
    }
    assert index.has_host("p1")
    assert not index.has_host("p3")


def test_what_a_vulnerability_touches_comes_with_the_verdict_that_told(history, index):
    story = tell(history)
    rows = index.affected("CVE-2026-1")
    assert [(row.release_name, row.environment_name, row.verdict, row.open) for row in rows] == [
        ("shop-1", "production", story.verdicts[2], False),
        ("shop-2", "staging", story.verdicts[3], True),
    ], "shop-1 no longer runs in staging"
    assert [row.verdict for row in index.affected("a", ["staging"])][:1] == [story.verdicts[3]]
    assert {row.vulnerability for row in index.affected("A")} == {f"CVE-2026-{at}" for at in range(3)}
    assert index.affected("CVE-2026-1", ["elsewhere"]) == ()


def test_newest_verdicts_leave_out_simulations_and_those_before(history, index):
    story = tell(history)
    rows = index.verdicts(newest=True).rows
    assert [row.verdict for row in rows] == [story.verdicts[3], story.verdicts[2], story.verdicts[0]]
    assert [row.verdict for row in index.verdicts(newest=True, release=story.second).rows] == [story.verdicts[3]]


def test_a_later_entry_wins_over_a_later_move_of_an_earlier_one(history, index):
    environment, host, first = history.environment("e"), history.target("e", "h"), history.release("r1")
    judged = history.verdict(first, environment, "e")
    there = history.deploy(first, environment, "e", "shop", history.promote(first, environment, judged), (host,))
    assert {row.release for row in index.deployed()} == {first}
    history.note("deployment.taken_back", there, [("deployed/e", history.save(proof.HeadSet, members=()))])
    assert index.deployed() == ()


def test_entries_are_found_by_record_and_listed_from_either_end(history, index):
    story = tell(history)
    history.note("release.noted", story.first)
    assert [row.event for row in index.entries(record=story.first).rows] == ["release.noted", "release.finalized"]
    oldest = index.entries(limit=2, oldest_first=True)
    rest = index.entries(oldest.after, MAX_LIMIT, oldest_first=True)
    assert [row.seq for row in (*oldest.rows, *rest.rows)] == list(range(history.log.head().size))


def test_findings_are_those_of_the_newest_verdict(history, index):
    story = tell(history)
    found = index.findings(story.first, environment="production").rows
    assert [row.vulnerability for row in found] == ["CVE-2026-0"]
    assert len(index.findings(story.first, environment="production", only_open=False).rows) == 2
    assert len(index.findings(story.first).rows) == 3
    counts = {(row.release_name, row.environment_name, row.severity): row.count for row in index.open_counts()}
    assert counts == {
        ("shop-1", "production", "critical"): 1,
        ("shop-1", "staging", "critical"): 1,
        ("shop-1", "staging", "high"): 1,
        ("shop-2", "staging", "critical"): 1,
        ("shop-2", "staging", "high"): 1,
    }
    assert {row.severity for row in index.open_counts("high")} == {"high"}
    assert len(index.open_counts(limit=2)) == 2


def test_the_findings_of_an_assessment_come_once_however_often_it_was_made(history, index):
    story = tell(history)
    before = index.findings(story.first, only_open=False).rows
    note = history.log.run_of(history.log.run_of(story.verdicts[0]).input)
    assert note is None
    runs = [run for _, entry in history.log.read() for run in entry.runs if run.stage == "assess"]
    history.note("verdict.judged", story.verdicts[0], runs=[runs[0], runs[0]])
    assert index.findings(story.first, only_open=False).rows == before
    assert len(index.table("assessments")) == 4
    index.rebuild()
    assert len(index.table("assessments")) == 4


def test_vex_is_joined_to_findings_by_vulnerability_and_package(history, index):
    story = tell(history)
    found = index.claims(story.first)
    assert {(row.vulnerability, row.purl, row.status, row.author) for row in found} == {
        ("CVE-2026-1", "pkg:deb/debian/p1@1", "not_affected", "us")
    }
    assert {row.environment_name for row in found} == {"staging", "production"}
    assert {row.release for row in index.claims(story.second)} == {story.second}
    assert index.claims(image("none")) == ()


@pytest.mark.parametrize(
    ("stated", "aliases"),
    [("CVE-2026-1", ()), ("GHSA-1", ()), ("A", ()), ("X-1", ("CVE-2026-1",)), ("X-1", ("GHSA-1", "GHSA-1", "A"))],
)
def test_a_claim_is_found_once_by_any_name_of_the_vulnerability(history, index, stated, aliases):
    environment, release = history.environment("e"), history.release("r")
    history.vex(image("r api"), stated, "pkg:deb/debian/p1@1", aliases=aliases)
    history.vex(image("r api"), "GHSA-2", "pkg:deb/debian/p1@1")
    history.verdict(release, environment, "e", aliases=("GHSA-1",))
    found = index.claims(release)
    assert [(row.vulnerability, row.purl, row.status) for row in found] == [
        ("CVE-2026-1", "pkg:deb/debian/p1@1", "not_affected")
    ]


def test_drift_and_feeds_are_listed(history, index):
    story = tell(history)
    assert [(row.target_name, row.type, row.field) for row in index.drift().rows] == [("p1", "corrupted", "image")]
    assert index.drift(target=story.hosts[0]).rows == ()
    assert [(row.name, row.documents) for row in index.feeds().rows] == [("osv", 7)]


# Parquet


def test_a_reader_takes_the_newest_snapshot_and_the_tail(history, index, tmp_path):
    tell(history)
    made = index.export(tmp_path / "snapshots")
    assert sorted(path.name for path in made.iterdir()) == sorted(
        [*(f"{name}.parquet" for name in TABLES), *(f"{name}_now.parquet" for name in NEWEST), "watermark.json"]
    )
    tell(history)
    read = []

    class Counting:
        def __getattr__(self, name):
            return getattr(history.log, name)

        def leaf(self, position):
            read.append(position)
            return history.log.leaf(position)

    with DuckIndex(None, Counting(), history.store, snapshots=tmp_path / "snapshots") as reader:
        snapshot = reader.size()
        assert reader.releases().rows == index.releases().rows
        assert tables(reader) == tables(index)
        assert read == list(range(snapshot, history.log.head().size))
        with DuckIndex(None, history.log, history.store) as fresh:
            fresh.catch_up()
            assert tables(fresh) == tables(reader)
        reader.rebuild()
        assert tables(reader) == tables(index)


def test_snapshots_replace_each_other_and_half_made_ones_are_not_seen(history, index, tmp_path):
    folder = tmp_path / "it's here"
    for at in range(4):
        history.release(f"r{at}")
        made = index.export(folder)
        assert index.export(folder) == made
    assert len([path for path in folder.iterdir() if path.name.isdigit()]) == 2
    (folder / ".000000009999.partial").mkdir()
    with DuckIndex(None, history.log, history.store, snapshots=folder) as reader:
        assert reader.size() == history.log.head().size
        assert len(reader.releases().rows) == 4


def test_without_or_with_a_foreign_snapshot_a_reader_starts_from_the_log(history, index, tmp_path):
    tell(history)
    with DuckIndex(None, history.log, history.store, snapshots=tmp_path / "none") as reader:
        assert tables_after(reader) == tables_after(index)
    other = History(MemoryStore(), MemoryLog())
    other.release("other")
    with DuckIndex(None, other.log, other.store) as theirs:
        theirs.export(tmp_path / "theirs")
    with DuckIndex(None, history.log, history.store, snapshots=tmp_path / "theirs") as reader:
        assert tables_after(reader) == tables_after(index)


def tables_after(index):
    index.catch_up()
    return tables(index)


def test_a_snapshot_is_read_while_the_owner_has_its_file_open(history, index, tmp_path):
    tell(history)
    made = index.export(tmp_path / "snapshots")
    with duckdb.connect() as other:
        found = other.execute(f"SELECT count(*) FROM read_parquet('{made}/verdicts.parquet')").fetchall()
    assert found == [(4,)]


# crashes


WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from cas.adapters.duck_index import DuckIndex
from cas.adapters.home import Home
from tests.support.history import History, tell
from tests.support.world import FakeClock

with Home.open(Path(sys.argv[1]), clock=FakeClock()) as home:
    history = History(home.store, home.log, count=home.log.head().size * 1000)
    with DuckIndex(Path(sys.argv[2]), home.log, home.store) as index:
        for at in range(1000):
            history.release(f"r{home.log.head().size}")
            history.verdict(history.release(f"v{home.log.head().size}"), history.environment("e"), "e")
            index.catch_up()
            print(index.size(), flush=True)
"""


def test_after_kill_9_the_index_equals_the_store_once_it_caught_up(tmp_path):
    from cas.adapters.home import Home
    from tests.support.world import FakeClock

    home, path = tmp_path / "home", tmp_path / "index.duckdb"
    with Home.open(home, clock=FakeClock()):
        pass
    for round_ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, home, path, Path.cwd()], stdout=subprocess.PIPE, text=True
        )
        said = [writer.stdout.readline() for _ in range(1 + round_ * 2)]
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        assert said[-1].strip().isdigit()
        with Home.open(home, clock=FakeClock()) as opened:
            assert opened.log.head().size >= int(said[-1])
            with DuckIndex(path, opened.log, opened.store) as index:
                assert index.size() <= opened.log.head().size
                index.catch_up()
                caught_up = tables(index)
            with DuckIndex(None, opened.log, opened.store) as fresh:
                fresh.catch_up()
                assert tables(fresh) == caught_up
