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


@pytest.fixture(scope="module")
def after(told):
    """Run commands in the folder that the demo left."""
    folder = Path(re.search(r"everything happens in (\S+),", told.stdout)[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STELLA_")}

    def run(*words, home=folder / "home"):
        return subprocess.run(
            [sys.executable, "-m", "api.cli.main", *map(str, words)],
            env=environment | {"STELLA_HOME": str(home), "PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    root = re.search(r"root fingerprint, kept apart from the home: (sha256:[0-9a-f]{64})", told.stdout)[1]
    return run, root, folder


def test_packets_and_bundles_are_replayed_by_command(told, after):
    run, root, _ = after
    packet = re.findall(r"packet +(sha256:[0-9a-f]{64})", told.stdout)[-1]
    for words in ((packet,), ("shop-v2.3.1.tar", "--root", root)):
        done = run("replay", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"result +equal", done.stdout)


def test_a_bundle_is_good_only_for_the_root_that_signed_it(after):
    run, root, _ = after
    assert run("bundle", "verify", "shop-v2.3.1.tar", "--root", root).returncode == 0
    assert run("bundle", "verify", "shop-v2.3.1.tar").returncode == 4
    assert run("bundle", "verify", "shop-v2.3.1.tar", "--root", "sha256:" + "0" * 64).returncode == 2


def test_another_instance_takes_the_bundle_as_a_claim(after):
    run, root, folder = after
    other = folder / "other"
    assert run("init", home=other).returncode == 0
    done = run("bundle", "import", "shop-v2.3.1.tar", "--root", root, home=other)
    assert done.returncode == 0, done.stderr
    assert re.search(r"signer established +yes", done.stdout)
    assert "nothing" in run("release", "list", home=other).stdout  # its releases are not ours
    assert run("fsck").returncode == 0


def test_a_reader_that_leaves_early_is_no_crash_to_speak_of(after):
    _, _, folder = after
    environment = os.environ | {"STELLA_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "api.cli.main", "log", "show"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        complaint = process.stderr.read()
    assert complaint == b""
    assert process.returncode == 11  # never 0 or 1: not all of it was told
