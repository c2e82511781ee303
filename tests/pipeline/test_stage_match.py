"""match/1: agreement with independently computed findings, and no package passed over in silence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas.adapters.memory import MemoryStore
from cas.records.evidence import Package, SbomFacts
from cas.records.feed import FeedPackage
from cas.records.proof import Run
from cas.store import load, save
from pipeline.versions import purl
from tests.support import evidence


@pytest.fixture(scope="module")
def store():
    return MemoryStore()


@pytest.fixture(scope="module")
def feed(store):
    return evidence.import_advisories(store, evidence.advisories().values(), lists=True)


BESIDE_THE_PURL = "fluentd-debian10-gems.cdx-1.7.json"
"""The one SBOM (of Trivy) that names source packages outside the purl, where the reference did not look."""


@pytest.mark.parametrize("name", sorted(evidence.reference()))
def test_findings_agree_with_the_reference(store, feed, name):
    facts = evidence.facts_of(store, evidence.sbom(name))
    found = {(m.purl, m.advisory) for m in evidence.findings_of(store, facts.digest, feed.digest).record.matches}
    wanted = {(purl.canonical(key), each) for key, ids in evidence.reference()[name].items() for each in ids}
    assert wanted - found == set()
    if name != BESIDE_THE_PURL:
        assert found - wanted == set()
        return
    # explained in docs/accuracy.md: each further match is a binary package whose source package the reference missed
    sources = {package.purl: package.source.partition("@")[0] for package in facts.record.packages}
    extra = found - wanted
    assert len(extra) == 14
    for key, advisory in extra:
        named = json.loads(evidence.advisories()[f"Debian/{advisory}.json"])
        assert sources[key] in {each["package"]["name"] for each in named["affected"]}
        assert sources[key] != purl.parse(key).name


def test_every_given_sbom_has_a_reference():
    assert set(evidence.reference()) == set(evidence.sboms())


def test_redhat_rebuilds_exactly_on_the_fix_do_not_match(store, feed):
    facts = evidence.facts_of(store, evidence.sbom("modelmesh-maven.cdx-1.4.json"))
    assert any("4.1.108.Final-redhat-00001" in each.purl for each in facts.record.packages)
    assert evidence.findings_of(store, facts.digest, feed.digest).record.matches == ()


def package(text, **others):
    fields = {
        "ref": "",
        "name": "x",
        "version": "",
        "type": "library",
        "licenses": (),
        "hashes": (),
        "pointer": "/components/0",
    }
    return Package(purl=purl.canonical(text) if text else "", **{**fields, **others})


def facts_with(store, *packages):
    return save(
        store,
        SbomFacts(
            format="cyclonedx-json/1.6", serial="", created_at="", tools=(), subjects=(), packages=packages, depends=()
        ),
    )


def osv(name, ecosystem, package_name, *events, **others):
    affected = {
        "package": {"ecosystem": ecosystem, "name": package_name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    affected.update(others.pop("affected", {}))
    return json.dumps({"id": name, "modified": "2024-01-01T00:00:00Z", "affected": [affected], **others}).encode()


def matched(documents, *packages):
    store = MemoryStore()
    snapshot = evidence.import_advisories(store, documents)
    record = evidence.findings_of(store, facts_with(store, *packages), snapshot.digest).record
    return (
        [(m.advisory, m.fixed_in) for m in record.matches],
        [(u.code, u.subject) for u in record.unknowns],
        record,
        store,
    )


ZERO = {"introduced": "0"}


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("0.9", []),
        ("1.0", [("A", ("1.5",))]),
        ("1.4.9", [("A", ("1.5",))]),
        ("1.5", []),
        ("2.0", [("A", ("2.1",))]),
        ("2.1", []),
    ],
)
def test_ranges_hold_what_is_introduced_and_not_yet_fixed(version, wanted):
    events = (
        {"fixed": "2.1"},
        {"introduced": "2.0"},
        {"introduced": "1.0"},
        {"fixed": "1.5"},
    )  # order of a document says nothing
    assert matched([osv("A", "PyPI", "x", *events)], package(f"pkg:pypi/x@{version}"))[0] == wanted


def test_last_affected_is_still_affected():
    documents = [osv("A", "npm", "x", ZERO, {"last_affected": "1.2.3"})]
    assert matched(documents, package("pkg:npm/x@1.2.3"))[0] == [("A", ())]
    assert matched(documents, package("pkg:npm/x@1.2.4"))[0] == []


def test_listed_versions_match_in_any_spelling():
    documents = [osv("A", "PyPI", "x", affected={"versions": ["1.0"], "ranges": []})]
    assert matched(documents, package("pkg:pypi/x@1.0.0"))[0] == [("A", ())]
    assert matched(documents, package("pkg:pypi/x@1.0.1"))[0] == []


@pytest.mark.parametrize("suffix", ["rc1", "-alpha"])
def test_everything_below_zero_is_held_by_introduced_zero(suffix):
    assert matched([osv("A", "PyPI", "x", ZERO)], package(f"pkg:pypi/x@0{suffix}"))[0] == [("A", ())]


def test_withdrawn_advisories_do_not_match_but_stay_in_the_feed():
    documents = [osv("A", "npm", "x", ZERO, withdrawn="2024-02-01T00:00:00Z")]
    matches, _, _, store = matched(documents, package("pkg:npm/x@1.0.0"))
    assert matches == []
    kept = [load(store, each, FeedPackage) for each in store.digests() if b'"kind":"feed_package/1"' in store.get(each)]
    assert [a.withdrawn for each in kept for a in each.advisories] == ["2024-02-01T00:00:00Z"]


def test_source_package_and_its_version_are_what_debian_speaks_of():
    documents = [osv("A", "Debian:11", "src", ZERO, {"fixed": "2.0-1"})]
    assert matched(documents, package("pkg:deb/debian/bin@1.0-9?upstream=src&distro=debian-11"))[0] == [
        ("A", ("2.0-1",))
    ]
    assert matched(documents, package("pkg:deb/debian/bin@1.0-9?upstream=src%402.0-1&distro=debian-11"))[0] == []
    assert matched(documents, package("pkg:deb/debian/bin@1.0-9?distro=debian-11", source="src@1.9-1"))[0] == [
        ("A", ("2.0-1",))
    ]
    assert matched(documents, package("pkg:deb/debian/src@1.0-9?distro=debian-12"))[1] == [
        ("ecosystem_not_in_feed", "pkg:deb/debian/src@1.0-9?distro=debian-12")
    ]


def test_rpm_epoch_counts():
    documents = [osv("A", "AlmaLinux:9", "x", ZERO, {"fixed": "1:1.0-1"})]
    assert matched(documents, package("pkg:rpm/almalinux/x@2.0-1?distro=almalinux-9.3"))[0] == [("A", ("1:1.0-1",))]
    assert matched(documents, package("pkg:rpm/almalinux/x@2.0-1?distro=almalinux-9.3&epoch=1"))[0] == []


def test_redhat_streams_are_all_asked():
    documents = [
        osv("A", "Red Hat:enterprise_linux:9::baseos", "x", ZERO, {"fixed": "2-1"}),
        osv("B", "Red Hat:enterprise_linux:9::appstream", "x", ZERO, {"fixed": "3-1"}),
        osv("C", "Red Hat:enterprise_linux:8::baseos", "x", ZERO),
    ]
    assert [each for each, _ in matched(documents, package("pkg:rpm/redhat/x@1-1?distro=rhel-9.4"))[0]] == ["A", "B"]


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        (package("", name="thing"), "package_without_purl"),
        (package("pkg:npm/x"), "package_without_version"),
        (package("pkg:gem/x@1"), "ecosystem_not_in_feed"),
        (package("pkg:generic/x@1"), "type_without_feed"),
        (package("pkg:deb/debian/x@1"), "distro_missing"),
        (package("pkg:npm/x@not.a.version"), "version_not_ordered"),
    ],
)
def test_what_cannot_be_answered_is_an_unknown_row(given_, code):
    matches, unknowns, record, _ = matched([osv("A", "npm", "x", ZERO)], given_)
    assert (matches, [each for each, _ in unknowns]) == ([], [code])
    assert record.unknowns[0].pointer == "/components/0"
    assert record.unknowns[0].entropy > 0


def test_a_bound_without_place_is_an_unknown_row_of_the_feed():
    _, unknowns, record, _ = matched([osv("A", "npm", "x", ZERO, {"fixed": "see notes"})], package("pkg:npm/x@1.0.0"))
    assert unknowns == [("bound_not_ordered", "pkg:npm/x@1.0.0")]
    assert record.unknowns[0].reason == "FeedGap"


def test_an_ecosystem_without_order_is_an_unknown_row():
    assert matched([osv("A", "NuGet", "x", ZERO)], package("pkg:nuget/x@1.0.0"))[1] == [
        ("ecosystem_not_ordered", "pkg:nuget/x@1.0.0")
    ]


@pytest.mark.parametrize("kind", ["operating-system", "file"])
def test_what_is_no_package_is_no_unknown(kind):
    assert matched([osv("A", "npm", "x", ZERO)], package("", type=kind))[1] == []


def test_all_names_of_a_vulnerability_are_joined(store, feed):
    facts = facts_with(store, package("pkg:golang/golang.org/x/net@v0.1.0"))
    record = evidence.findings_of(store, facts, feed.digest).record
    (row,) = [m for m in record.matches if m.advisory == "GO-2023-2102"]
    assert "CVE-2023-39325" in row.aliases
    assert "CVE-2023-44487" in row.related, "another vulnerability, which the advisory joins to this one"
    assert (row.kev, bool(row.kev_due)) == ("CVE-2023-44487", True)
    assert row.advisory not in row.aliases


def test_debian_reaches_the_kev_list_through_upstream(store, feed):
    facts = facts_with(store, package("pkg:deb/debian/linux@5.10.100-1?distro=debian-11"))
    record = evidence.findings_of(store, facts, feed.digest).record
    (row,) = [m for m in record.matches if m.advisory == "DSA-5324-1"]
    assert "CVE-2023-0266" in row.related, "one of many that this advisory speaks of"
    assert (row.kev, bool(row.kev_due)) == ("CVE-2023-0266", True)


def test_epss_is_the_highest_under_any_name():
    store = MemoryStore()
    documents = [osv("A", "npm", "x", ZERO, aliases=["CVE-1999-0005", "CVE-1999-0007"])]
    snapshot = evidence.import_advisories(store, documents, lists=True)
    record = evidence.findings_of(store, facts_with(store, package("pkg:npm/x@1.0.0")), snapshot.digest).record
    assert record.matches[0].epss == 919_630


def test_a_match_names_package_object_and_place(store, feed):
    facts = evidence.facts_of(store, evidence.sbom("nginx-debian11.cdx-1.4.json"))
    for row in evidence.findings_of(store, facts.digest, feed.digest).record.matches:
        held = load(store, row.package, FeedPackage)
        assert held.advisories[int(row.pointer.rpartition("/")[2])].id == row.advisory
        assert row.fixed_in


def test_only_what_may_speak_of_a_package_is_read(store, feed):
    facts = facts_with(store, package("pkg:npm/nothing-of-that-name@1.0.0"))
    done = evidence.findings_of(store, facts, feed.digest)
    assert len(load(store, done.note.run, Run).reads) <= 4  # facts, snapshot, ecosystem, at most one bucket


def test_reading_the_same_question_twice_gives_the_same_bytes_and_reads(store, feed):
    facts = evidence.facts_of(store, evidence.sbom("pair-caddy/caddy.cdx-1.4.json"))
    first = evidence.findings_of(store, facts.digest, feed.digest)
    second = evidence.findings_of(store, facts.digest, feed.digest)
    assert (first.digest, first.note) == (second.digest, second.note)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.randoms(use_true_random=False))
def test_the_order_of_packages_has_no_say(store, feed, order):
    facts = evidence.facts_of(store, evidence.sbom("pair-alpine/alpine.cdx-1.4.json")).record
    shuffled = list(facts.packages)
    order.shuffle(shuffled)
    one = evidence.findings_of(store, facts_with(store, *facts.packages), feed.digest).record
    other = evidence.findings_of(store, facts_with(store, *shuffled), feed.digest).record
    assert (one.matches, one.unknowns) == (other.matches, other.unknowns)


def test_hostile_purls_and_versions_are_unknown_never_an_error():
    rows = [
        package("", name="a" * 5000, ref="\x00"),
        package("pkg:npm/x@" + "9" * 900),
        package("pkg:maven/a/b@" + "(" * 50),
        package("pkg:deb/debian/x@1?upstream=" + "%40" * 20 + "&distro=debian-11"),
    ]
    _, unknowns, _, _ = matched([osv("A", "npm", "x", ZERO, {"fixed": "1.0.0"}), osv("B", "Maven", "a:b", ZERO)], *rows)
    assert {code for code, _ in unknowns} <= {
        "package_without_purl",
        "version_not_ordered",
        "ecosystem_not_in_feed",
        "package_without_version",
    }
    assert len(unknowns) == 4


def test_the_only_upstream_of_an_advisory_is_the_same_vulnerability_and_one_of_many_is_not():
    one = osv("DEBIAN-CVE-1", "npm", "x", ZERO, upstream=["CVE-2026-0001"])
    many = osv("DSA-1", "npm", "x", ZERO, upstream=["CVE-2026-0001", "CVE-2026-0002"])
    store = MemoryStore()
    feed = evidence.import_advisories(store, [one, many])
    record = evidence.findings_of(store, facts_with(store, package("pkg:npm/x@1.0.0")), feed.digest).record
    named = {row.advisory: (row.aliases, row.related) for row in record.matches}
    assert named == {
        "DEBIAN-CVE-1": (("CVE-2026-0001",), ()),
        "DSA-1": ((), ("CVE-2026-0001", "CVE-2026-0002")),
    }
