"""A served home: real uvicorn, the unix socket with its peer's credentials, the typed client, the CLI through both."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from api.calls import evidence, health, log, tokens
from api.client import Client, connects
from api.problems import Remote
from pipeline.adapters import keys
from tests.api.test_cli import IMAGE, SBOM, stella

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A home of alice, served over its socket and TCP; gives (folder, address)."""
    folder = tmp_path_factory.mktemp("served")
    stella("key", "generate", folder / "alice", home=folder, code=0)
    stella("init", "--login", "alice", "--key", folder / "alice", home=folder, code=0)
    with serving(folder) as address:
        yield folder, address


@contextlib.contextmanager
def serving(folder):
    """Serve a home until the block ends; waits for the line that says where."""
    env = {**os.environ, "STELLA_HOME": str(folder / "h"), "HOME": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "serve", "--listen", "127.0.0.1:0"],
        cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stderr.readline()
        assert "serving" in line, line + process.stderr.read()
        yield "http" + line.rsplit("http", 1)[1].strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stderr.close()


def test_the_socket_knows_the_homes_owner_and_tcp_knows_nobody(served):
    folder, address = served
    with Client(f"unix:{folder}/h/socket") as local, Client(address) as remote:
        assert local.ask(health.HEALTH, health.Health()).caller == "owner"
        assert remote.ask(health.HEALTH, health.Health()).caller == ""
        assert local.ask(log.HEAD, log.LogHeadAsk()).size >= 2
        with pytest.raises(Remote) as refused:
            remote.ask(log.HEAD, log.LogHeadAsk())
        assert refused.value.code == "auth.required"
    assert (folder / "h" / "socket").stat().st_mode & 0o777 == 0o600


def test_a_person_signs_and_a_token_bears_over_tcp(served):
    folder, address = served
    alice = keys.load_signer(folder / "alice", purposes=("approve",))
    with Client(address, key=alice) as person:
        assert person.ask(health.HEALTH, health.Health()).caller == "alice"
        made = person.ask(tokens.CREATE, tokens.CreateToken(name="ci", scopes=("log:read", "evidence:write")))
    with Client(address, token=made.token) as machine:
        assert machine.ask(log.HEAD, log.LogHeadAsk()).size > 2
        documents = (evidence.Document(data=SBOM, subject=IMAGE),)
        receipt = machine.ask(evidence.SUBMIT, evidence.SubmitEvidence(documents=documents)).receipts[0]
        assert receipt.subject == IMAGE


def test_a_document_is_streamed_from_its_file(served, tmp_path):
    folder, _ = served
    document = tmp_path / "sbom.json"
    document.write_bytes(SBOM.replace(b'"version":1', b'"version":7'))
    with Client(f"unix:{folder}/h/socket") as client:
        receipt = client.upload(document, subject=IMAGE).receipts[0]
        assert client.object(receipt.raw) == document.read_bytes()


def test_commands_use_the_socket_while_the_home_is_served(served):
    folder, address = served
    done = stella("status", home=folder, code=0)
    assert f"unix:{folder}/h/socket" in done.stdout
    stella("evidence", "list", home=folder, code=0)
    stella("environment", "set", "staging", "--key", folder / "alice", home=folder, code=0)
    over = stella(
        "environment", "list", "-o", "json", "--server", address, "--key", folder / "alice", home=folder, code=0
    )
    assert json.loads(over.stdout)["items"][0]["environment"]["name"] == "staging"
    stella("log", "head", "--server", address, home=folder, code=3)


def test_reading_commands_and_the_server_agree(served):
    folder, address = served
    local = stella("log", "head", "-o", "json", home=folder, code=0).stdout
    remote = stella(
        "log", "head", "-o", "json", "--server", address, "--key", folder / "alice", home=folder, code=0
    ).stdout
    assert local == remote


def test_garbage_on_the_wire_is_refused_and_the_server_lives(served):
    _, address = served
    host, port = address.removeprefix("http://").split(":")
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /api/v1/log/entries?event=%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), 10) as wire:
            wire.settimeout(10)
            with contextlib.suppress(OSError):  # it may have hung up already
                wire.sendall(garbage)
                wire.shutdown(socket.SHUT_WR)
                answer = wire.recv(65536)
                assert not answer.startswith(b"HTTP/1.1 5"), (garbage[:60], answer[:200])
    with Client(address) as client:
        assert client.ask(health.HEALTH, health.Health()).status == "ok"


def test_a_served_home_ends_cleanly_and_leaves_no_socket(tmp_path):
    stella("init", home=tmp_path, code=0)
    with serving(tmp_path):
        assert connects(tmp_path / "h" / "socket")
        done = stella("serve", home=tmp_path)
        assert done.returncode == 10, "a second writer is told who holds it"
        assert "cas.home_locked" in done.stderr
    assert not (tmp_path / "h" / "socket").exists()
    stella("log", "head", home=tmp_path, code=0)


def test_a_signal_that_comes_while_serving_begins_ends_it(tmp_path):
    """What is told of being served is told before the application is made; whoever stops it then is heard too."""
    stella("init", home=tmp_path, code=0)
    told = """
import os, signal, sys
import api.server
real = api.server.create_app
def create_app(instance):
    os.kill(os.getpid(), signal.SIGTERM)
    return real(instance)
api.server.create_app = create_app
from api.cli.program import main
sys.exit(main(["serve", "--listen", "127.0.0.1:0"]))
"""
    env = {**os.environ, "STELLA_HOME": str(tmp_path / "h"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "serving" in done.stderr) == (0, True), done.stderr
    assert not (tmp_path / "h" / "socket").exists()


def test_a_home_with_a_long_path_is_served_too(tmp_path):
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    stella("init", home=deep, code=0)
    with serving(deep):
        assert "unix:" in stella("status", home=deep, code=0).stdout


def test_an_idempotency_key_outlives_the_server(tmp_path):
    import httpx

    stella("key", "generate", tmp_path / "alice", home=tmp_path, code=0)
    stella("init", "--login", "alice", "--key", tmp_path / "alice", home=tmp_path, code=0)
    token = json.loads(
        stella("token", "create", "ci", "--scope", "policy:write", "-o", "json", home=tmp_path, code=0).stdout
    )["token"]
    answers = []
    for _ in range(2):
        with serving(tmp_path) as address:
            answers.append(
                httpx.post(
                    f"{address}/api/v1/policies",
                    json={"starter": "observe"},
                    headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
                    trust_env=False,
                    timeout=60,
                )
            )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"
