"""normalise/2: a package URL that names no package makes no package of its own, and hides none."""

import json
from pathlib import Path

import pytest

from cas.adapters.memory import MemoryStore
from cas.pictures import picture_of
from cas.records.evidence import NormaliseInput, SbomFacts
from cas.store import save
from pipeline.formats.opened import open_document
from pipeline.stage import advance
from pipeline.stages.normalise import NORMALISE
from pipeline.stages.normalise2 import NORMALISE2
from tests.support.judging import Scene, osv, sbom

PACK = """
name: known
version: "1"
gates:
  - gate: severity_budget/1
  - gate: unknowns_budget/1
    with: {max_count: 0}
"""
SBOMS = sorted((Path(__file__).parents[1] / "data" / "sboms").glob("syft-*"))


def unnamed():
    document = json.loads(sbom(("requests", "1.0.0"), ("zope", "1.0.0")))
    document["components"][0] |= {"purl": "pkg:pypi/@1.0.0", "name": "log4j-core", "version": "2.14.1"}
    return json.dumps(document).encode()


def both(data):
    store = MemoryStore()
    opened = open_document(data)
    question = save(store, NormaliseInput(raw=store.put(opened.raw), format=opened.name))
    return [advance(stage, question, store).record for stage in (NORMALISE, NORMALISE2)]


def test_the_package_stays_by_its_name_and_the_earlier_version_reads_as_before():
    first, second = both(unnamed())
    assert [(one.purl, one.name) for one in first.packages] == [
        ("pkg:pypi/%401.0.0", "log4j-core"),
        ("pkg:pypi/zope@1.0.0", "zope"),
    ]
    assert [(one.purl, one.name, one.version, one.pointer) for one in second.packages] == [
        ("", "log4j-core", "2.14.1", "/components/0"),
        ("pkg:pypi/zope@1.0.0", "zope", "1.0.0", "/components/1"),
    ]


def test_it_is_an_unknown_of_the_verdict_and_not_known_never_allows():
    scene = Scene(pack=PACK)
    scene.feed(osv("CVE-2026-0001", "requests"), osv("CVE-2026-0002", "%401.0.0"))
    scene.submit(unnamed())
    verdict = scene.evaluate().verdict
    picture = picture_of(verdict.assessment, scene.store.get)
    (row,) = [one for one in picture.unknowns if one.code == "package_without_purl"]
    assert (row.reason, row.subject, row.entropy, row.pointer) == ("Identity", "log4j-core", 1_000_000, "/components/0")
    assert picture.findings == ()
    assert [one.packages for one in picture.components] == [2]
    assert verdict.outcome == "deny"


@pytest.mark.parametrize("path", SBOMS, ids=lambda path: path.name)
def test_what_names_its_packages_is_read_as_before(path):
    first, second = both(path.read_bytes())
    assert isinstance(first, SbomFacts)
    assert first == second
