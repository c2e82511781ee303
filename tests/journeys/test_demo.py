"""`make demo` as a newcomer runs it: with the network off, told in full, ending in what to try next."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def cut_off():
    """Words that run a command without a network, where this user may."""
    words = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if shutil.which("unshare") and not subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        return words
    return []


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STELLA_", "DOCKER_"))}
    environment |= {"TMPDIR": str(folder), "DOCKER_HOST": f"unix://{folder}/no-engine", "HOME": str(folder)}
    return subprocess.run(
        [*cut_off(), sys.executable, str(ROOT / "examples" / "demo.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_demo_walks_the_golden_path_with_the_network_off(told):
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]
    assert re.search(r"state +rejected", told.stdout)
    assert "CVE-2023-44487" in told.stdout
    assert re.search(r"Who asked may not approve \(login=alice\)", told.stdout)
    assert "corrupted" in told.stdout
    assert "GOOD: the signer is the one you named" in told.stdout


def test_the_demo_says_plainly_that_folders_run_nothing(told):
    assert "No Docker engine answers here" in told.stdout
    assert "run nothing" in told.stdout


def test_the_replay_prints_the_digest_of_the_verdict_that_was_deployed(told):
    replayed = re.search(r"stella replay (sha256:[0-9a-f]{64})\n +subject +(\S+)\n +result +(\S+)", told.stdout)
    assert replayed
    assert replayed[1] == replayed[2]
    assert replayed[3] == "equal"


def test_the_demo_ends_with_what_to_try_next(told):
    ending = told.stdout[told.stdout.index("What to try next") :]
    assert "stella status" in ending
    assert "stella explain sha256:" in ending
