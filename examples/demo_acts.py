"""The acts of the demo, in order. Each takes the story and what the acts before found out."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import images

HERE = Path(__file__).resolve().parent
EVIDENCE = HERE / "evidence"
KEV = "CVE-2023-44487"  # HTTP/2 rapid reset: in the KEV catalogue, and in caddy's golang.org/x/net and grpc


def founding(story, state):
    """A home, people with keys of their own, environments and targets."""
    story.chapter("A home, people with their own keys, two environments")
    for who in ("alice", "bob", "carol", "ci"):
        story.stella("key", "generate", story.key(who), who="nobody", show=who == "alice", shown=4)
    story.stella("init", "--login", "alice")
    for who in ("bob", "carol"):
        story.stella("trust", "directory", "add", who, f"{story.key(who)}.pub", "--group", "approvers", show=who == "bob")
    story.stella("trust", "directory", "add", "ci", f"{story.key('ci')}.pub", "--purpose", "submit", show=False)
    state["root"] = story.ask("trust", "show")["fingerprint"]
    story.say(f"root fingerprint, kept apart from the home: {state['root']}")
    story.stella("policy", "store", "--starter", "observe", shown=3)
    story.stella("policy", "store", HERE / "policy" / "production.yaml", shown=3)
    story.stella("environment", "set", "staging", "--order", 1, "--approvals", 0, show=False)
    story.stella(
        "environment", "set", "production", "--order", 2, "--after", "staging", "--production", "--approvals", 2,
        "--separation", "--personal-key", "--secret", "DATABASE_URL=env:DEMO_DATABASE_URL", shown=20,
    )
    story.stella("environment", "set", "staging", "--secret", "DATABASE_URL=env:DEMO_DATABASE_URL", show=False)
    story.env["DEMO_DATABASE_URL"] = "postgres://shop@db/shop"
    story.stella("policy", "activate", "observe", "--environment", "staging", shown=3)
    story.stella("policy", "activate", "production", "--environment", "production", shown=3)
    for environment in ("staging", "production"):
        targets(story, state, environment)


def engine():
    """The Docker engine's address, when one answers on this machine, and the path of the Compose plugin."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://") or platform.machine() != "x86_64":
        return "", ""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(address.removeprefix("unix://"))
    except OSError:
        return "", ""
    try:
        asked = ["docker", "info", "--format", "{{json .ClientInfo.Plugins}}"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10).stdout
        plugins = json.loads(told) or []
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return address, ""
    return address, next((one.get("Path", "") for one in plugins if one.get("Name") == "compose"), "")


def targets(story, state, environment):
    """Two targets: one of real containers where an engine answers, and a folder; two folders otherwise.

    One engine cannot play two hosts of one environment, so staging runs on a Docker host and production on Compose.
    """
    address, compose = state.setdefault("engine", engine())
    if not address and environment == "staging":
        story.say("No Docker engine answers here: targets are of the kind `directory`. They receive the same lock,")
        story.say("sticker and receipts, and run nothing.")
    real = "compose_host" if compose and environment == "production" else "docker_host"
    for host, kind in (("one", real if address else "directory"), ("two", "directory")):
        folder = story.folder / "hosts" / environment / host
        folder.mkdir(parents=True)
        engine_words = ["--set", f"url={address}"] if kind != "directory" else []
        if kind == "compose_host":
            engine_words += ["--set", f"compose={compose}"]
        story.stella(
            "target", "add", environment, host, "--type", kind, "--platform", "linux/amd64", *engine_words,
            "--set", f"directory={folder}", show=environment == "production",
        )


def evidence(story, state):
    """Images, releases, advisories, signed evidence."""
    story.chapter("Build and scan: images, advisories, signed evidence")
    layout = story.folder / "layout"
    state["images"] = images.build(layout)
    story.say("Built four images into an OCI layout; each tag is resolved to a digest once, when a release is made.")
    story.stella("feed", "import", EVIDENCE / "osv.zip", "--kev", EVIDENCE / "kev.json", who="ci", shown=6)
    for version in ("v2.3.0", "v2.3.1"):
        project = story.folder / f"project-{version}"
        shutil.copytree(HERE / "project", project)
        compose = project / "compose.yaml"
        compose.write_text(compose.read_text().replace("v2.3.1", version))
        story.stella(
            "release", "create", "--name", f"shop-{version}", "--components", f"api:{version},worker:{version}",
            "--layout", layout, "--template", project, "--platform", "linux/amd64", "--keep-images",
            show=version == "v2.3.1",
        )
    sboms = {"api:v2.3.1": "caddy.cdx-1.4.json"}
    for reference, digest in state["images"].items():
        attest(story, reference, digest, sboms.get(reference, "nginx-debian11.cdx-1.4.json"))
    story.stella("evidence", "list", "--subject", state["images"]["api:v2.3.1"], who="ci")


def attest(story, reference, digest, sbom):
    """CI signs that an SBOM and a provenance belong to an image, and submits both in one atomic call."""
    shown = reference == "api:v2.3.1"
    name = reference.replace(":", "-")
    provenance = story.folder / f"{name}.provenance.json"
    provenance.write_text(json.dumps({
        "buildDefinition": {
            "buildType": "https://example.com/build/container/v1",
            "externalParameters": {"ref": reference},
            "resolvedDependencies": [{"uri": "git+https://example.com/shop", "digest": {"gitCommit": "c" * 40}}],
        },
        "runDetails": {
            "builder": {"id": "https://ci.example.com/runner"},
            "metadata": {"startedOn": "2026-01-15T10:00:00Z", "finishedOn": "2026-01-15T10:05:00Z"},
        },
    }))  # fmt: skip
    for document, out, kind in (
        (EVIDENCE / sbom, f"{name}.sbom.dsse.json", ""),
        (provenance, f"{name}.provenance.dsse.json", "https://slsa.dev/provenance/v1"),
    ):
        words = ["--predicate-type", kind] if kind else []
        story.stella(
            "evidence", "attest", document, "--subject", f"{name}={digest}", *words, "--out", story.folder / out,
            who="ci", show=shown,
        )
    story.stella(
        "evidence", "submit", story.folder / f"{name}.sbom.dsse.json", story.folder / f"{name}.provenance.dsse.json",
        "--subject", digest, who="ci", show=shown,
    )


def promote(story, state, release, environment, who="alice", expect=0, show=True, shown=30):
    """Ask for a promotion; give its id and verdict."""
    out = story.stella(
        "promote", release, "--to", environment, "--reason", f"release {release}", who=who, expect=expect, show=show,
        shown=shown,
    )
    listed = story.ask("promotion", "list", "--environment", environment)["items"][0]
    return out, listed


def first_release(story, state):
    """What runs today: v2.3.0 everywhere."""
    story.chapter("What runs today: shop-v2.3.0, in staging and production")
    _, found = promote(story, state, "shop-v2.3.0", "staging", show=False)
    story.stella("deploy", found["id"], show=False)
    _, found = promote(story, state, "shop-v2.3.0", "production", show=False)
    for who in ("bob", "carol"):
        story.stella("approve", found["id"], "--reason", "first release", who=who, show=False)
    story.stella("deploy", found["id"], show=False)
    story.stella("status")


def staging(story, state):
    """v2.3.1 to staging: allowed, deployed to two targets."""
    story.chapter("Promotion of shop-v2.3.1 to staging: allowed, deployed to two targets")
    _, found = promote(story, state, "shop-v2.3.1", "staging")
    story.stella("deploy", found["id"])


def denied(story, state):
    """v2.3.1 to production: denied, with the reason."""
    story.chapter("Promotion to production: denied, with the reason")
    _, found = promote(story, state, "shop-v2.3.1", "production", expect=2, shown=8)
    state["rejected"] = found["id"]
    state["denied"] = found["verdict"]
    story.stella("explain", state["denied"], shown=60)


def vex(story, state):
    """A signed OpenVEX statement, the question asked again, two approvals, deployed."""
    story.chapter("A signed VEX statement; asked again; bob and carol approve with their own keys")
    digest = state["images"]["api:v2.3.1"]
    document = story.folder / "shop-api.openvex.json"
    product = {"@id": f"pkg:oci/api@{digest.replace(':', '%3A')}", "hashes": {"sha-256": digest[7:]}}
    document.write_text(json.dumps({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/shop-api-2.3.1",
        "author": "Shop security team",
        "timestamp": state["now"](),
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": name, "aliases": aliases},
                "products": [product],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
                "impact_statement": why,
            }
            for name, aliases, why in (
                (
                    KEV,
                    ["CVE-2023-39325", "GHSA-m425-mq94-257g"],  # the same flaw in golang.org/x/net and in grpc
                    "The service speaks HTTP/1.1 behind a proxy; no HTTP/2 or gRPC server is started.",
                ),
                ("CVE-2022-32149", [], "No Accept-Language header is parsed."),
            )
        ],
    }))  # fmt: skip
    envelope = story.folder / "shop-api.openvex.dsse.json"
    story.stella("evidence", "attest", document, "--subject", f"api={digest}", "--out", envelope, who="ci")
    story.stella("evidence", "submit", envelope, "--subject", digest, who="ci")
    out = story.stella(
        "promote", "shop-v2.3.1", "--to", "production", "--reason", "VEX filed", "--previous", state["rejected"],
    )
    listed = story.ask("promotion", "list", "--environment", "production")["items"][0]
    state["promotion"], state["verdict"] = listed["id"], listed["verdict"]
    story.stella("approve", state["promotion"], "--reason", "I asked for it", expect=3)
    story.stella("approve", state["promotion"], "--reason", "VEX reviewed", who="bob", shown=8)
    story.stella("approve", state["promotion"], "--reason", "go", who="carol", shown=8)
    story.stella("deploy", state["promotion"])
    sticker = next((story.folder / "hosts" / "production" / "one").rglob("stella.version.json"))
    story.say(f"on each target, readable with cat: {sticker.relative_to(story.folder)}")
    for line in json.dumps(json.loads(sticker.read_text()), indent=1).splitlines()[:14]:
        print(f"       {line}")


def drift(story, state):
    """Somebody touches a target."""
    story.chapter("Somebody touches a target: drift is named, rollback returns to the exact earlier digests")
    lock = next((story.folder / "hosts" / "production" / "one").rglob("compose.stella.lock.yml"))
    lock.write_text(lock.read_text().replace("read_only: true", "read_only: false", 1))
    story.say(f"changed one line of {lock.relative_to(story.folder)}")
    story.stella("drift", "--environment", "production", expect=2)
    story.stella("rollback", "--environment", "production", "--reason", "tampered host")
    story.stella("drift", "--environment", "production")
    story.stella("status")


def replay(story, state):
    """Another process runs the verdict again."""
    story.chapter("Replay: another process runs every recorded stage again")
    story.stella("replay", state["verdict"], who="nobody")


def bundle(story, state):
    """A signed bundle, verified by a process with no network."""
    story.chapter("A signed bundle, verified with the standard library alone, no network, root given from outside")
    target = story.folder / "shop-v2.3.1.tar"
    story.stella("bundle", "export", "--release", "shop-v2.3.1", "--out", target)
    verifier = story.folder / "verify.py"
    story.stella("bundle", "verifier", target, "--out", verifier, show=False) if False else None
    source = HERE.parent / "replay" / "verify.py"
    shutil.copy(source, verifier)
    base = [sys.executable, "-I", str(verifier), str(target), "--root", str(state["root"])]
    alone = ["unshare", "-rn", *base]
    cut = shutil.which("unshare") and not subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode
    command = alone if cut else base
    print(f"   auditor$ {'unshare -rn ' if cut else ''}python -I verify.py {target.name} --root {state['root']}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in (done.stdout + done.stderr).splitlines()[:12]:
        print(f"       {line}")
    if done.returncode:
        sys.exit(f"the bundle does not verify: exit {done.returncode}")


ACTS = (founding, evidence, first_release, staging, denied, vex, drift, replay, bundle)
