"""import_feed/2: trees that do not tell their steps, documents joined to one vulnerability, who rated it, sources."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas.adapters.memory import MemoryStore
from cas.records.feed import FeedPackage2, FeedSnapshot2
from cas.store import load
from pipeline.feeds.diff import feed_diff
from pipeline.feeds.names import digits_for
from pipeline.feeds.reading import branch_of, bucket_of, snapshot
from tests.support import evidence


def osv(name, package="x", fixed="1.0.0", ecosystem="npm", **others):
    affected = [
        {
            "package": {"ecosystem": ecosystem, "name": each},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            **others.get("affected", {}),
        }
        for each in package.split(",")
        if each
    ]
    others = {key: value for key, value in others.items() if key != "affected"}
    return json.dumps({"id": name, "modified": "2024-01-01T00:00:00Z", "affected": affected, **others}).encode()


def of(store, feed):
    """Give {(ecosystem, name): {advisory id: advisory}} of a snapshot by walking it."""
    found = {}
    for ecosystem in snapshot(store.get(feed)).ecosystems:
        for held in branch_of(store.get(ecosystem.digest)).buckets.values():
            for name, package in bucket_of(store.get(held)).packages():
                record = load(store, package, FeedPackage2)
                assert (record.ecosystem, record.name) == (ecosystem.name, name)
                found[ecosystem.name, name] = {one.id: one for one in record.advisories}
    return found


def imported(*documents, **others):
    store = MemoryStore()
    return store, of(store, evidence.import_advisories2(store, documents, **others).digest)


def trees(store, digest):
    found = load(store, digest, FeedSnapshot2)
    return found.ecosystems, found.documents, found.names


def test_trees_do_not_depend_on_the_order_or_the_steps_of_import():
    store = MemoryStore()
    documents = sorted(evidence.advisories().values())[:700]
    whole = trees(store, evidence.import_advisories2(store, documents).digest)
    random.Random(1).shuffle(documents)
    base = None
    for at in range(0, len(documents), 250):
        base = evidence.import_advisories2(store, documents[at : at + 250], base=base).digest
    assert trees(store, base) == whole


SMALL = st.lists(
    st.tuples(
        st.sampled_from("ABCDEF"), st.sampled_from("xyz"), st.sampled_from(["", "CVE-1", "CVE-2", "A", "GHSA-1"])
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SMALL, st.randoms(use_true_random=False))
def test_joining_does_not_depend_on_the_order_of_import(rows, chance):
    documents = [
        osv(name, package, aliases=[alias] if alias else [], database_specific={"severity": "HIGH"})
        for name, package, alias in rows
    ]
    store = MemoryStore()
    whole = trees(store, evidence.import_advisories2(store, documents).digest)
    chance.shuffle(documents)
    base = None
    for document in documents:
        base = evidence.import_advisories2(store, [document], base=base).digest
    assert trees(store, base) == whole


def test_many_packages_hang_in_more_buckets_and_only_what_changed_is_new():
    store = MemoryStore()
    documents = [osv(f"A-{at}", f"package-{at}") for at in range(1500)]
    first = evidence.import_advisories2(store, documents[:100]).digest
    second = evidence.import_advisories2(store, documents[100:], base=first).digest
    digits = [branch_of(store.get(snapshot(store.get(each)).ecosystems[0].digest)).digits for each in (first, second)]
    assert digits == [digits_for(100), digits_for(1500)] == [1, 2]
    assert len(of(store, second)) == 1500
    third = evidence.import_advisories2(store, [osv("B", "package-7")], base=second).digest
    changed = feed_diff(store, snapshot(store.get(second)), snapshot(store.get(third)))
    assert [(one.ecosystem, one.name) for one in changed] == [("npm", "package-7")]
    back = evidence.import_advisories2(store, documents[:100], base=third, complete=True).digest
    assert trees(store, back)[0] == trees(store, first)[0]


def test_documents_that_share_a_name_are_one_vulnerability_with_all_its_names():
    _, found = imported(
        osv("GO-1", "a", ecosystem="Go", aliases=["GHSA-1"]),
        osv("GHSA-1", "b", aliases=["CVE-1"], database_specific={"severity": "HIGH"}),
        osv("DEBIAN-CVE-1", "c", ecosystem="Debian:12", upstream=["CVE-1"]),
        osv("OTHER", "d", aliases=["CVE-2"]),
    )
    every = {"GO-1", "GHSA-1", "CVE-1", "DEBIAN-CVE-1"}
    for (place, name), advisory in (
        (("Go", "a"), "GO-1"),
        (("npm", "b"), "GHSA-1"),
        (("Debian:12", "c"), "DEBIAN-CVE-1"),
    ):
        assert {advisory, *found[place, name][advisory].aliases} == every
        assert (found[place, name][advisory].severity, found[place, name][advisory].severity_source) == ("high", "ghsa")
    assert found["npm", "d"]["OTHER"].aliases == ("CVE-2",)


def test_a_bundle_of_vulnerabilities_joins_none_of_them():
    _, found = imported(
        osv("A", "a", aliases=["CVE-1"]),
        osv("B", "b", aliases=["CVE-2"]),
        osv("BUNDLE", "c", aliases=["CVE-1", "CVE-2"]),
        osv("DSA-1", "d", ecosystem="Debian:12", upstream=["CVE-1", "CVE-2"]),
    )
    assert found["npm", "a"]["A"].aliases == ("CVE-1",)
    assert found["npm", "c"]["BUNDLE"].aliases == ("CVE-1", "CVE-2")
    assert found["Debian:12", "d"]["DSA-1"].aliases == ()
    assert found["Debian:12", "d"]["DSA-1"].related == ("CVE-1", "CVE-2")


HIGH = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}
LOW = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}


def nvd(severity):
    return osv("CVE-1", "", severity=[severity])


def ghsa(word):
    return osv("GHSA-1", "", aliases=["CVE-1"], database_specific={"severity": word})


@pytest.mark.parametrize(
    ("ecosystem", "own", "beside", "wanted"),
    [
        # a distribution's own word counts before all others
        ("Ubuntu:22.04", {"severity": [{"type": "Ubuntu", "score": "low"}]}, [nvd(HIGH)], ("low", "vendor", 75)),
        ("Debian:12", {"affected": {"ecosystem_specific": {"urgency": "unimportant"}}}, [nvd(HIGH)], ("negligible", "vendor", 75)),
        ("Debian:12", {"affected": {"ecosystem_specific": {"urgency": "not yet assigned"}}}, [nvd(HIGH)], ("high", "nvd", 75)),
        # without a word of its own: NVD before GHSA
        ("Debian:12", {}, [nvd(LOW), ghsa("CRITICAL")], ("low", "nvd", 18)),
        ("Debian:12", {}, [ghsa("CRITICAL")], ("critical", "ghsa", None)),
        # elsewhere the advisory's database counts first
        ("npm", {"database_specific": {"severity": "LOW"}}, [nvd(HIGH)], ("low", "advisory", 75)),
        ("npm", {"severity": [LOW]}, [nvd(HIGH), ghsa("CRITICAL")], ("low", "advisory", 18)),
        ("npm", {}, [nvd(HIGH), ghsa("CRITICAL")], ("high", "nvd", 75)),
        ("npm", {"severity": [{**HIGH, "source": "NVD"}]}, [], ("high", "nvd", 75)),
        ("npm", {"severity": [{**HIGH, "source": "CNA"}]}, [ghsa("LOW")], ("low", "ghsa", 75)),
        # of several scores of one voice the newest version of CVSS counts, not the worst
        (
            "npm",
            {"severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}, LOW]},
            [],
            ("low", "advisory", 18),
        ),
        ("npm", {"severity": [{"type": "CVSS_V3", "score": "nonsense"}]}, [], ("unknown", "", None)),
        ("npm", {}, [], ("unknown", "", None)),
    ],
)  # fmt: skip
def test_who_says_how_bad_it_is_follows_the_table(ecosystem, own, beside, wanted):
    _, found = imported(osv("ADV-1", "x", ecosystem=ecosystem, upstream=["CVE-1"], **own), *beside)
    advisory = found[ecosystem, "x"]["ADV-1"]
    assert (advisory.severity, advisory.severity_source, advisory.score_tenths) == wanted


def test_an_advisory_over_several_vulnerabilities_is_as_bad_as_the_worst_of_them():
    _, found = imported(
        osv("DSA-1", "x", ecosystem="Debian:12", upstream=["CVE-1", "CVE-2"]),
        osv("CVE-1", "", severity=[LOW]),
        osv("CVE-2", "", severity=[HIGH]),
    )
    assert found["Debian:12", "x"]["DSA-1"].severity == "high"
    assert found["Debian:12", "x"]["DSA-1"].severity_source == "nvd"


def test_a_github_advisory_is_called_by_its_database_and_malware_is_critical():
    _, found = imported(osv("GHSA-1", "x", database_specific={"severity": "LOW"}), osv("MAL-1", "y"))
    assert found["npm", "x"]["GHSA-1"].severity_source == "ghsa"
    assert found["npm", "y"]["MAL-1"].severity == "critical"


def test_a_withdrawn_document_rates_nobody_and_names_nobody():
    _, found = imported(
        osv("ADV-1", "x", aliases=["CVE-1"]),
        osv("GHSA-1", "", aliases=["CVE-1"], database_specific={"severity": "HIGH"}, withdrawn="2024-02-01T00:00:00Z"),
    )
    assert found["npm", "x"]["ADV-1"].severity == "unknown"
    assert found["npm", "x"]["ADV-1"].aliases == ("CVE-1",)


def test_a_rating_that_comes_later_changes_the_packages_that_it_speaks_of_by_name():
    store = MemoryStore()
    first = evidence.import_advisories2(store, [osv("GO-1", "a", ecosystem="Go", aliases=["CVE-1"]), osv("B", "b")])
    second = evidence.import_advisories2(store, [nvd(HIGH)], base=first.digest)
    assert of(store, second.digest)["Go", "a"]["GO-1"].severity == "high"
    changed = feed_diff(store, *(snapshot(store.get(each.digest)) for each in (first, second)))
    assert [(one.ecosystem, one.name) for one in changed] == [("Go", "a")]


def test_a_complete_source_forgets_what_it_no_longer_has_and_nothing_of_others():
    store = MemoryStore()
    first = evidence.import_advisories2(
        store, (), sources={"one": [osv("A", "a"), osv("B", "b")], "two": [osv("C", "a")]}
    ).digest
    second = evidence.import_advisories2(store, [osv("B", "b")], name="one", base=first, complete=True).digest
    assert {key: set(held) for key, held in of(store, second).items()} == {("npm", "a"): {"C"}, ("npm", "b"): {"B"}}
    counts = {one.name: one.documents for one in snapshot(store.get(second)).sources}
    assert counts == {"one": 1, "two": 1}


def test_a_snapshot_of_the_first_kind_is_read_anew():
    store = MemoryStore()
    documents = sorted(evidence.advisories().values())[:300]
    old = evidence.import_advisories(store, documents, lists=True).digest
    new = evidence.import_advisories2(store, [osv("A", "b")], base=old).digest
    straight = evidence.import_advisories2(store, [*documents, osv("A", "b")]).digest
    assert of(store, new).keys() == of(store, straight).keys()
    assert trees(store, new)[0] == trees(store, straight)[0]
    assert snapshot(store.get(new)).kev == snapshot(store.get(old)).kev


def test_importing_again_reads_no_document_twice_and_changes_nothing_but_the_time():
    store = MemoryStore()
    first = evidence.import_advisories2(store, [osv("A", "a")])
    again = evidence.import_advisories2(store, [osv("A", "a")], base=first.digest)
    assert trees(store, first.digest) == trees(store, again.digest)
    assert store.put(osv("A", "a")) not in load(store, again.note.run, type_of_run()).reads


def type_of_run():
    from cas.records.proof import Run

    return Run


def test_commits_alone_are_told_not_dropped():
    git = {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}
    _, found = imported(osv("A", "a", affected=git))
    assert [each.type for each in found["npm", "a"]["A"].ranges] == ["GIT"]
