"""Record what Trivy finds in the given SBOMs with the given advisories: ``python -m benchmarks.record_trivy``.

Writes ``tests/data/accuracy/trivy.json``, which ``bench_accuracy`` and the tests compare with offline. Needs ``TRIVY``.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks import trivy
from benchmarks.bolt import Bolt
from pipeline.versions import purl
from tests.support import evidence

TO = evidence.ACCURACY / "trivy.json"
LANGUAGES = {
    "Go": "go::The Go Vulnerability Database",
    "Maven": "maven::GitHub Security Advisory Maven",
    "PyPI": "pip::GitHub Security Advisory Pip",
    "RubyGems": "rubygems::GitHub Security Advisory RubyGems",
    "npm": "npm::GitHub Security Advisory Npm",
}


def bucket_of(ecosystem):
    name, _, release = ecosystem.partition(":")
    if name == "Debian":
        return f"debian {release}"
    if name == "Alpine":
        return f"alpine {release.removeprefix('v')}"
    return LANGUAGES.get(ecosystem, "")


def bounds(affected):
    """Give (vulnerable, patched) as Trivy writes them."""
    vulnerable, patched = [], []
    for span in affected.get("ranges") or ():
        low = ""
        for event in span["events"] if span["type"] != "GIT" else ():
            ((kind, version),) = event.items()
            if kind == "introduced":
                low = "" if version == "0" else f">={version}"
            else:
                sign = "<=" if kind == "last_affected" else "<"
                vulnerable.append(", ".join(part for part in (low, f"{sign}{version}") if part))
                patched += [version] if kind == "fixed" else []
                low = None
        if low is not None and span["type"] != "GIT":
            vulnerable.append(low or ">=0.0.0-0")  # from the beginning: pre-releases of nothing too
    if not vulnerable:
        vulnerable = [f"={version}" for version in affected.get("versions") or ()]
    return vulnerable, patched


def database(folder):
    """Write Trivy's database of every advisory whose ecosystem it knows."""
    buckets, known = {}, {}
    for data in evidence.advisories().values():
        document = json.loads(data)
        if document.get("withdrawn"):
            continue
        for affected in document.get("affected") or ():
            package = affected.get("package") or {}
            bucket = bucket_of(package.get("ecosystem", ""))
            if not bucket:
                continue
            vulnerable, patched = bounds(affected)
            held = buckets.setdefault(bucket, {}).setdefault(trivy_name(package), {})
            said = held.setdefault(
                document["id"], {"FixedVersion": "", "VulnerableVersions": [], "PatchedVersions": []}
            )
            said["VulnerableVersions"] += vulnerable
            said["PatchedVersions"] += patched
            said["FixedVersion"] = patched[0] if patched else ""
            known[document["id"]] = b'{"Title":"","Severity":"UNKNOWN"}'
    written = {}
    for bucket, packages in buckets.items():
        distro = "::" not in bucket
        kept = ("FixedVersion",) if distro else ("VulnerableVersions", "PatchedVersions")
        written[bucket] = {
            name: {each: json.dumps({key: said[key] for key in kept}).encode() for each, said in advisories.items()}
            for name, advisories in packages.items()
        }
    written["vulnerability"] = known
    written["data-source"] = {
        bucket: json.dumps({"ID": "given", "Name": bucket.rpartition("::")[2], "URL": "x"}).encode()
        for bucket in buckets
    }
    (folder / "db").mkdir(parents=True)
    Bolt().write(folder / "db" / "trivy.db", written)
    times = dict.fromkeys(("NextUpdate", "UpdatedAt", "DownloadedAt"), "2099-01-01T00:00:00Z")
    (folder / "db" / "metadata.json").write_text(json.dumps({"Version": 2, **times}))


def trivy_name(package):
    name = package["name"]
    return name.lower().replace("_", "-") if package["ecosystem"] == "PyPI" else name


def main():
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database(folder / "cache")
        for sbom, data in evidence.sboms().items():
            path = folder / "sbom.json"
            path.write_bytes(data)
            try:
                pairs = trivy.scan(path, folder / "cache")
            except subprocess.CalledProcessError as error:
                print(sbom, error.stderr.decode()[-300:])
                continue
            rows = {}
            for text, advisory in sorted((purl.canonical(text), advisory) for text, advisory in pairs):
                rows.setdefault(text, []).append(advisory)
            found[sbom] = rows
            print(sbom, len(pairs))
    version = subprocess.run([trivy.binary(), "--version"], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]
    about = (
        "What `trivy sbom` finds with a database written from osv.zip by benchmarks/record_trivy.py: purl -> OSV ids."
    )
    TO.write_text(
        json.dumps({"about": about, "scanner": f"trivy {version}", "findings": found}, indent=1, sort_keys=True)
    )


if __name__ == "__main__":
    main()
