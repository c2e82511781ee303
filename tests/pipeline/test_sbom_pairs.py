"""One component graph from every format: the same image in two formats has equal components and equal findings."""

import json
from pathlib import Path

import pytest

from cas.adapters.memory import MemoryStore
from tests.support import evidence, spellings

SBOMS = Path(__file__).parents[1] / "data" / "sboms"


@pytest.fixture(scope="module")
def store():
    return MemoryStore()


@pytest.fixture(scope="module")
def feed(store):
    return evidence.import_advisories(store, evidence.advisories().values(), lists=True)


def components(facts):
    """Components that have an identity; files and the system itself are no packages of a feed."""
    return {(each.purl, each.version) for each in facts.packages if each.purl}


def findings(store, facts, feed):
    record = evidence.findings_of(store, facts.digest, feed.digest).record
    matches = {
        (m.purl, m.version, m.advisory, m.aliases, m.severity, m.fixed_in, m.kev, m.epss) for m in record.matches
    }
    return matches, {(u.code, u.subject) for u in record.unknowns}


def both(store, feed, *documents):
    read = [evidence.facts_of(store, each) for each in documents]
    return [components(each.record) for each in read], [findings(store, each, feed) for each in read]


def test_the_alpine_pair_is_equal(store, feed):
    names = ("pair-alpine/alpine.cdx-1.4.json", "pair-alpine/alpine.spdx-2.2.json")
    (left, right), (found, same) = both(store, feed, *map(evidence.sbom, names))
    assert left == right
    assert found == same
    assert (len(left), len(found[0])) == (14, 22)


def test_the_openssl_pair_differs_in_its_source_package_only(store, feed):
    """docs/accuracy.md: SPDX tells where the source came from, twice, in qualifiers; CycloneDX tells it once, without."""
    names = ("pair-openssl-rpm/openssl.cdx-1.6.json", "pair-openssl-rpm/openssl.spdx-2.3.json")
    (left, right), (found, same) = both(store, feed, *map(evidence.sbom, names))
    assert {purl.partition("?")[0] for purl, _ in left ^ right} == {"pkg:generic/openssl@3.0.7"}
    assert (len(left - right), len(right - left)) == (1, 2)
    assert found[0] == same[0]


def test_the_caddy_pair_are_two_builds_of_caddy(store, feed):
    """docs/accuracy.md: one document is of 2.6.2, the other of 2.6.1; what both builds hold is equal, and so judged."""
    names = ("pair-caddy/caddy.cdx-1.4.json", "pair-caddy/caddy.spdx-2.2.json")
    (left, right), (found, same) = both(store, feed, *map(evidence.sbom, names))
    bare = [{purl.partition("@")[0] for purl, _ in each} for each in (left, right)]
    assert bare[0] == bare[1]
    assert ("pkg:golang/github.com/caddyserver/caddy/v2@v2.6.2", "v2.6.2") in left - right
    assert ("pkg:golang/github.com/caddyserver/caddy/v2@v2.6.1", "v2.6.1") in right - left
    shared = {purl for purl, _ in left & right}
    assert {row for row in found[0] if row[0] in shared} == {row for row in same[0] if row[0] in shared}
    assert found[1] == same[1]


@pytest.mark.parametrize("path", sorted(SBOMS.glob("syft-web.*")), ids=lambda path: path.name)
def test_one_scan_of_syft_is_equal_in_every_format(store, feed, path):
    (left, right), (found, same) = both(store, feed, (SBOMS / "syft-web.cdx-1.6.json").read_bytes(), path.read_bytes())
    assert left == right
    assert found[0] == same[0]
    assert len(left) == 8
    assert {row[2] for row in found[0]} >= {"GO-2023-2102"}
    extra = same[1] ^ found[1]
    assert extra <= {("package_without_purl", "web")}, "SPDX 2.2 lists the folder itself, and cannot say that it is one"


@pytest.mark.parametrize("name", ["pair-alpine/alpine.spdx-2.2.json", "pair-caddy/caddy.spdx-2.2.json"])
@pytest.mark.parametrize("spelling", [".spdx", ".spdx.rdf.xml", "spdx3"])
def test_one_document_written_anew_is_equal_in_every_spelling(store, feed, name, spelling):
    document = spellings.plain(evidence.sbom(name))
    document.pop("files", None)
    packages = {each["SPDXID"] for each in document["packages"]} | {document["SPDXID"]}
    document["relationships"] = [
        each for each in document["relationships"] if {each["spdxElementId"], each["relatedSpdxElement"]} <= packages
    ]
    other = spellings.spdx3(document) if spelling == "spdx3" else spellings.written(document, spelling)
    (left, right), (found, same) = both(store, feed, json.dumps(document).encode(), other)
    assert left == right
    assert found == same
    assert found[0]
