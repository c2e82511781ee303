"""Every command, once, on one home: each gives a good answer, and the same answer as a table, as JSON and line by line."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.cli.program import all_commands, main
from api.system import SystemClock
from cas import digest
from tests.api.test_feed_import import advisory
from tests.api.test_policy_life import PACK
from tests.support import vex_images
from tests.support.identity import AUDIENCE, ISSUER, identity, key_set
from tests.support.images import Layout
from tests.support.judging import openvex, sbom

ROOT = Path(__file__).resolve().parents[2]
RULE = ROOT / "examples" / "policy" / "rules" / "house.rego"
SERVING = {"serve"}
"""Runs until a signal: tests/api/test_served.py."""
COMPOSE = """services:
  web:
    image: web:%s
    volumes: ["./conf/app.conf:/etc/app.conf:ro"]
"""
DYING = """
import os, sys
from targets.directory.adapter import DirectoryAdapter
DirectoryAdapter.apply = lambda *_: os._exit(9)
from api.cli.program import main
main(sys.argv[1:])
"""


@dataclass
class Desk:
    """A person at a terminal of this process."""

    folder: Path
    capsys: object
    walked: set = field(default_factory=set)
    key: str = "alice"

    def run(self, command, *words, code=0, key=None):
        """Run a command by its name; give what it printed."""
        arguments = [*command.split(), *map(str, words), "--home", str(self.folder / "home")]
        if key or self.key:
            arguments += ["--key", str(self.folder / (key or self.key))]
        self.capsys.readouterr()
        found = main(arguments)
        told = self.capsys.readouterr()
        assert found == code, f"{command} {words} ended {found}: {told.out}{told.err}"
        self.walked.add(command)
        return told.out if code == 0 else told.out + told.err

    def ask(self, command, *words, **more):
        """Run a command for its answer as JSON."""
        return json.loads(self.run(command, *words, "--output", "json", **more))

    def look(self, command, *words):
        """Run a reading command in all three forms: each must say the same of it; give the JSON."""
        table = self.run(command, *words)
        whole = self.ask(command, *words)
        lines = [json.loads(line) for line in self.run(command, *words, "-o", "ndjson").splitlines()]
        items = whole.get("items", whole) if isinstance(whole, dict) else whole
        assert lines == (items if isinstance(items, list) else [items]), command
        assert table.strip(), command
        assert table.isascii() or table.isprintable() or "\n" in table
        return whole


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    for name in ("STELLA_HOME", "STELLA_KEY", "STELLA_SERVER", "STELLA_TOKEN", "STELLA_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    layout = Layout()
    for number in (1, 2, 3):
        layout.name(f"web:v{number}", layout.image({"app": b"v%d" % number}))
        (tmp_path / f"project{number}" / "conf").mkdir(parents=True)
        (tmp_path / f"project{number}" / "compose.yaml").write_text(COMPOSE % f"v{number}")
        (tmp_path / f"project{number}" / "conf" / "app.conf").write_text(f"number = {number}\n")
    layout.write(tmp_path / "layout")
    for at in (1, 2):
        (tmp_path / f"host{at}").mkdir()
    (tmp_path / "feed.json").write_text(json.dumps(advisory(1)))
    (tmp_path / "sbom.json").write_bytes(sbom(("flask", "9.0.0")))
    return Desk(tmp_path, capsys)


def test_every_command_gives_a_good_answer(desk):
    people_and_places(desk)
    releases_and_evidence(desk)
    promotions(desk)
    deliveries(desk)
    audit(desk)
    exceptions(desk)
    feeds(desk)
    claims(desk)
    providers(desk)
    documents(desk)
    packs(desk)
    upkeep(desk)
    trust(desk)
    commands = {name for name, command in all_commands() if not getattr(command, "commands", None)}
    assert commands - desk.walked == SERVING


def identities(desk):
    """What a CI system's provider vouches for, and a job's token in exchange."""
    (desk.folder / "jwks.json").write_bytes(key_set())
    said = ("--issuer", ISSUER, "--audience", AUDIENCE, "--claim", "sub=repo:acme/*", "--scope", "gate:run")
    desk.run("token issuer set", "ci", *said, "--keys", desk.folder / "jwks.json")
    [listed] = desk.look("token issuer list")["items"]
    assert listed["claims"] == [["sub", "repo:acme/*"]]
    (desk.folder / "job.jwt").write_text(identity(SystemClock().now()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STELLA_ID_TOKEN_FILE", str(desk.folder / "job.jwt"))
        made = desk.ask("token exchange")
    assert made["view"]["scopes"] == ["gate:run"]
    desk.run("token revoke", made["view"]["id"])
    desk.run("token issuer remove", "ci")
    assert desk.ask("token issuer list")["items"] == []


def test_a_deployment_that_fails_says_why_and_what_to_type_next(desk):
    """deploy, status, deploy --resume, rollback and drift tell the same of it, and what they say to type mends it."""
    people_and_places(desk)
    desk.run("target add", "prod", "host2", "--type", "directory", "--platform", "linux/amd64",
             "--set", f"directory={desk.folder}/host2")  # fmt: skip
    for number in (1, 2):
        desk.run("release create", "--name", f"shop-v{number}", *parts(desk, number))
    host, away = desk.folder / "host2", desk.folder / "away"
    desk.run("rollback", "--environment", "prod", code=2)
    assert "there is nothing to compare" in desk.run("drift", "--environment", "prod")
    assert "environment.missing" in desk.run("drift", "--environment", "nowhere", code=4)
    desk.run("deploy", approved(desk, "shop-v1"))
    assert "drift.line_missing" in desk.run("drift", "--environment", "prod", "--line", "none", code=4)
    assert desk.ask("status")["failed"] == []
    assert "did not end well" not in desk.run("status")

    host.rename(away)
    host.write_bytes(b"a file where the target's folder was")
    told = desk.run("deploy", approved(desk, "shop-v2"), code=2)
    for word in (
        "[target.folder_obstructed]",
        "Something else has the name",
        f"path={host},",
        "  remedy ",
        "Look at path",
    ):
        assert word in told
    assert "target host1  not_reached" in told or "target host1  restored" in told
    again = "stella promote shop-v2 --to prod"
    assert told.rstrip().endswith(again), "the command stands last, to be copied"
    [failed] = desk.look("status")["failed"]
    assert [one["code"] for one in failed["outcomes"] if one["code"]] == ["target.folder_obstructed"]
    assert [one["command"] for one in failed["next"]] == [again]
    assert desk.look("status", "--deployment", failed["id"]) == failed
    now = desk.run("status")
    assert "the last deployment to prod (line shop) did not end well" in now
    assert f"stella status --deployment {failed['id']}" in now
    assert again in now
    refused = desk.run("deploy", "--resume", "prod", code=4)
    assert failed["id"] in refused
    assert "host2: target.folder_obstructed" in refused
    results = [(one["release"], one["result"]) for one in desk.look("status", "--history")["items"]]
    assert results == [("shop-v2", failed["result"]), ("shop-v1", "deployed")]
    desk.run("status", "--history", "--deployment", failed["id"], code=2)
    desk.run("status", "--environment", "prod", code=2)
    drifted = desk.run("drift", "--environment", "prod", code=2)
    assert "stella promote shop-v1 --to prod" in drifted, "what should run, not what failed"
    assert "stella status" in desk.run("promotion show", failed["promotion"])

    host.unlink()
    away.rename(host)
    desk.run("drift", "--environment", "prod")
    promotion = desk.ask(*again.removeprefix("stella ").split())["id"]
    desk.run("approve", promotion, key="bob")
    desk.run("promotion decide", promotion)
    assert desk.ask("deploy", promotion)["next"] == []
    assert desk.ask("status")["failed"] == []
    host.rename(away)
    host.write_bytes(b"again")
    told = desk.run("rollback", "--environment", "prod", "-o", "json", code=2)
    [step] = json.JSONDecoder().raw_decode(told)[0]["deployment"]["next"]
    assert told.rstrip().endswith(step["command"]), "on standard error too"
    assert "the last rollback to prod" in desk.run("status")
    host.unlink()
    away.rename(host)
    desk.run(*step["command"].removeprefix("stella ").split())
    assert (host / "shop_prod" / "conf" / "app.conf").read_text() == "number = 1\n"
    assert desk.ask("status")["failed"] == []


def people_and_places(desk):
    for name in ("alice", "bob", "carol", "dave"):
        desk.run("key generate", desk.folder / name, key="")
    assert "ed25519" in desk.run("key show", desk.folder / "alice")
    desk.run("init", "--login", "alice")
    for name in ("bob", "carol", "dave"):
        words = ("--group", "approvers", "--group", "admins")
        desk.run("trust directory add", name, desk.folder / f"{name}.pub", *words)
    desk.run("trust directory remove", "dave")
    assert {one["login"] for one in desk.look("trust show")["directory"]["people"]} == {"alice", "bob", "carol"}
    assert [one["login"] for one in desk.look("trust directory list")] == ["alice", "bob", "carol"]
    made = desk.ask("token create", "ci", "--scope", "release:read")
    [listed] = desk.look("token list")["items"]
    assert made["token"] not in json.dumps(listed)
    desk.run("token revoke", listed["id"])
    assert desk.ask("token list")["items"] == []
    identities(desk)
    desk.run("policy store", "--starter", "observe")
    assert [one["pack"]["name"] for one in desk.look("policy list")["items"]] == ["observe"]
    desk.look("policy show", "observe")
    desk.run("environment set", "prod", "--order", "1", "--approvals", "1", "--separation")
    desk.run("policy activate", "observe", "--environment", "prod")
    desk.run("environment freeze", "prod", "--start", "2090-01-01T00:00:00", "--end", "2090-01-02T00:00:00",
             "--zone", "Europe/Vienna", "--reason", "new year")  # fmt: skip
    [window] = desk.look("environment show", "prod")["environment"]["freeze_windows"]
    assert window["start"] == "2089-12-31T23:00:00Z", "captured as a UTC instant"
    desk.run("environment unfreeze", "prod", "--start", window["start"])
    assert desk.look("environment list")["items"][0]["environment"]["freeze_windows"] == []
    for at in (1, 2):
        desk.run("target add", "prod", f"host{at}", "--type", "directory", "--platform", "linux/amd64",
                 "--set", f"directory={desk.folder}/host{at}")  # fmt: skip
    desk.run("target remove", "prod", "host2")
    assert [one["target"]["name"] for one in desk.look("target list", "prod")] == ["host1"]


def releases_and_evidence(desk):
    desk.run("feed import", desk.folder / "feed.json")
    desk.look("feed show")
    for number in (1, 2):
        desk.run("release create", "--name", f"shop-v{number}", *parts(desk, number))
    desk.run("release create", "--name", "shop-v3", "--draft")
    desk.run("release add-component", "shop-v3", *parts(desk, 2)[:4])
    desk.run("release remove-component", "shop-v3", "web")
    desk.run("release add-component", "shop-v3", *parts(desk, 3)[:4])
    desk.run("release edit", "shop-v3", "--template", desk.folder / "project3", "--line", "shop")
    assert desk.look("release show", "shop-v3")["draft"]["line"] == "shop"
    desk.run("release finalize", "shop-v3")
    desk.run("release create", "--name", "shop-v4", "--draft")
    desk.run("release discard", "shop-v4")
    assert [one["release"]["name"] for one in desk.look("release list")["items"]][:1] != []
    assert {(one["kind"], one["what"], one["name"]) for one in desk.look("release diff", "shop-v1", "shop-v2")} == {
        ("changed", "component", "web"),
        ("changed", "file", "compose.yaml"),
        ("changed", "file", "conf/app.conf"),
    }
    shown = desk.look("release show", "shop-v1", "--components")
    desk.run("release deprecate", "shop-v3", "--reason", "a test")
    desk.run("release archive", "shop-v3", "--reason", "a test")
    for number in (1, 2):
        image = desk.ask("release show", f"shop-v{number}")["release"]["components"][0]["digest"]
        out = desk.folder / f"{number}.dsse.json"
        desk.run("evidence attest", desk.folder / "sbom.json", "--subject", f"web={image}", "--out", out)
        desk.run("evidence submit", out, "--subject", image)
    assert shown[0]["tag"] == "v1"
    listed = desk.look("evidence list")["items"]
    assert [(one["standing"], one["signers"]) for one in listed] == [("bad", [])] * 2, "her key may approve only"
    one = desk.look("evidence show", listed[0]["admission"])
    assert [(each["signer"], each["status"]) for each in one["signatures"]] == [("alice", "wrong_purpose")]
    assert desk.ask("evidence show", listed[0]["raw"][7:20])["receipt"]["raw"] == listed[0]["raw"]
    trusted(desk)


def trusted(desk):
    root = ROOT / "tests" / "data" / "sigstore" / "trusted_root.json"
    desk.run("trust sigstore set", root, "--identity", "https://issuer.test#*@acme.test")
    desk.run("trust sigstore set", root, "--identity", "https://issuer.test#*@acme.test", "--name", "private")
    found = desk.look("trust sigstore show")
    assert [one["name"] for one in found] == ["private", "public"]
    assert found[0]["identities"] == [{"issuer": "https://issuer.test", "identity": "*@acme.test"}]
    desk.run("trust sigstore remove", "private")
    assert [one["name"] for one in desk.ask("trust sigstore show")] == ["public"]
    desk.run("trust sigstore remove", "private", code=2)
    desk.run("trust sigstore set", root, "--identity", "nobody", code=2)
    assert len(desk.look("evidence collect", f"oci:{ROOT}/tests/data/cosigned-image", "--no-submit")) == 2
    told = desk.ask("evidence collect", f"oci:{ROOT}/tests/data/cosigned-image")
    assert {one["standing"] for one in told} == {"unsigned"}, "an instance that is not trusted signed it"


def parts(desk, number):
    return ("--components", f"web:v{number}", "--layout", desk.folder / "layout",
            "--template", desk.folder / f"project{number}", "--platform", "linux/amd64")  # fmt: skip


def promotions(desk):
    verdict = desk.ask("gate evaluate", "shop-v1", "--environment", "prod")
    assert desk.run("gate evaluate", "shop-v1", "--environment", "prod").splitlines()[-1] == (
        f"stella: allow verdict={verdict['digest']}"
    )
    desk.run("gate simulate", "shop-v1", "--environment", "prod", "--as-of", "2090-01-01T00:00:00Z")
    desk.look("gate list")
    desk.look("gate explain", verdict["digest"])
    desk.look("explain", verdict["digest"], "--all")
    desk.run("promote", "shop-v1", "--to", "prod", "--plan")
    for command in ("cancel", "promotion cancel"):
        desk.run(command, asked(desk, "shop-v1"), "--reason", "a test")
    vetoed = asked(desk, "shop-v1")
    desk.run("reject", vetoed, "--reason", "not today", key="bob")
    assert desk.look("promotion show", vetoed)["state"] == "rejected", "one veto is enough"
    assert {one["state"] for one in desk.look("promotion list")["items"]} == {"cancelled", "rejected"}


def asked(desk, release):
    """Ask for a promotion, and give its id."""
    made = desk.ask("promote", release, "--to", "prod", "--reason", "go")
    assert made["state"] == "pending_approval"
    return made["id"]


def waits(desk, promotion, who):
    """Whether status marks a promotion as waiting for somebody."""
    [line] = [line for line in desk.run("status", key=who).splitlines() if promotion in line]
    return not line.lstrip().startswith("-")


def approved(desk, release):
    promotion = asked(desk, release)
    assert waits(desk, promotion, "bob"), "what waits for bob is marked to bob"
    assert not waits(desk, promotion, "alice"), "and not to who asked"
    desk.run("approve", promotion, "--reason", "fine", key="bob")
    desk.run("promotion decide", promotion)
    return promotion


def deliveries(desk):
    first = desk.ask("deploy", approved(desk, "shop-v1"))
    interrupted = approved(desk, "shop-v2")
    words = ["deploy", interrupted, "--home", desk.folder / "home", "--key", desk.folder / "alice"]
    died = subprocess.run([sys.executable, "-c", DYING, *map(str, words)], cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == 9
    assert desk.ask("promotion show", interrupted)["state"] == "deploying"
    assert "go on from its last step: stella deploy --resume prod" in desk.run("status")
    assert desk.ask("deploy", "--resume", "prod")["result"] == "deployed"
    lock = next((desk.folder / "host1").rglob("app.conf"))
    assert lock.read_text() == "number = 2\n"
    desk.look("status")
    assert desk.look("where", "shop-v2")["runs"]
    assert {one["name"] for one in desk.look("artifact list", first["id"])} >= {
        "compose.stella.lock.yml",
        "manifest.json",
    } - {"manifest.json"}
    desk.run("artifact get", first["id"], "compose.stella.lock.yml", "--out", desk.folder / "lock")
    desk.run("artifact verify", first["id"], "compose.stella.lock.yml")
    desk.run("artifact export", first["id"], "--out", desk.folder / "files")
    subprocess.run(["sha256sum", "--quiet", "-c", "checksums.sha256"], cwd=desk.folder / "files", check=True)
    desk.run("drift", "--environment", "prod")
    lock.write_text("tampered = 1\n")
    assert "corrupted" in desk.run("drift", "--environment", "prod", code=2)
    desk.run("rollback", "--environment", "prod", "--reason", "a test")
    assert lock.read_text() == "number = 1\n", "configuration included"
    desk.run("line stop", "--environment", "prod", "--reason", "an incident")
    desk.look("line show")
    desk.run("line lift")


def audit(desk):
    verdict = desk.ask("gate list")["items"][0]["digest"]
    assert verdict in desk.run("replay", verdict)
    everything = desk.ask("replay", "--everything", "--since", "2026-01-01")
    assert (everything["result"], everything["equal"]) == ("equal", everything["runs"])
    assert "write a day or an instant" in desk.run("replay", "--everything", "--until", "soon", code=2)
    bundle = desk.folder / "bundle.tar"
    desk.run("bundle export", "--release", "shop-v1", "--out", bundle)
    root = desk.ask("trust show")["fingerprint"]
    desk.run("bundle verify", bundle, "--root", root)
    desk.run("bundle verify", bundle, code=4)
    desk.run("bundle verify", bundle, "--root", "sha256:" + "0" * 64, code=2)
    desk.run("bundle import", bundle, "--root", root)
    desk.look("log head")
    desk.look("log show")
    desk.look("log show", "0")
    desk.run("log proof", "0")
    desk.run("log proof", "--from", "1")
    assert "\u2014" in desk.run("log checkpoint")


def exceptions(desk):
    asked_for = [
        desk.ask("waiver request", f"CVE-2026-{at}", "--reason", "a test", "--ticket", "T-1")["id"] for at in (1, 2)
    ]
    assert {one["id"] for one in desk.look("waiver list", "--waiting")["items"]} == set(asked_for)
    desk.run("waiver refuse", asked_for[1])
    desk.run("waiver approve", asked_for[0], code=3)
    waived = desk.ask("waiver approve", asked_for[0], key="bob")
    assert [(one["requested_by"], one["approved_by"]) for one in desk.look("waiver list")["items"]] == [
        ("alice", "bob")
    ], "one was refused, and nobody approves what they asked for"
    desk.run("waiver withdraw", waived["digest"])
    assert desk.ask("waiver list")["items"] == []
    glass = desk.ask("break-glass request", "shop-v2", "--environment", "prod", "--reason", "now", "--ticket", "I-1")
    assert [one["id"] for one in desk.look("break-glass list")["waiting"]] == [glass["id"]]
    desk.run("break-glass sign", glass["id"])
    broken = desk.ask("break-glass sign", glass["id"], key="bob")["break_glass"]
    assert [one["digest"] for one in desk.look("break-glass list")["unreviewed"]] == [broken]
    desk.run("break-glass review", broken, "--reason", "it was right", key="bob", code=3)
    desk.run("break-glass review", broken, "--reason", "it was right", key="carol")
    assert desk.ask("break-glass list") == {"waiting": [], "unreviewed": []}


def feeds(desk):
    (desk.folder / "second.json").write_text(json.dumps(advisory(2)))
    first = desk.ask("feed show")["snapshot"]
    second = desk.ask("feed import", desk.folder / "second.json")["snapshot"]
    assert [one["name"] for one in desk.look("feed diff", first, second)["changes"]] == ["package-2"]
    assert desk.look("feed rejudge", "--all")["seen"] > 0
    [match] = desk.look("match purl", "pkg:pypi/package-2@1.0.0")["matches"]
    assert (match["advisory"], match["fixed_in"]) == ("PYSEC-2026-2", ["1.0.1"])
    assert desk.look("match explain", "pkg:pypi/package-2@1.0.1", "PYSEC-2026-2")["matched"] is False
    bundle, root = desk.folder / "snapshot.tar", desk.ask("trust show")["fingerprint"]
    desk.run("bundle export", "--record", first, "--out", bundle)
    desk.run("feed import-snapshot", bundle, "--root", root, "--replace")
    assert desk.ask("match purl", "pkg:pypi/package-2@1.0.0")["matches"] == [], "as it was at the first snapshot"


def claims(desk):
    """Make a package of shop-v1 vulnerable, and claim that it is not affected."""
    image = desk.ask("release show", "shop-v1")["release"]["components"][0]["digest"]
    before = desk.ask("gate evaluate", "shop-v1", "--environment", "prod")["digest"]
    sbom_file, vex_file = desk.folder / "vulnerable.json", desk.folder / "vex.json"
    sbom_file.write_bytes(sbom(("package-1", "1.0.0"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b70"))
    vex_file.write_bytes(openvex("PYSEC-2026-1", "not_affected", f"pkg:oci/web@{image}"))
    desk.run("evidence submit", sbom_file, vex_file, "--subject", image)
    after = desk.ask("gate evaluate", "shop-v1", "--environment", "prod")["digest"]
    [told] = desk.look("vex explain", "shop-v1", "PYSEC-2026-1")["items"]
    assert (told["status"], told["why"]) == ("not_affected", "unverified")
    [one] = desk.look("vex consensus", "--release", "shop-v1")["items"]
    assert desk.look("vex get", one["id"])["claims"][0]["status"] == "not_affected"
    assert {line["vulnerability"] for line in desk.look("vex delta", before, after)["items"]} == {"PYSEC-2026-1"}
    document = json.loads(desk.run("vex export", "shop-v1", "--environment", "prod"))
    assert document["statements"][0]["vulnerability"]["name"] == "PYSEC-2026-1"
    table = desk.folder / "table.yaml"
    table.write_text(desk.run("vex trust show"))
    made = desk.ask("vex trust set", table)
    assert desk.ask("vex trust show", "--table", made["digest"])["yaml"] == table.read_text()
    assert "shop-v1" in {one["release"] for one in desk.look("unknowns list")["items"]}


def providers(desk):
    layout, image = vex_images.image()
    vex_images.attach(layout, image, vex_images.keyed(image), vex_images.bare(image, "CVE-2"))
    layout.write(desk.folder / "beside")
    key = desk.folder / "cosign.pub"
    key.write_text(f"-----BEGIN PUBLIC KEY-----\n{vex_images.VENDOR.key.spki}\n-----END PUBLIC KEY-----\n")
    words = ("acme", "--image", "reg.test/acme/app:v1", "--mode", "keypair")
    assert "PROVIDER_CONFIG_MISSING_COSIGN_KEY" in desk.run("vex providers configure", *words, code=2)
    desk.run("vex providers configure", *words, "--artifact", f"keys={key}", code=2)
    made = desk.ask("vex providers configure", *words, "--artifact", f"keys={key}", "--host-path-compat")
    [artifact] = desk.look("vex providers artifacts", "acme")["items"]
    assert (made["provider"]["keys"][0]["artifact"], artifact["name"]) == (artifact["artifactId"], "cosign.pub")
    desk.run("vex providers artifacts", "acme", "--delete", artifact["artifactId"], code=2)
    assert "BY PROVIDER" in desk.run("vex providers pull", "acme", "--layout", desk.folder / "beside")
    pulled = desk.ask("vex providers pull", "acme", "--layout", desk.folder / "beside")
    assert [one["status"] for one in pulled["pull"]["statements"]] == ["verified", "unsigned"]
    assert {one["standing"] for one in pulled["receipts"]} == {"unsigned"}, "the root has not vouched for the vendor"
    bundle, root = desk.folder / "pull.tar", desk.ask("trust show")["fingerprint"]
    desk.run("bundle export", "--record", pulled["digest"], "--out", bundle)
    desk.run("bundle verify", bundle, "--root", root)
    assert desk.ask("replay", pulled["digest"])["result"] == "equal", "the answers by the provider are Runs as well"
    assert "1 unsigned, 1 verified" in desk.run("vex providers show", "acme")
    assert desk.look("vex providers show", "acme")["vouched"] is False
    assert [one["provider"]["id"] for one in desk.look("vex providers list")["items"]] == ["acme"]
    listing = ("acme", "--mode", "none", "--clear-artifact", "keys", "--list-artifacts")
    assert desk.ask("vex providers configure", *listing)["items"] == [artifact]
    desk.ask("vex providers configure", "acme", "--upload-artifact", f"keys=@{key}", "--mode", "keypair")
    desk.run("vex providers configure", "acme", "--clear-artifact", "keys", "--mode", "none")
    assert desk.ask("vex providers artifacts", "acme", "--delete", artifact["artifactId"])["items"] == []


def documents(desk):
    schema, note = desk.folder / "schema.json", desk.folder / "note.json"
    schema.write_text('{"type": "object", "required": ["risk"]}')
    note.write_text('{"risk": "low"}')
    desk.run("evidence kind add", "review", "--schema", schema)
    assert [one["name"] for one in desk.look("evidence kind list")["items"]] == ["review"]
    image = "sha256:" + "1" * 64
    [receipt] = desk.ask("evidence submit", note, "--kind", "review", "--subject", image)
    assert receipt["binding"] == "asserted"
    source = desk.folder / "source"
    source.mkdir()
    (source / "requirements.txt").write_text("requests==2.31.0\n")
    made = desk.ask("scan", source, "--subject", image)
    assert desk.look("scan", "--compare", made["sbom"])["same"]
    desk.run("evidence attest-sbom", made["sbom"])
    found = desk.ask("evidence list", "--subject", image, "--type", "sbom")["items"]
    assert {one["raw"] for one in found} == {made["sbom"]}, "the statement is about the same bytes"


def packs(desk):
    file, proposed = desk.folder / "house.yaml", desk.folder / "proposed.yaml"
    file.write_text(PACK)
    assert desk.look("policy lint", file)["valid"]
    assert desk.look("policy test", file)["holds"]
    for name in ("house", "spare"):
        desk.run("policy draft", name, file)
    assert desk.run("policy draft", "house") == PACK
    desk.run("policy discard", "spare")
    assert [one["name"] for one in desk.look("policy drafts")["items"]] == ["house"]
    assert desk.look("policy simulate", "--draft", "house", "--all")["judged"] > 0
    desk.run("policy refuse", desk.ask("policy propose", "house")["id"])
    proposal = desk.ask("policy propose", "house")["id"]
    desk.run("policy approve", proposal, code=3)
    desk.run("policy approve", proposal, key="bob")
    assert [one["approved_by"] for one in desk.look("policy proposals")["items"]] == ["bob"]
    published = desk.ask("policy publish", proposal)["digest"]
    desk.run("policy activate", "house", "--environment", "prod")
    assert desk.ask("policy rollback", "--environment", "prod", "--reason", "a test")["pack"]["name"] == "observe"
    desk.run("policy shadow set", published, "--environment", "prod")
    desk.run("gate evaluate", "shop-v1", "--environment", "prod")
    report = desk.look("policy shadow report", "--environment", "prod")["items"]
    assert [one["release"] for one in report] == ["shop-v1"], "from the next verdict on"
    desk.run("policy shadow clear", "--environment", "prod")
    desk.run("policy init", "--release", "shop-v1", "--environment", "prod", "--to", proposed)
    desk.run("policy lint", proposed)
    assert "cases" in json.loads(desk.run("policy schema"))["properties"]
    assert desk.look("policy rule check", RULE)["package"] == "stella"
    assert desk.ask("policy rule add", RULE)["existed"] is False


def upkeep(desk):
    desk.run("index rebuild")
    desk.run("backup", desk.folder / "copy", "--keys")
    desk.run("fsck")
    spoil(desk.folder / "home", (desk.folder / "1.dsse.json").read_bytes())
    assert name_of(desk.folder / "1.dsse.json") in desk.run("fsck", code=2)
    desk.run("fsck", "--repair-from", desk.folder / "copy")
    desk.run("fsck")


def name_of(path):
    return digest.of_bytes(path.read_bytes())


def spoil(home, data):
    """Change one byte of a stored document, wherever it lies."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and path.suffix != ".duckdb":
            held = path.read_bytes()
            at = held.find(data)
            if at >= 0:
                path.write_bytes(held[: at + 9] + bytes([held[at + 9] ^ 1]) + held[at + 10 :])
                return
    raise AssertionError(f"nowhere in {home}")


def trust(desk):
    desk.run("key generate", desk.folder / "next", key="")
    held = desk.ask("trust show")["root"]["keys"]
    ours = {one["algorithm"]: one["id"] for one in held if one["purposes"] == ["server"]}
    desk.run("trust rotate", ours["ed25519"], desk.folder / "next.pub", "--purpose", "server")
    desk.run("trust revoke", ours["rsa"])
    revoked = {one["id"] for one in desk.ask("trust show")["root"]["keys"] if one["revoked_at"] is not None}
    assert revoked == set(ours.values())
