"""match/2: agreement with independently computed findings over snapshots of either kind, and who said how bad."""

import json

import pytest

from cas.adapters.memory import MemoryStore
from pipeline.versions import purl
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


def explained(name, facts, extra):
    """Tell whether each further match is a binary package whose source package the reference missed."""
    sources = {package.purl: package.source.partition("@")[0] for package in facts.packages}
    for key, advisory in extra:
        named = json.loads(evidence.advisories()[f"Debian/{advisory}.json"])
        assert sources[key] in {each["package"]["name"] for each in named["affected"]}
        assert sources[key] != purl.parse(key).name
    return len(extra) == (14 if name == BESIDE_THE_PURL else 0)


@pytest.mark.parametrize("name", sorted(evidence.reference()))
def test_findings_over_a_snapshot_of_the_first_kind_agree_with_the_reference(store, old_feed, name):
    facts = evidence.facts_of(store, evidence.sbom(name))
    found = pairs(evidence.findings2_of(store, facts.digest, old_feed.digest).record)
    assert wanted(name) - found == set()
    assert explained(name, facts.record, found - wanted(name))
