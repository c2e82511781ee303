"""match/2: agreement with independently computed findings over snapshots of either kind, and who said how bad."""

import json

import pytest
from msgspec.structs import replace

from cas.adapters.memory import MemoryStore
from cas.records.proof import Run
from cas.store import load, save
from pipeline.versions import purl
from tests.pipeline.test_stage_match import ZERO, facts_with, osv, package
from tests.support import evidence


@pytest.fixture(scope="module")
def store():
    return MemoryStore()


@pytest.fixture(scope="module")
def old_feed(store):
    return evidence.import_advisories(store, evidence.advisories().values(), lists=True)


def pairs(findings):
    return {(m.purl, m.advisory) for m in findings.matches}


def wanted(name):
    return {(purl.canonical(key), each) for key, ids in evidence.reference()[name].items() for each in ids}


BESIDE_THE_PURL = "fluentd-debian10-gems.cdx-1.7.json"
"""The one SBOM (of Trivy) that names source packages outside the purl, where the reference did not look."""


CUT = ("redhat-multiarch/container-amd64-rpm-go-pypi.cdx-1.6.json", "pkg:golang/go.etcd.io/etcd/client@v3.5.9#pkg/v3")
"""A Go module whose path the generator cut into a subpath; the reference did not look there, Trivy does."""


def explained(name, facts, extra):
    """Tell whether each further match is one that the reference could not see (docs/accuracy.md)."""
    if name == CUT[0]:
        return extra == {(CUT[1], "GO-2026-6107")}
    sources = {package.purl: package.source.partition("@")[0] for package in facts.packages}
    for key, advisory in extra:
        named = json.loads(evidence.advisories()[f"Debian/{advisory}.json"])
        assert sources[key] in {each["package"]["name"] for each in named["affected"]}
        assert sources[key] != purl.parse(key).name
    return len(extra) == (14 if name == BESIDE_THE_PURL else 0)


def told(name):
    """Give what Trivy found, its purls spelled as ours."""
    rows = json.loads((evidence.ACCURACY / "trivy.json").read_text())["findings"][name]
    return {(key.lower(), each) for key, ids in rows.items() for each in ids}


@pytest.mark.parametrize("name", sorted(evidence.reference()))
def test_whatever_trivy_finds_is_found_and_what_more_is_found_is_named_by_source(store, feed, name):
    facts = evidence.facts_of(store, evidence.sbom(name))
    found = {(key.lower(), each) for key, each in pairs(evidence.findings2_of(store, facts.digest, feed.digest).record)}
    assert told(name) - found == set()
    # Trivy reads the source package from its own properties, not from the purl's upstream
    assert all("upstream=" in key for key, _ in found - told(name))


@pytest.mark.parametrize("name", sorted(evidence.reference()))
def test_findings_over_a_snapshot_of_the_first_kind_agree_with_the_reference(store, old_feed, name):
    facts = evidence.facts_of(store, evidence.sbom(name))
    found = pairs(evidence.findings2_of(store, facts.digest, old_feed.digest).record)
    assert wanted(name) - found == set()
    assert explained(name, facts.record, found - wanted(name))


@pytest.fixture(scope="module")
def feed(store):
    return evidence.import_advisories2(store, evidence.advisories().values(), lists=True)


@pytest.mark.parametrize("name", sorted(evidence.reference()))
def test_findings_agree_with_the_reference(store, feed, name):
    facts = evidence.facts_of(store, evidence.sbom(name))
    found = pairs(evidence.findings2_of(store, facts.digest, feed.digest).record)
    assert wanted(name) - found == set()
    assert explained(name, facts.record, found - wanted(name))


def matched(documents, *purls):
    store = MemoryStore()
    feed = evidence.import_advisories2(store, documents)
    facts = facts_with(store, *(package(text, pointer=f"/{at}") for at, text in enumerate(purls)))
    found = evidence.findings2_of(store, facts, feed.digest).record
    return found, [(m.advisory, m.fixed_in) for m in found.matches], [(u.code, u.subject) for u in found.unknowns]


@pytest.mark.parametrize(
    ("ecosystem", "name", "fixed", "hit", "miss"),
    [
        ("NuGet", "Newtonsoft.Json", "13.0.1", "pkg:nuget/newtonsoft.json@13.0.0", "pkg:nuget/Newtonsoft.Json@13.0.1.0"),
        ("Packagist", "typo3/cms", "4.1.13", "pkg:composer/typo3/cms@4.1.13-rc1", "pkg:composer/typo3/cms@v4.1.13"),
        ("Hex", "plug", "1.3.5", "pkg:hex/plug@1.3.4", "pkg:hex/plug@1.3.5"),
        ("Pub", "dart", "1.0.0-dev.29", "pkg:pub/dart@1.0.0-dev.28", "pkg:pub/dart@1.0.0"),
        ("CRAN", "commonmark", "1.8", "pkg:cran/commonmark@1.7-1", "pkg:cran/commonmark@1.8"),
        ("SwiftURL", "github.com/a/B", "2.6.4", "pkg:swift/github.com/A/b@2.6.3", "pkg:swift/github.com/a/b@2.6.4"),
        ("Bitnami", "node", "12.18.4", "pkg:bitnami/node@12.18.3-9", "pkg:bitnami/node@12.18.4-1"),
        ("Root:npm", "@rootio/semver", "7.5.2-root.io.1", "pkg:npm/%40rootio/semver@7.5.1", "pkg:npm/%40rootio/semver@7.5.2-root.io.1"),
        ("AlmaLinux:8", "delve", "1.6.0-1.el8", "pkg:rpm/almalinux/delve@1.5.0-2.el8", "pkg:rpm/almalinux/delve@1.6.0-1.el8"),
        ("Ubuntu:22.04:LTS", "curl", "7.81.0-1ubuntu1.16", "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.15?distro=ubuntu-22.04", "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.16?distro=ubuntu-22.04"),
        ("Maven", "io.netty:netty", "4.1.108.Final", "pkg:maven/io.netty/netty@4.1.107.Final-redhat-00001", "pkg:maven/io.netty/netty@4.1.108.Final-redhat-00001"),
        ("Go", "github.com/a/b", "2.0.1+incompatible", "pkg:golang/github.com/a/b@v2.0.0+incompatible", "pkg:golang/github.com/a/b@v2.0.1"),
    ],
)  # fmt: skip
def test_every_ecosystem_matches_below_its_fix_and_not_on_it(ecosystem, name, fixed, hit, miss):
    document = osv("A", ecosystem, name, ZERO, {"fixed": fixed})
    found, matches, unknowns = matched([document], hit, miss)
    assert (matches, unknowns) == ([("A", (fixed,))], [])
    assert found.matches[0].purl == purl.canonical(hit)
    assert found.matches[0].ecosystem == ecosystem


def test_several_ranges_of_one_advisory_are_one_match_with_all_fixes():
    both = json.loads(osv("A", "npm", "x", ZERO, {"fixed": "2.0.0"}))
    both["affected"] += json.loads(osv("A", "npm", "x", {"introduced": "1.0.0"}, {"fixed": "3.0.0"}))["affected"]
    _, matches, _ = matched([json.dumps(both).encode()], "pkg:npm/x@1.5.0")
    assert matches == [("A", ("2.0.0", "3.0.0"))]


def test_a_package_and_its_source_under_one_advisory_are_one_match():
    document = json.loads(osv("A", "AlmaLinux:8", "x-libs", ZERO, {"fixed": "2-1"}))
    document["affected"] += json.loads(osv("A", "AlmaLinux:8", "x", ZERO, {"fixed": "2-1"}))["affected"]
    text = "pkg:rpm/almalinux/x-libs@1-1?distro=almalinux-8&upstream=x-1-1.src.rpm"
    assert matched([json.dumps(document).encode()], text)[1] == [("A", ("2-1",))]


def test_commits_alone_are_an_unknown_unless_versions_are_listed():
    git = {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}
    _, matches, unknowns = matched([osv("A", "npm", "x", affected=git)], "pkg:npm/x@1.0.0")
    assert (matches, unknowns) == ([], [("commits_only", "pkg:npm/x@1.0.0")])
    listed = [osv("A", "npm", "x", affected={**git, "versions": ["1.0.0"]})]
    assert matched(listed, "pkg:npm/x@1.0.0")[1:] == ([("A", ())], [])
    assert matched(listed, "pkg:npm/x@1.0.1")[1:] == ([], [])


def test_an_ecosystem_without_order_matches_what_it_lists_and_says_so_of_the_rest():
    listed = osv("A", "Root:Unheard", "x", affected={"ranges": [], "versions": ["abc"]})
    assert matched([listed], "pkg:npm/x@1.0.0")[2] == [("ecosystem_not_in_feed", "pkg:npm/x@1.0.0")]


def test_a_limit_ends_a_range_and_a_star_does_not():
    given = {"ranges": [{"type": "SEMVER", "events": [ZERO, {"limit": "2.0.0"}]}]}
    assert matched([osv("A", "npm", "x", affected=given)], "pkg:npm/x@1.9.9", "pkg:npm/x@2.0.0")[1] == [("A", ())]
    given["ranges"][0]["events"][1] = {"limit": "*"}
    assert matched([osv("A", "npm", "x", affected=given)], "pkg:npm/x@99.0.0")[1] == [("A", ())]


MODULE = "pkg:rpm/redhat/nodejs@18.20.8-1.module%2Bel8.10.0%2B1%2Baa?arch=x86_64&distro=rhel-8.10&epoch=1"
OLDER = MODULE.replace("18.20.8", "18.20.2")
STREAMS = [
    osv("RHSA-18", "Red Hat:enterprise_linux:8::appstream", "nodejs", ZERO, {"fixed": "1:18.20.4-1.module+el8.10.0+2+bb"}),
    osv("RHSA-20", "Red Hat:enterprise_linux:8::appstream", "nodejs", ZERO, {"fixed": "1:20.16.0-1.module+el8.10.0+3+cc"}),
]  # fmt: skip


@pytest.mark.parametrize("stream", ["", "&rpmmod=nodejs:18", "&rpmmod=nodejs:18:8100020240807161023:489197e6", "&modularitylabel=nodejs:18"])  # fmt: skip
def test_advisories_name_no_module_stream_so_the_fix_of_another_is_reported_and_none_is_lost(stream):
    """Over-reported: 18.20.8 is fixed in its stream, and stands below the fix of stream 20. See docs/accuracy.md."""
    assert [name for name, _ in matched(STREAMS, MODULE + stream)[1]] == ["RHSA-20"]
    assert [name for name, _ in matched(STREAMS, OLDER + stream)[1]] == ["RHSA-18", "RHSA-20"]
    newer = MODULE.replace("18.20.8", "20.16.1")
    assert matched(STREAMS, newer + stream.replace(":18", ":20"))[1:] == ([], [])


def test_a_store_that_met_other_sboms_gives_the_run_that_a_new_one_gives():
    documents = [
        osv(f"{kind}-{at}", kind, f"x{at}", ZERO, {"fixed": "2"}) for at in range(60) for kind in ("npm", "PyPI")
    ]

    def asked(store, feed, numbers):
        purls = [f"pkg:{kind}/x{at}@{version}" for at in numbers for kind, version in (("npm", "1.0.0"), ("pypi", "3"))]
        return evidence.findings2_of(store, facts_with(store, *(package(text) for text in purls)), feed.digest)

    def started():
        store = MemoryStore()
        return store, evidence.import_advisories2(store, documents)

    met, new = started(), started()
    for numbers in (range(40), range(0, 80, 3), range(55, 70)):
        asked(*met, numbers)
    again, once = asked(*met, range(30, 75)), asked(*new, range(30, 75))
    assert again.note == once.note
    assert load(met[0], again.note.run, Run).reads == load(new[0], once.note.run, Run).reads
    assert len(once.record.matches) == 30


def test_what_one_ecosystem_was_told_is_not_what_another_is_told_that_hangs_on_the_same_branch():
    store = MemoryStore()
    whole = evidence.import_advisories2(store, [osv("A", "npm", "foo", ZERO, {"fixed": "2.0.0"})]).record
    shared = (replace(whole.ecosystems[0], name="Go"), *whole.ecosystems)  # no import makes this, but a stranger may
    feed = save(store, replace(whole, ecosystems=shared))

    def asked(text):
        found = evidence.findings2_of(store, facts_with(store, package(text)), feed).record
        return [(match.ecosystem, match.advisory) for match in found.matches]

    assert asked("pkg:golang/Foo@v1.0.0") == [("Go", "A")]
    assert asked("pkg:npm/Foo@1.0.0") == []  # case counts there
    assert asked("pkg:npm/foo@1.0.0") == [("npm", "A")]
