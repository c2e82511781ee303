"""The CI recipes as their systems would run them: each one's own shell against a served home, its exit code and last line."""

import json
import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ruamel.yaml import YAML

from api.system import SystemClock
from tests.api.test_cli import stella
from tests.api.test_cli_evaluate import founded
from tests.api.test_served import serving
from tests.support.identity import ISSUER, identity, key_set
from tests.support.images import Layout
from tests.support.judging import openvex, sbom

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "examples" / "ci"
SYSTEMS = ("github-actions", "gitlab", "jenkins", "azure-pipelines", "woodpecker", "shell")
LINE = re.compile(r"stella: (allow|deny|undecided) verdict=(sha256:[0-9a-f]{64}|none)")
SARIF = json.dumps(
    {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint", "rules": []}}, "results": []}]}
).encode()


def document(name):
    return YAML(typ="safe").load((CI / name).read_text())


def github():
    """``run:`` goes through ``bash -eo pipefail``; what the environment of the step says is there."""
    jobs = document("github-actions/stella-gate.yml")["jobs"]
    (step,) = (step for step in jobs["gate"]["steps"] if step.get("id") == "gate")
    assert set(step["env"]) == {"STELLA_SERVER", "STELLA_ID_AUDIENCE", "STELLA_ENVIRONMENT", "RELEASE", "IMAGE"}
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]


def gitlab():
    job = document("gitlab/stella-gate.gitlab-ci.yml")["stella-gate"]
    assert job["id_tokens"] == {"STELLA_ID_TOKEN": {"aud": "$STELLA_SERVER"}}
    return ["bash", "-c", "set -eo pipefail\n" + "\n".join(job["script"])]


def jenkins():
    """A Groovy literal in three quotes: its escapes read, then ``sh -xe``."""
    (script,) = re.findall(r"sh '''\n(.*?)'''", (CI / "jenkins" / "Jenkinsfile").read_text(), re.DOTALL)
    text = (CI / "jenkins" / "Jenkinsfile").read_text()
    assert all(text.count(left) == text.count(right) for left, right in ("{}", "()", "[]"))
    return ["sh", "-xe", "-c", script.replace("\\\\", "\\")]


def azure():
    """``bash:`` has no errexit; the exit code of the script is its own."""
    steps = document("azure-pipelines/azure-pipelines.yml")["jobs"][0]["steps"]
    (step,) = (step for step in steps if "bash" in step)
    assert step["env"]["STELLA_TOKEN"] == "$(stella-token)"
    return ["bash", "--noprofile", "--norc", "-c", step["bash"]]


def woodpecker():
    (step,) = document("woodpecker/stella-gate.yaml")["steps"]
    assert step["environment"]["STELLA_TOKEN"] == {"from_secret": "stella_token"}
    return ["sh", "-e", "-c", "\n".join(step["commands"])]


def shell():
    return ["sh", "-c", f'"{CI}/shell/gate.sh" "$RELEASE" "$IMAGE" sbom.json vex.json scan.sarif']


COMMANDS = dict(zip(SYSTEMS, (github, gitlab, jenkins, azure, woodpecker, shell), strict=True))


class Blobs(BaseHTTPRequestHandler):
    """A registry that gives what a layout holds."""

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        data = self.server.layout.blobs.get(name)
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A served home, a token that may do just this, a registry with an image that is clean and one that is not."""
    folder = tmp_path_factory.mktemp("ci")
    founded(folder)
    layout = Layout()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blobs)
    server.layout = layout
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scopes = [word for scope in ("evidence:write", "gate:run", "release:write") for word in ("--scope", scope)]
    words = ("token", "create", "ci", *scopes, "--environment", "prod", "--days", "1", "-o", "json")
    token = json.loads(stella(*words, "--key", folder / "alice", home=folder, code=0).stdout)["token"]
    bin_ = folder / "bin"
    bin_.mkdir()
    (bin_ / "stella").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {os.sys.executable} -m api.cli.main "$@"\n')
    (bin_ / "stella").chmod(0o755)
    with serving(folder) as address:
        yield {
            "folder": folder,
            "address": address,
            "token": token,
            "bin": bin_,
            "layout": layout,
            "port": server.server_port,
        }
    server.shutdown()
    server.server_close()


def job(served, system, tmp_path, package, **changed):
    """Run a recipe in a working folder of its own, as a fresh job would."""
    layout = served["layout"]
    image = layout.image({"app": (f"{system} {package}".encode(), 0o755)})["digest"]
    (tmp_path / "sbom.json").write_bytes(sbom(package))
    (tmp_path / "vex.json").write_bytes(openvex("CVE-2020-0001", "fixed", f"pkg:oci/web@{image}"))
    (tmp_path / "scan.sarif").write_bytes(SARIF)
    env = {
        "PATH": f"{served['bin']}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CI": "true",
        "STELLA_SERVER": served["address"],
        "STELLA_TOKEN": served["token"],
        "STELLA_ENVIRONMENT": "prod",
        "RELEASE": f"{system}-{package[1]}",
        "IMAGE": f"127.0.0.1:{served['port']}/shop/web@{image}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    words = COMMANDS[system]()
    return subprocess.run(
        words, cwd=tmp_path, env=env | changed, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_recipe_denies_with_its_exit_code_its_line_and_its_reports(served, system, tmp_path):
    done = job(served, system, tmp_path, ("requests", "1.0.0"))
    assert done.returncode == 2, done.stdout + done.stderr
    answer = (tmp_path / "stella.txt").read_text()
    assert LINE.fullmatch(answer.splitlines()[-1])[1] == "deny"
    assert answer in done.stdout
    assert served["token"] not in done.stdout + done.stderr
    reports = {path.name for path in tmp_path.glob("stella.*")}
    assert reports & {"stella.sarif", "stella.xml", "stella.md"} or (tmp_path / "summary.md").exists()
    if system == "github-actions":
        assert "## Denied: " in (tmp_path / "summary.md").read_text()
        assert (tmp_path / "output").read_text().startswith("verdict=sha256:")


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_recipe_allows_only_with_the_line(served, system, tmp_path):
    done = job(served, system, tmp_path, ("requests", "2.0.0"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert LINE.fullmatch((tmp_path / "stella.txt").read_text().splitlines()[-1])[1] == "allow"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_program_that_is_not_stella_is_not_believed(served, system, tmp_path):
    false = tmp_path / "bin"
    false.mkdir()
    for code, wanted in ((0, 11), (1, 1)):
        (false / "stella").write_text(f"#!/bin/sh\necho hello\nexit {code}\n")
        (false / "stella").chmod(0o755)
        done = job(served, system, tmp_path, ("requests", "2.0.0"), PATH=f"{false}:{os.environ['PATH']}")
        assert done.returncode == wanted


def test_a_job_without_a_token_or_server_cannot_decide(served, tmp_path):
    done = job(served, "shell", tmp_path, ("requests", "2.0.0"), STELLA_TOKEN="")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (3, "stella: undecided verdict=none")
    done = job(served, "shell", tmp_path, ("requests", "2.0.0"), STELLA_SERVER="http://127.0.0.1:9")
    assert done.returncode == 11


class Provider(BaseHTTPRequestHandler):
    """A fake of GitHub's endpoint for a job's identity token, as its documentation describes it."""

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query)
        assert self.headers["Authorization"] == "bearer of-this-job"
        token = identity(SystemClock().now(), iss=ISSUER, aud=asked["audience"][0], sub=self.server.subject)
        data = json.dumps({"value": token}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def trusted(served, tmp_path):
    """The served home trusts the fake provider for jobs of one repository; gives what a job is told of the provider."""
    (tmp_path / "jwks.json").write_bytes(key_set())
    scopes = [word for scope in ("evidence:write", "gate:run", "release:write") for word in ("--scope", scope)]
    words = ("--issuer", ISSUER, "--audience", served["address"], "--claim", "sub=repo:acme/shop:*", *scopes)
    where = ("--environment", "prod", "--keys", tmp_path / "jwks.json", "--key", served["folder"] / "alice")
    stella("token", "issuer", "set", "ci", *words, *where, home=served["folder"], code=0)
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    yield provider
    provider.shutdown()
    provider.server_close()


def github_job(served, provider, subject):
    """The variables that GitHub gives a job which may ask for its identity."""
    provider.subject = subject
    return {
        "STELLA_TOKEN": "",
        "STELLA_ID_AUDIENCE": served["address"],
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-this-job",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{provider.server_port}/token?api-version=2.0",
    }


def test_a_github_job_needs_no_secret(served, trusted, tmp_path):
    told = github_job(served, trusted, "repo:acme/shop:ref:refs/heads/main")
    done = job(served, "github-actions", tmp_path, ("requests", "2.1.0"), **told)
    assert done.returncode == 0, done.stdout + done.stderr
    stranger = github_job(served, trusted, "repo:evil/shop:ref:refs/heads/main")
    done = job(served, "github-actions", tmp_path, ("requests", "2.1.0"), **stranger)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "auth.identity_refused" in done.stdout + done.stderr


def test_a_gitlab_job_needs_no_secret(served, trusted, tmp_path):
    shown = identity(SystemClock().now(), aud=served["address"])
    done = job(served, "gitlab", tmp_path, ("requests", "2.1.0"), STELLA_TOKEN="", STELLA_ID_TOKEN=shown)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shown not in done.stdout + done.stderr


def test_no_recipe_holds_a_secret():
    for path in CI.rglob("*"):
        if path.is_file():
            assert not re.search(r"STELLA_TOKEN\s*[:=]\s*['\"]?[A-Za-z0-9_.-]{20,}", path.read_text()), path
