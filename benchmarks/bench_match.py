"""Matching 3,000 components against 250,000 advisories of 57,579 packages, beside Trivy and an indexed SQLite, in turns.

Trivy gets a database written from the same documents (``benchmarks/trivy.py``), and is run where it is found (``TRIVY``
or the path); without it its rows are left out. All sides find the same pairs, asserted. Warm: a process that has met
most packages before, every round another SBOM, from its canonical facts to Findings and Run. Cold: a new process each
time, ours from the CycloneDX document, the sealed home and nothing decoded; its modules are compiled, as an installer
leaves them, and as Trivy is. Objects are read from the home, what is made is held in memory, as an operation does.
"""

import gc
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import trivy
from benchmarks.table import Row, ratios
from cas import refs
from cas.adapters.home import Home
from cas.records.evidence import NormaliseInput
from cas.records.verdict import MatchInput
from cas.store import save
from pipeline.operations.feeds import import_feed
from pipeline.operations.staging import Staging
from pipeline.stage import advance
from pipeline.stages.match2 import MATCH2
from pipeline.stages.normalise import NORMALISE
from pipeline.versions.orders import order_of
from tests.support.delivery import key
from tests.support.world import ALICE, World

ADVISORIES = 250_000
COMPONENTS = 3_000
NAMES = 19_193
ROUNDS = 7
WARMING = 40
ECOSYSTEMS = (
    ("npm", "pkg:npm/{}@{}"),
    ("PyPI", "pkg:pypi/{}@{}"),
    ("Debian:11", "pkg:deb/debian/{}@{}?distro=debian-11"),
)
BY_TYPE = {"npm": "npm", "pypi": "PyPI", "deb": "Debian:11"}


def _documents(chance):
    for at in range(ADVISORIES):
        ecosystem, _ = chance.choice(ECOSYSTEMS)
        low, minor = chance.randrange(1, 20), chance.randrange(40)
        fixed = f"{low}.{minor + chance.randrange(1, 4)}.{chance.randrange(1, 30)}"
        introduced = f"{low}.{minor}.0"
        if ecosystem == "Debian:11":  # trivy knows fixes only there
            introduced, fixed = "0", f"{chance.randrange(1, 4)}.{minor}.{chance.randrange(1, 30)}"
        affected = {
            "package": {"ecosystem": ecosystem, "name": f"package-{chance.randrange(NAMES)}"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": introduced}, {"fixed": fixed}]}],
        }
        yield {
            "id": f"CVE-2024-{at}",
            "modified": "2024-01-01T00:00:00Z",
            "schema_version": "1.7.0",
            "affected": [affected],
        }


def _sqlite(documents):
    peer = sqlite3.connect(":memory:")
    peer.execute("create table advisory (ecosystem text, name text, low text, high text, id text)")
    for document in documents:
        affected = document["affected"][0]
        low, high = affected["ranges"][0]["events"]
        key_of = order_of(affected["package"]["ecosystem"]).key
        lowest = "" if low["introduced"] == "0" else key_of(low["introduced"])
        row = (
            affected["package"]["ecosystem"],
            affected["package"]["name"],
            lowest,
            key_of(high["fixed"]),
            document["id"],
        )
        peer.execute("insert into advisory values (?, ?, ?, ?, ?)", row)
    peer.execute("create index by_name on advisory (ecosystem, name, low, high, id)")
    peer.execute("analyze")
    return peer


def _packages(chance):
    found = {}
    while len(found) < COMPONENTS:
        _, form = chance.choice(ECOSYSTEMS)
        name = f"package-{chance.randrange(NAMES)}"
        version = f"{chance.randrange(1, 20)}.{chance.randrange(40)}.{chance.randrange(30)}"
        found[form.format(name, version)] = (name, version)
    return [(purl, name, version) for purl, (name, version) in found.items()]


def _facts(store, path):
    raw = store.put(path.read_bytes())
    return advance(NORMALISE, save(store, NormaliseInput(raw=raw, format="cyclonedx-json/1.5")), store).digest


def _ours(store, feed, facts):
    question = save(store, MatchInput(facts=facts, feed=feed))
    start = time.perf_counter()
    found = advance(MATCH2, question, store).record
    return time.perf_counter() - start, {(each.purl, each.advisory) for each in found.matches}


def _compiled(folder):
    """Give an environment in which a process finds its modules compiled, once one has run in it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def _cold(home, path, environment):
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.match_once", str(home), str(path)],
        capture_output=True,
        check=True,
        env=environment,
    )
    took = time.perf_counter() - start
    return took, {(each["purl"], each["advisory"]) for each in json.loads(ran.stdout)["matches"]}


def _query(peer, packages):
    wanted = []
    start = time.perf_counter()
    for purl, name, version in packages:
        ecosystem = BY_TYPE[purl[4:].partition("/")[0]]
        wanted.append((purl, ecosystem, name, order_of(ecosystem).key(version)))
    found = set()
    ask = "select id from advisory where ecosystem = ? and name = ? and low <= ? and high > ?"
    for purl, ecosystem, name, place in wanted:
        found.update((purl, row[0]) for row in peer.execute(ask, (ecosystem, name, place, place)))
    return time.perf_counter() - start, found


def _trivy(path, cache):
    start = time.perf_counter()
    found = trivy.scan(path, cache)
    return time.perf_counter() - start, found


def _rounds(folder, home, feed, peer, chance, cache):
    """Time every side on another SBOM each round, in turns."""
    store = Staging(home.store)
    compiled = _compiled(folder / "compiled")
    for at in range(WARMING + ROUNDS):
        packages = _packages(chance)
        path = trivy.sbom(folder / "sbom.json", packages)
        facts = _facts(store, path)
        mine, pairs = _ours(store, feed, facts)
        if at < WARMING:
            if at == WARMING - 1:
                gc.collect()
                gc.freeze()
                _cold(home.path, path, compiled)
            continue
        again, _ = _ours(store, feed, facts)
        cold, cold_pairs = _cold(home.path, path, compiled)
        query, right = _query(peer, packages)
        assert pairs == right == cold_pairs
        scanned = None
        if cache is not None:
            scanned, theirs = _trivy(path, cache)
            assert theirs == pairs
        yield mine, again, cold, query, scanned


def _import(folder, chance):
    """Import through the operation into a home on disk; give it sealed, with the rate and the memory it took."""
    world = World()
    home = Home.open(folder / "home")
    effects = world.effects(store=home.store, log=home.log, server=key("ed25519", "server"))
    start = time.perf_counter()
    import_feed(effects, ALICE, "synthetic", (json.dumps(each).encode() for each in _documents(chance)))
    took = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    home.seal()
    return home, took, memory


def run():
    """Rows: import rate; match warm (new SBOM, same SBOM) and in a cold process."""
    with tempfile.TemporaryDirectory(prefix="bench-match-") as name:
        folder = Path(name)
        home, importing, memory = _import(folder, random.Random(20260301))
        documents = list(_documents(random.Random(20260301)))
        peer = _sqlite(documents)
        cache = trivy.database(folder / "trivy", documents) if trivy.binary() else None
        feed = home.log.ref(refs.FEED)
        rounds = list(_rounds(folder, home, feed, peer, random.Random(7), cache))
        home.close()
    rows = [
        Row(
            f"import feed, {ADVISORIES // 1000}k OSV documents",
            ADVISORIES / importing,
            "none",
            None,
            None,
            None,
            "documents/s",
            f"schema, strict JSON, two reads of each; {memory} MB resident at most",
        )
    ]
    mine, again, cold, query, scanned = zip(*rounds, strict=True)
    for name, ours in (("warm, new SBOM", mine), ("warm, same SBOM", again), ("cold process", cold)):
        area = f"match 3k x {ADVISORIES // 1000}k, {name}"
        if cache is not None:
            goal = 1.1 if ours is cold else 30
            rows.append(_row(area, "trivy sbom, process", ours, scanned, goal))
        rows.append(_row(area, "SQLite, indexed, in memory", ours, query, None))
    return rows


def _row(area, peer, ours, theirs, goal):
    ratio, low, high = ratios(zip(theirs, ours, strict=True))
    return Row(
        area, min(ours) * 1000, peer, min(theirs) * 1000, ratio, goal, "ms", f"{low:.2f}x to {high:.2f}x over rounds"
    )
