"""Why a match, or why none: every step is told, and agrees with match/2."""

import pytest

from cas.adapters.memory import MemoryStore
from pipeline.feeds.explaining import explain, matching
from tests.pipeline.feeds.test_import2 import osv
from tests.support import evidence


@pytest.fixture(scope="module")
def store():
    return MemoryStore()


@pytest.fixture(scope="module")
def feed(store):
    given = [
        osv("A", "x", ecosystem="PyPI", fixed="2.0", aliases=["CVE-1"]),
        osv("GONE", "x", ecosystem="PyPI", withdrawn="2024-02-01T00:00:00Z"),
        osv("LAST", "y", ecosystem="npm", affected={"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"last_affected": "1.5.0"}]}]}),
        osv("OPEN", "y", ecosystem="npm", affected={"ranges": [{"type": "SEMVER", "events": [{"introduced": "3.0.0"}]}]}),
        osv("LISTED", "z", ecosystem="PyPI", affected={"ranges": [], "versions": ["1.0"]}),
        osv("GIT", "g", ecosystem="npm", affected={"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}),
        osv("FUZZ", "f", ecosystem="OSS-Fuzz"),
    ]  # fmt: skip
    return evidence.import_advisories2(store, given).digest


@pytest.mark.parametrize(
    ("purl", "name", "matched", "codes"),
    [
        ("pkg:pypi/x@1.0", "CVE-1", True, ["matched"]),
        ("pkg:pypi/x@1.0", "A", True, ["matched"]),
        ("pkg:pypi/x@2.0", "A", False, ["fixed"]),
        ("pkg:pypi/x@1.0", "GONE", False, ["withdrawn"]),
        ("pkg:pypi/x@what", "A", False, ["version_not_ordered"]),
        ("pkg:pypi/x", "A", False, ["package_without_version"]),
        ("pkg:npm/y@0.9.0", "LAST", False, ["before_introduced"]),
        ("pkg:npm/y@1.5.0", "LAST", True, ["matched"]),
        ("pkg:npm/y@1.5.1", "LAST", False, ["after_last_affected"]),
        ("pkg:npm/y@9.0.0", "OPEN", True, ["matched"]),
        ("pkg:pypi/z@1.0.0", "LISTED", True, ["matched"]),
        ("pkg:pypi/z@1.1", "LISTED", False, ["not_listed"]),
        ("pkg:npm/g@1.0.0", "GIT", False, ["commits_only"]),
        ("pkg:npm/y@1.0.0", "CVE-1", False, ["speaks_of_others"]),
        ("pkg:npm/y@1.0.0", "CVE-9", False, ["advisory_not_in_feed"]),
        ("pkg:npm/none@1", "A", False, ["package_not_in_feed", "speaks_of_others"]),
        ("pkg:gem/x@1", "A", False, ["ecosystem_not_in_feed", "speaks_of_others"]),
        ("pkg:deb/debian/x@1", "A", False, ["distro_missing", "speaks_of_others"]),
        ("pkg:generic/x@1", "A", False, ["type_without_feed", "speaks_of_others"]),
        ("nonsense", "A", False, ["purl_invalid", "speaks_of_others"]),
        ("pkg:maven/@1.3.4", "A", False, ["purl_invalid", "speaks_of_others"]),
    ],
)
def test_the_step_that_decided_is_named(store, feed, purl, name, matched, codes):
    found = explain(store, feed, purl, name)
    assert (found.matched, [step.code for step in found.steps]) == (matched, codes)


def test_the_bound_that_decided_is_named(store, feed):
    (step,) = explain(store, feed, "pkg:pypi/x@2.0", "A").steps
    assert (step.introduced, step.end, step.bound, step.pointer) == ("0", "fixed", "2.0", "/advisories/0")
    assert explain(store, feed, "pkg:npm/y@1.0.0", "A").steps[0].detail == "pkg:pypi/x"


def test_listing_a_package_gives_what_matches_and_what_is_not_answered(store, feed):
    found, unanswered = matching(store, feed, "pkg:npm/y@1.2.0")
    assert [one.advisory.id for one in found] == ["LAST"]
    assert unanswered == ()
    found, unanswered = matching(store, feed, "pkg:npm/g@1.2.0")
    assert (found, [step.code for step in unanswered]) == ((), ["commits_only"])
    assert matching(store, feed, "pkg:pypi/x@1.0")[0][0].fixed_in == ("2.0",)


@pytest.mark.parametrize("name", ["pair-caddy/caddy.cdx-1.4.json", "python-debian11.cdx-1.4.json"])
def test_listing_agrees_with_match_2_on_real_packages(name):
    store = MemoryStore()
    feed = evidence.import_advisories2(store, evidence.advisories().values()).digest
    facts = evidence.facts_of(store, evidence.sbom(name))
    wanted = {(m.purl, m.advisory) for m in evidence.findings2_of(store, facts.digest, feed).record.matches}
    found = {
        (package.purl, one.advisory.id)
        for package in facts.record.packages
        if package.purl
        for one in matching(store, feed, package.purl)[0]
    }
    assert found == wanted
