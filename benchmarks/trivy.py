"""Trivy on our synthetic advisories: its database written from the same documents, its answer as pairs.

The binary is looked for as ``trivy`` on the path, or where ``TRIVY`` points; nothing is fetched.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.bolt import Bolt

_SOURCES = {
    "npm": ("npm::GitHub Security Advisory Npm", {"ID": "ghsa", "Name": "GitHub Security Advisory Npm", "URL": "x"}),
    "PyPI": ("pip::GitHub Security Advisory Pip", {"ID": "ghsa", "Name": "GitHub Security Advisory Pip", "URL": "x"}),
    "Debian:11": ("debian 11", {"ID": "debian", "Name": "Debian Security Tracker", "URL": "x"}),
}


def binary():
    """Give the path of Trivy, or None."""
    return os.environ.get("TRIVY") or shutil.which("trivy")


def database(folder: Path, documents):
    """Write a cache directory whose database says what the documents say."""
    buckets = {name: {} for name, _ in _SOURCES.values()}
    known = {}
    for document in documents:
        for affected in document["affected"]:
            bucket, _ = _SOURCES[affected["package"]["ecosystem"]]
            low, high = affected["ranges"][0]["events"]
            if bucket == "debian 11":
                said = {"FixedVersion": high["fixed"]}
            else:
                said = {
                    "VulnerableVersions": [f">={low['introduced']}, <{high['fixed']}"],
                    "PatchedVersions": [high["fixed"]],
                }
            buckets[bucket].setdefault(affected["package"]["name"], {})[document["id"]] = json.dumps(said).encode()
        known[document["id"]] = b'{"Title":"synthetic","Severity":"HIGH"}'
    buckets["vulnerability"] = known
    buckets["data-source"] = {name: json.dumps(source).encode() for name, source in _SOURCES.values()}
    (folder / "db").mkdir(parents=True)
    Bolt().write(folder / "db" / "trivy.db", buckets)
    times = dict.fromkeys(("NextUpdate", "UpdatedAt", "DownloadedAt"), "2099-01-01T00:00:00Z")
    (folder / "db" / "metadata.json").write_text(json.dumps({"Version": 2, **times}))
    return folder


def sbom(path: Path, packages):
    """Write packages (purl, name, version) as a CycloneDX document that Trivy reads."""
    system = {
        "type": "operating-system",
        "bom-ref": "os",
        "name": "debian",
        "version": "11.9",
        "properties": [
            {"name": "aquasecurity:trivy:Class", "value": "os-pkgs"},
            {"name": "aquasecurity:trivy:Type", "value": "debian"},
        ],
    }
    components = [system]
    components += [
        {"type": "library", "bom-ref": f"{at}-{purl}", "name": name, "version": version, "purl": purl}
        for at, (purl, name, version) in enumerate(packages)
    ]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}
    path.write_text(json.dumps(document))
    return path


def scan(path: Path, cache: Path):
    """Run Trivy over a document; give its pairs (purl, advisory)."""
    ran = subprocess.run(
        [
            binary(), "sbom", "--cache-dir", str(cache), "--skip-db-update", "--skip-java-db-update",
            "--skip-version-check", "--disable-telemetry", "--offline-scan", "--scanners", "vuln", "--format", "json", "--quiet", str(path),
        ],
        capture_output=True,
        check=True,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    return {
        (each["PkgIdentifier"]["PURL"], each["VulnerabilityID"])
        for result in found.get("Results", ())
        for each in result.get("Vulnerabilities", ())
    }
