"""Precision and recall of match/2 over the given SBOMs and advisories: against the reference, and against Trivy.

Every difference is explained in docs/accuracy.md; the explained ones are counted apart, by rule, never by list.
"""

import json

from benchmarks.table import Row
from cas.adapters.memory import MemoryStore
from pipeline.versions import purl
from tests.support import evidence


def _spelled(rows):
    return {(purl.canonical(key).lower(), each) for key, ids in rows.items() for each in ids}


def _ours(store, feed, name):
    facts = evidence.facts_of(store, evidence.sbom(name))
    found = evidence.findings2_of(store, facts.digest, feed).record
    sources = {package.purl.lower() for package in facts.record.packages if package.source}
    return {(one.purl.lower(), one.advisory) for one in found.matches}, sources


def _unseen(pair, sources):
    """Tell what the reference could not see: a source package named beside the purl, a Go module path that was cut."""
    return pair[0] in sources or "#" in pair[0]


def _untold(pair, _sources):
    """Tell what Trivy does not read: a source package in the purl's upstream."""
    return "upstream=" in pair[0]


def run():
    """Rows: recall and precision against each, the explained left out; how many were explained."""
    store = MemoryStore()
    feed = evidence.import_advisories2(store, evidence.advisories().values()).digest
    recorded = json.loads((evidence.ACCURACY / "trivy.json").read_text())
    rows = []
    for peer, given, explains in (
        ("reference", evidence.reference(), _unseen),
        (recorded["scanner"], recorded["findings"], _untold),
    ):
        both = ours = theirs = explained = 0
        for name in sorted(given):
            found, sources = _ours(store, feed, name)
            wanted = _spelled(given[name])
            more = {pair for pair in found - wanted if explains(pair, sources)}
            explained += len(more)
            both += len(found & wanted)
            ours += len(found - more)
            theirs += len(wanted)
        limit = f"{both} pairs in both, {explained} more explained"
        rows += [
            Row(f"match/2, recall of {peer}", both / theirs, peer, float(theirs), both / theirs, 1.0, "share", limit),
            Row(f"match/2, precision by {peer}", both / ours, peer, float(theirs), both / ours, 1.0, "share", limit),
        ]
    return rows
