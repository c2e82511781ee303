"""One call from CI: an SBOM of 3,000 components, VEX and SARIF to a verdict, beside the time that a job may wait for it.

Cold: documents nobody has seen, an image and release nobody has frozen. Warm: the same call again, which is what the
other jobs of a pipeline ask. Whole processes on a home, whole processes against a served one, one request of a client.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from api.calls import evaluations
from api.calls.evidence import Document
from api.client import Client
from benchmarks.table import Row
from tests.support.images import Layout

ROOT = Path(__file__).resolve().parents[1]
COMPONENTS = 3_000
ADVISORIES = 30_000
NAMES = 20_000
ROUNDS = 5
COLD = 3.0
WARM = 0.2
RUN = [sys.executable, "-m", "api.cli.main"]
PACK = """name: bench
version: "1"
gates:
  - {gate: evidence_required/1, with: {types: [sbom, vex, findings], binding: asserted}}
  - {gate: severity_budget/1, with: {critical: 0, high: 0}}
  - {gate: kev_blocker/1}
  - {gate: unknowns_budget/1, with: {max_count: 100000}}
  - {gate: vex_conflict/1}
"""


def advisories(folder, chance):
    """A zip of OSV documents."""
    path = folder / "osv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(ADVISORIES):
            low = chance.randrange(1, 20)
            ranges = [{"type": "SEMVER", "events": [{"introduced": f"{low}.0.0"}, {"fixed": f"{low}.3.0"}]}]
            package = {"ecosystem": "npm", "name": f"package-{chance.randrange(NAMES)}"}
            document = {
                "id": f"GHSA-{at:04d}-aaaa-bbbb",
                "modified": "2024-01-01T00:00:00Z",
                "aliases": [f"CVE-2024-{10_000 + at}"],
                "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
                "affected": [{"package": package, "ranges": ranges}],
            }
            archive.writestr(f"{at}.json", json.dumps(document))
    return path


def documents(chance, serial):
    """An SBOM, a VEX document, a SARIF log."""
    parts = []
    for at in range(COMPONENTS):
        name = f"package-{chance.randrange(NAMES)}"
        version = f"{chance.randrange(1, 20)}.{chance.randrange(6)}.{chance.randrange(30)}"
        purl = f"pkg:npm/{name}@{version}"
        part = {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": f"{at}"}
        parts.append(part | {"licenses": [{"license": {"id": "MIT"}}]})
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": serial, "components": parts}
    vex = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"https://bench.test/{serial}",
        "author": "bench",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": f"CVE-2024-{10_000 + at}"},
                "products": [{"@id": part["purl"]}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
            for at, part in enumerate(parts[:200])
        ],
    }
    results = [
        {
            "ruleId": f"R{at % 20}",
            "message": {"text": f"finding {at} of {serial}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/{at}.js"},
                        "region": {"startLine": at + 1},
                    }
                }
            ],
        }
        for at in range(500)
    ]
    rules = [{"id": f"R{at}"} for at in range(20)]
    run = {"tool": {"driver": {"name": "bench", "rules": rules}}, "results": results}
    sarif = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return [json.dumps(one).encode() for one in (sbom, vex, sarif)]


class Bench:
    """A home with a feed, a policy and a layout of images, one for each round."""

    def __init__(self, folder):
        self.folder, self.chance = folder, random.Random(20260301)
        self.env = {**os.environ, "STELLA_HOME": f"{folder}/h", "HOME": str(folder)}
        self.number = 0
        self.stella("key", "generate", folder / "alice")
        self.stella("init", "--login", "alice", "--key", folder / "alice")
        (folder / "pack.yaml").write_text(PACK)
        self.stella("policy", "store", folder / "pack.yaml", "--key", folder / "alice")
        self.stella("environment", "set", "prod", "--key", folder / "alice")
        self.stella("policy", "activate", "bench", "--environment", "prod", "--key", folder / "alice")
        self.stella("feed", "import", advisories(folder, self.chance))
        layout = Layout()
        for at in range(100):
            layout.name(f"web:v{at}", layout.image({"app": (b"%d" % at, 0o755)}))
        layout.write(folder / "layout")

    def stella(self, *words):
        return subprocess.run([*RUN, *map(str, words)], env=self.env, cwd=ROOT, check=False, capture_output=True)

    def job(self):
        """What a new job asks: words, and the documents in memory."""
        self.number += 1
        files = []
        held = documents(self.chance, self.number)
        for at, data in enumerate(held):
            path = self.folder / f"{self.number}-{at}.json"
            path.write_bytes(data)
            files += ["--file", path]
        image = f"oci:{self.folder}/layout:web:v{self.number}"
        asked = ["gate", "evaluate", "--environment", "prod", "--create", f"web-{self.number}", "--image", image]
        request = evaluations.EvaluateEvidence(
            environment="prod",
            documents=tuple(Document(data=one) for one in held),
            create=f"web-{self.number}",
            image=image,
        )
        return [*asked, *files], request

    def timed(self, words):
        began = time.perf_counter()
        done = self.stella(*words)
        spent = time.perf_counter() - began
        assert done.returncode in (0, 2), (done.stdout[-500:], done.stderr)
        assert b"stella: " in done.stdout.splitlines()[-1]
        return spent

    @contextmanager
    def served(self):
        process = subprocess.Popen(
            [*RUN, "serve", "--listen", "127.0.0.1:0"], env=self.env, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        try:
            process.stderr.readline()
            yield
        finally:
            process.terminate()
            process.wait(30)
            process.stderr.close()


def asked(client, request):
    began = time.perf_counter()
    client.ask(evaluations.EVALUATE, request)
    return time.perf_counter() - began


def row(name, times, goal, what):
    """The ratio is what may be waited over what was, so that higher is better."""
    ours = median(times)
    return Row(name, ours, what, goal, goal / ours, 1.0, "s", f"{min(times):.2f} to {max(times):.2f} s")


def run():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        bench = Bench(Path(name))
        jobs = [bench.job()[0] for _ in range(ROUNDS)]
        home_cold = [bench.timed(words) for words in jobs]
        home_warm = [bench.timed(words) for words in jobs]
        with bench.served(), Client(f"unix:{name}/h/socket") as client:
            bench.timed(bench.job()[0])  # the server has met the feed
            jobs = [bench.job() for _ in range(ROUNDS)]
            served_cold = [bench.timed(words) for words, _ in jobs]
            served_warm = [bench.timed(words) for words, _ in jobs]
            fresh = [bench.job()[1] for _ in range(ROUNDS)]
            request_cold = [asked(client, one) for one in fresh]
            request_warm = [asked(client, one) for one in fresh]
            again = [asked(client, evaluations.EvaluateEvidence(environment="prod", release="web-1")) for _ in fresh]
    return [
        row("gate evaluate, process on a home, cold", home_cold, COLD, "a job may wait"),
        row("gate evaluate, process on a home, warm", home_warm, COLD, "a job may wait"),
        row("gate evaluate, process, served, cold", served_cold, COLD, "a job may wait"),
        row("gate evaluate, process, served, warm", served_warm, COLD, "a job may wait"),
        row("gate evaluation, one request, cold", request_cold, COLD, "a job may wait"),
        row("gate evaluation, one request, warm, documents again", request_warm, WARM, "a job may wait"),
        row("gate evaluation, one request, warm", again, WARM, "a job may wait"),
    ]


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
