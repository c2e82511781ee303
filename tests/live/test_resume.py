"""The deploying process is killed with SIGKILL at several steps; another one goes on, on the same hosts, from the log."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cas.adapters.home import Home
from pipeline.adapters.keys import save_key
from pipeline.operations import drift
from pipeline.operations.deploy import resume
from tests.live.conftest import compose_target, delivery, docker_target
from tests.support.delivery import ALICE
from tests.support.shop import CONTAINER, everything, release, version
from tests.support.world import World

ROOT = Path(__file__).parents[2]
PLACES = [
    ("alpha", "pull", "before"),
    ("alpha", "create", "after"),
    ("alpha", "swap", "before"),
    ("alpha", "swap", "after"),
    ("beta", "restore-point", "after"),
    ("beta", "up", "before"),
    ("beta", "up", "after"),
    ("beta", "health", "after"),
    ("beta", "finish", "after"),
    ("alpha", "remove", "before"),
]


@pytest.mark.parametrize(("host", "step", "when"), PLACES, ids=["-".join(one) for one in PLACES])
def test_a_killed_deployment_is_resumed(hosts, compose_program, registry, web, tmp_path, host, step, when):
    targets = (docker_target(hosts[0]), compose_target(hosts[1], compose_program))
    with Home.open(tmp_path / "home") as home:
        made = delivery(*targets, world=World(store=home.store, log=home.log))
        made.deploy(release(made, registry, web, 1))
        promotion = made.approve(release(made, registry, web, 2))
    (tmp_path / "keys").mkdir()
    for name, signer in (("server", made.server), ("sticker", made.sticker)):
        save_key(tmp_path / "keys" / name, signer)
    argv = [sys.executable, "-m", "tests.support.dying_deploy", tmp_path / "home", tmp_path / "keys", promotion]
    died = subprocess.run([*argv, host, step, when], cwd=ROOT, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
    with Home.open(tmp_path / "home") as home:
        made.world.store, made.world.log = home.store, home.log
        assert made.status(promotion).state == "deploying"
        ended = resume(made.effects, ALICE, "production")
        assert ended.result.result == "deployed"
        assert [version(one) for one in hosts] == [2, 2]
        assert [everything(one) for one in hosts] == [{CONTAINER: "running"}] * 2
        assert made.status(promotion).state == "deployed"
        assert not any(one.report.drifted for one in drift.check(made.effects, ALICE, "production"))
