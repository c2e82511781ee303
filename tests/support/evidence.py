"""Real evidence for tests: SBOMs, advisories, KEV and EPSS from tests/data, and a feed imported into a world."""

import functools
import json
import zipfile
from pathlib import Path

from cas.records.evidence import NormaliseInput
from cas.records.feed import FeedCapture, FeedCapture2, FeedOrigin, FeedRaws
from cas.records.verdict import MatchInput
from cas.store import save
from pipeline.formats.opened import open_document
from pipeline.stage import advance
from pipeline.stages.import_feed import IMPORT_FEED
from pipeline.stages.import_feed2 import IMPORT_FEED2
from pipeline.stages.match import MATCH
from pipeline.stages.match2 import MATCH2
from pipeline.stages.normalise import NORMALISE

DATA = Path(__file__).parents[1] / "data"
ACCURACY = DATA / "accuracy"


@functools.cache
def packed(name):
    """Give {name: bytes} of an archive of test data."""
    with zipfile.ZipFile(ACCURACY / name) as archive:
        return {each: archive.read(each) for each in sorted(archive.namelist())}


def sboms():
    return packed("sboms.zip")


def sbom(name):
    return sboms()[name]


def advisories():
    return packed("osv.zip")


def kev():
    return (ACCURACY / "kev.json").read_bytes()


def epss():
    return (ACCURACY / "epss_sample.csv").read_bytes()


def reference():
    """Give {sbom name: {purl: [advisory ids]}} as computed independently."""
    found = json.loads((ACCURACY / "reference-findings.json").read_text())["findings"]
    return {name.removeprefix("sboms/"): rows for name, rows in found.items()}


def import_advisories(store, documents, *, base=None, name="osv", lists=False):
    """Run import_feed/1 over documents."""
    capture = FeedCapture(
        name=name,
        documents=tuple(sorted({store.put(data) for data in documents})),
        kev=store.put(kev()) if lists else None,
        epss=store.put(epss()) if lists else None,
        base=base,
        captured_at="2026-03-01T12:00:00Z",
        nonce="0" * 32,
    )
    return advance(IMPORT_FEED, save(store, capture), store)


def import_advisories2(store, documents, *, base=None, name="osv", lists=False, complete=False, sources=None):
    """Run import_feed/2 over documents, or over {source: documents}."""
    given = sources or {name: documents}
    origins = [FeedOrigin(name=each, form="osv", complete=complete, files=()) for each in given]
    if lists:
        origins += [FeedOrigin(name=each, form=each, complete=True, files=()) for each in ("epss", "kev")]
    raws = {
        each: save(store, FeedRaws(documents=tuple(sorted({store.put(data) for data in held}))))
        for each, held in given.items()
    }
    capture = FeedCapture2(
        name=name,
        origins=tuple(sorted(origins, key=lambda one: one.name)),
        documents=tuple(sorted(raws.items())),
        kev=store.put(kev()) if lists else None,
        epss=store.put(epss()) if lists else None,
        base=base,
        captured_at="2026-03-01T12:00:00Z",
        nonce="0" * 32,
    )
    return advance(IMPORT_FEED2, save(store, capture), store)


def facts_of(store, data):
    """Run normalise/1 over a document."""
    opened = open_document(data)
    return advance(NORMALISE, save(store, NormaliseInput(raw=store.put(opened.raw), format=opened.name)), store)


def findings_of(store, facts, feed):
    """Run match/1."""
    return advance(MATCH, save(store, MatchInput(facts=facts, feed=feed)), store)


def findings2_of(store, facts, feed):
    """Run match/2."""
    return advance(MATCH2, save(store, MatchInput(facts=facts, feed=feed)), store)
