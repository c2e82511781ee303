"""Matching 3,000 components against 300,000 advisories of 57,579 packages: ours beside an indexed SQLite, in turns.

Both sides find the same pairs (asserted) from version keys computed beforehand; ours also reads facts from their
canonical bytes, writes Findings and the Run, and notes every object read. Warm: the feed's branches are decoded, every
round brings another SBOM. Cold: a fresh store object, nothing decoded.
"""

import gc
import json
import random
import sqlite3
import time

from benchmarks.table import Row, ratios
from cas.adapters.memory import MemoryStore
from cas.records.evidence import Package, SbomFacts
from cas.records.feed import FeedCapture
from cas.records.verdict import MatchInput
from cas.store import save
from pipeline.stage import advance
from pipeline.stages.import_feed import IMPORT_FEED
from pipeline.stages.match import MATCH
from pipeline.versions.catalog import scheme_of

ADVISORIES = 300_000
COMPONENTS = 3_000
NAMES = 19_193
ROUNDS = 7
ECOSYSTEMS = (
    ("npm", "pkg:npm/{}@{}"),
    ("PyPI", "pkg:pypi/{}@{}"),
    ("Debian:11", "pkg:deb/debian/{}@{}?distro=debian-11"),
)


def _documents(chance):
    for at in range(ADVISORIES):
        ecosystem, _ = chance.choice(ECOSYSTEMS)
        low, minor = chance.randrange(1, 20), chance.randrange(40)
        events = [
            {"introduced": f"{low}.{minor}.0"},
            {"fixed": f"{low}.{minor + chance.randrange(1, 4)}.{chance.randrange(1, 30)}"},
        ]
        affected = {
            "package": {"ecosystem": ecosystem, "name": f"package-{chance.randrange(NAMES)}"},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
        yield {
            "id": f"SYN-{at}",
            "modified": "2024-01-01T00:00:00Z",
            "aliases": [f"CVE-2024-{at}"],
            "affected": [affected],
        }


def _feed(store, chance):
    """Import through the stage, and fill the peer from the same documents and keys."""
    peer = sqlite3.connect(":memory:")
    peer.execute("create table advisory (ecosystem text, name text, low text, high text, id text)")
    raws = []
    rows = []
    for document in _documents(chance):
        raws.append(store.put(json.dumps(document).encode()))
        affected = document["affected"][0]
        low, high = affected["ranges"][0]["events"]
        ecosystem = affected["package"]["ecosystem"]
        key = scheme_of(ecosystem).key
        rows.append(
            (ecosystem, affected["package"]["name"], key(low["introduced"]), key(high["fixed"]), document["id"])
        )
    peer.executemany("insert into advisory values (?, ?, ?, ?, ?)", rows)
    peer.execute("create index by_name on advisory (ecosystem, name, low, high, id)")
    peer.execute("analyze")
    capture = FeedCapture(
        name="synthetic",
        documents=tuple(sorted(raws)),
        kev=None,
        epss=None,
        base=None,
        captured_at="2026-03-01T12:00:00Z",
        nonce="0" * 32,
    )
    question = save(store, capture)
    start = time.perf_counter()
    feed = advance(IMPORT_FEED, question, store).digest
    return peer, feed, time.perf_counter() - start


def _sbom(store, chance):
    packages = []
    for at in range(COMPONENTS):
        _, form = chance.choice(ECOSYSTEMS)
        name = f"package-{chance.randrange(NAMES)}"
        version = f"{chance.randrange(1, 20)}.{chance.randrange(40)}.{chance.randrange(30)}"
        packages.append(
            Package(
                ref="",
                purl=form.format(name, version),
                name=name,
                version=version,
                type="library",
                licenses=(),
                hashes=(),
                pointer=f"/components/{at}",
            )
        )
    facts = SbomFacts(
        format="cyclonedx-json/1.6",
        serial="",
        created_at="",
        tools=(),
        subjects=(),
        packages=tuple(packages),
        depends=(),
    )
    return save(store, facts), packages


def _ours(store, question):
    start = time.perf_counter()
    found = advance(MATCH, question, store).record
    return time.perf_counter() - start, {(each.component_pointer, each.advisory) for each in found.matches}


def _peers(peer, packages):
    start = time.perf_counter()
    by_type = {"npm": "npm", "pypi": "PyPI", "deb": "Debian:11"}
    wanted = []
    for package in packages:
        ecosystem = by_type[package.purl[4:].partition("/")[0]]
        wanted.append((package.pointer, ecosystem, package.name, scheme_of(ecosystem).key(package.version)))
    found = set()
    ask = "select id from advisory where ecosystem = ? and name = ? and low <= ? and high > ?"
    for pointer, ecosystem, name, key in wanted:
        found.update((pointer, row[0]) for row in peer.execute(ask, (ecosystem, name, key, key)))
    return time.perf_counter() - start, found


def _measure(store, peer, feed, chance, *, cold):
    rounds = []
    for _ in range(ROUNDS):
        facts, packages = _sbom(store, chance)
        question = save(store, MatchInput(facts=facts, feed=feed))
        if cold:
            fresh = MemoryStore()
            fresh._objects = store._objects
            theirs, right = _peers(peer, packages)
            mine, left = _ours(fresh, question)
        else:
            mine, left = _ours(store, question)
            theirs, right = _peers(peer, packages)
        assert left == right
        assert left
        rounds.append((mine, theirs))
    return rounds


def _again(store, peer, feed, chance):
    """Time one SBOM matched again and again: its facts are decoded too."""
    facts, packages = _sbom(store, chance)
    question = save(store, MatchInput(facts=facts, feed=feed))
    _ours(store, question)
    rounds = []
    for _ in range(ROUNDS):
        mine, left = _ours(store, question)
        theirs, right = _peers(peer, packages)
        assert left == right
        rounds.append((mine, theirs))
    return rounds


def run():
    """Rows: import rate, match of the same SBOM, of a new one, with nothing decoded."""
    chance = random.Random(20260301)
    store = MemoryStore()
    peer, feed, importing = _feed(store, chance)
    for _ in range(60):  # a server that has met nearly every package before, as the peer has its whole index at hand
        warm_up, _ = _sbom(store, chance)
        advance(MATCH, save(store, MatchInput(facts=warm_up, feed=feed)), store)
    gc.collect()
    gc.freeze()
    rows = [
        Row(
            "import feed, 300k OSV documents",
            ADVISORIES / importing,
            "none",
            None,
            None,
            None,
            "documents/s",
            "decode and hash of each document, twice",
        )
    ]
    for name, rounds in (
        ("match 3k x 300k, warm feed, same SBOM", _again(store, peer, feed, chance)),
        ("match 3k x 300k, warm feed, new SBOM", _measure(store, peer, feed, chance, cold=False)),
        ("match 3k x 300k, nothing decoded", _measure(store, peer, feed, chance, cold=True)),
    ):
        ratio, low, high = ratios((theirs, mine) for mine, theirs in rounds)
        mine, theirs = (min(column) * 1000 for column in zip(*rounds, strict=True))
        rows.append(
            Row(
                name,
                mine,
                "SQLite, indexed by name and key, in memory",
                theirs,
                ratio,
                None,
                "ms",
                f"{low:.2f}x to {high:.2f}x; goal is set against trivy",
            )
        )
    return rows
