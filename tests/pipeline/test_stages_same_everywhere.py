"""normalise, import_feed and match give the same bytes under other hash seeds, time zones and locales."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = textwrap.dedent("""
    from cas.adapters.memory import MemoryStore
    from tests.support import evidence
    store = MemoryStore()
    feed = evidence.import_advisories(store, list(evidence.advisories().values())[:900], lists=True)
    print(feed.digest, feed.note.run)
    for name in ("fluentd-debian10-gems.cdx-1.7.json", "pair-caddy/caddy.spdx-2.2.json"):
        facts = evidence.facts_of(store, evidence.sbom(name))
        found = evidence.findings_of(store, facts.digest, feed.digest)
        print(facts.digest, facts.note.run, found.digest, found.note.run)
    feed = evidence.import_advisories2(store, list(evidence.advisories().values())[:900], lists=True)
    found = evidence.findings2_of(store, facts.digest, feed.digest)
    print(feed.digest, feed.note.run, found.digest, found.note.run)
""")


def digests(seed, zone, locale):
    env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
    ran = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_stages_give_the_same_bytes_everywhere():
    first = digests("1", "UTC", "C")
    assert len(first) == 14
    assert digests("4711", "Pacific/Kiritimati", "tr_TR.UTF-8") == first
