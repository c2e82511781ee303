"""What `make test` would install where, and what it says when it may not: by its own dry run over pretend machines."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.live.conftest import NEEDED, lacking

SCRIPT = Path(__file__).parent / "live" / "install.sh"
BASIC = ("ip", "iptables", "unshare", "setpriv", "apt-get")
ALL = (*BASIC, "dockerd", "docker-registry", "skopeo")
COMPOSE = "usr/libexec/docker/cli-plugins/docker-compose"


def machine(folder, system, programs, *, compose="", busybox=True):
    """A root folder with an os-release and programs that do nothing."""
    (folder / "etc").mkdir(parents=True)
    name, version = system
    (folder / "etc/os-release").write_text(f'NAME="x"\nID={name}\nVERSION_ID="{version}"\n')
    for program in (*programs, *(["busybox"] if busybox else [])):
        executable(folder / ("bin" if program == "busybox" else "usr/sbin") / program, "#!/bin/false\n")
    if compose:
        executable(folder / COMPOSE, f"#!/bin/sh\necho {compose}\n")
    return folder


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def dry(root, *words, user=0):
    """Run the script's dry run on a pretend machine; give its lines on both outputs."""
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(root / "home"),
        "STELLA_TESTS_MACHINE": str(root),
        "STELLA_TESTS_UID": str(user),
    }
    done = subprocess.run(
        ["bash", str(SCRIPT), "--dry-run", *words], env=env, capture_output=True, text=True, check=True, timeout=30
    )
    assert not (root / "home").exists(), "a dry run makes nothing"
    return done.stdout.splitlines(), done.stderr.splitlines()


UPDATE = "would run: apt-get -qq update"
INSTALL = "would run: apt-get -qq install -y --no-install-recommends "


@pytest.mark.parametrize("system", [("ubuntu", "22.04"), ("ubuntu", "24.04")])
def test_a_fresh_ubuntu_gets_its_own_packages_and_its_own_compose(tmp_path, system):
    out, err = dry(machine(tmp_path, system, BASIC, busybox=False))
    assert out == [
        UPDATE,
        INSTALL + "docker.io docker-registry skopeo busybox-static",
        INSTALL + "docker-compose-v2",
    ]
    assert err == []


def test_a_fresh_debian_12_unpacks_the_compose_of_13(tmp_path):
    out, err = dry(machine(tmp_path, ("debian", "12"), BASIC, busybox=False))
    assert out == [
        UPDATE,
        INSTALL + "docker.io docker-registry skopeo busybox-static",
        f"would unpack from Debian 13 into {tmp_path}/home/.cache/stella-tests/compose: docker-compose",
    ]
    assert err == []


def test_debian_13_has_compose_2_in_its_own_package(tmp_path):
    out, _ = dry(machine(tmp_path, ("debian", "13"), ALL))
    assert out == [UPDATE, INSTALL + "docker-compose"]


@pytest.mark.parametrize("system", [("ubuntu", "24.04"), ("debian", "12"), ("fedora", "44")])
def test_where_all_is_there_nothing_is_done(tmp_path, system):
    assert dry(machine(tmp_path, system, ALL, compose="2.40.3")) == ([], [])


def test_compose_1_does_not_count(tmp_path):
    out, _ = dry(machine(tmp_path, ("ubuntu", "24.04"), ALL, compose="1.29.2"))
    assert out == [UPDATE, INSTALL + "docker-compose-v2"]


def test_all_adds_cosign_and_the_registry_with_referrers_where_it_can_be_built(tmp_path):
    out, err = dry(machine(tmp_path / "a", ("debian", "12"), ALL, compose="2.40.3"), "--all")
    assert [line.split(":")[0] for line in out[1:3]] == [
        f"would unpack from Debian 13 into {tmp_path}/a/home/.cache/stella-tests/{name}" for name in ("cosign", "go")
    ]
    assert out[3] == f"would build {tmp_path}/a/home/.cache/stella-tests/referrers/registry"
    assert err == []
    _, err = dry(machine(tmp_path / "b", ("ubuntu", "24.04"), ALL, compose="2.40.3"), "--all")
    assert err == ["could not get a registry with /referrers/: the live test that uses it is skipped"]


def test_who_is_not_root_is_told_what_is_missing_and_nothing_is_tried(tmp_path):
    out, err = dry(machine(tmp_path, ("ubuntu", "24.04"), ("ip", "unshare", "setpriv", "apt-get")), user=1000)
    assert out == []
    assert err == [
        (
            "live tests need packages that are not here: docker.io; docker-registry; skopeo; iptables; "
            "Compose 2 (docker-compose-v2 on Ubuntu, docker-compose on Debian 13);"
        ),
        "live tests are skipped: user 1000 is not root, and each engine needs namespaces of its own; all others run",
    ]


def test_who_is_not_root_and_lacks_nothing_is_told_the_one_reason(tmp_path):
    out, err = dry(machine(tmp_path, ("debian", "12"), ALL, compose="2.40.3"), user=1000)
    assert out == []
    assert err == [
        "live tests are skipped: user 1000 is not root, and each engine needs namespaces of its own; all others run"
    ]


def test_a_machine_without_apt_is_told_what_to_find(tmp_path):
    out, err = dry(machine(tmp_path, ("fedora", "44"), ("ip", "iptables", "unshare", "setpriv", "skopeo")))
    assert out == []
    assert err == ["there is no apt-get here; live tests need: docker.io docker-registry Compose 2"]


def test_an_unknown_word_is_refused():
    done = subprocess.run(["bash", str(SCRIPT), "--nope"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2


def test_a_skipped_live_test_says_exactly_why():
    assert lacking(0, []) == ""
    assert lacking(1000, []) == (
        "live tests do not run here: user 1000 is not root, and each engine needs namespaces of its own"
    )
    assert lacking(0, ["dockerd", "setpriv", "unshare"]) == (
        "live tests do not run here: missing: dockerd, setpriv, unshare (apt-get install docker.io util-linux)"
    )
    assert "; missing: " in lacking(1000, ["ip"])
    assert all(NEEDED.values())
    assert os.path.exists(SCRIPT)
