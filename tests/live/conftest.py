"""Real engines, registry and Compose for the whole session; every test begins with clean hosts."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from targets.compose_host.adapter import ComposeHostAdapter
from targets.directory.adapter import DirectoryAdapter
from targets.docker_host.adapter import DockerHostAdapter
from tests.support import compose
from tests.support.delivery import Delivery, target
from tests.support.hosts import Host
from tests.support.images import Layout
from tests.support.registry import Registry, web_image

ADAPTERS = {
    "docker_host": DockerHostAdapter(),
    "compose_host": ComposeHostAdapter(),
    "directory": DirectoryAdapter(),
}
NEEDED = {
    "dockerd": "docker.io",
    "docker-registry": "docker-registry",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "iptables": "iptables",
    "ip": "iproute2",
    "busybox": "busybox-static",
}
"""Programs that every live test wants, and the packages they are in."""


def pytest_collection_modifyitems(items):
    """Live tests share their engines: one worker runs them all."""
    for item in items:
        if "tests/live/" in item.path.as_posix():
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.xdist_group("live"))


@pytest.fixture(scope="session")
def components():
    """What the live tests cannot do without; absent only where nothing may be installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    why = lacking(os.geteuid(), [name for name in NEEDED if not shutil.which(name, path=path)])
    if why:
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def lacking(user, missing):
    """Say exactly what keeps live tests from running here; empty when nothing does."""
    reasons = []
    if user != 0:
        reasons.append(f"user {user} is not root, and each engine needs namespaces of its own")
    if missing:
        packages = " ".join(sorted({NEEDED[name] for name in missing}))
        reasons.append(f"missing: {', '.join(missing)} (apt-get install {packages})")
    return f"live tests do not run here: {'; '.join(reasons)}" if reasons else ""


@pytest.fixture(scope="session")
def live_root(components):
    root = Path(tempfile.mkdtemp(prefix="stella-live-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def registry(live_root):
    one = Registry(live_root / "registry").start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def bad_registry(live_root):
    """A second registry, whose bytes tests change."""
    one = Registry(live_root / "bad").start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def engines(live_root):
    started = []
    try:
        for name in ("alpha", "beta"):
            started.append(Host(name, live_root / "engines").start())
        yield tuple(started)
    finally:
        for host in started:
            host.remove()


@pytest.fixture(scope="session")
def web(registry):
    """Three versions of a web server, pushed; {number: descriptor} and the layout."""
    layout = Layout()
    images = {number: web_image(layout, number) for number in (1, 2, 3)}
    for number, descriptor in images.items():
        registry.push("shop/web", layout, descriptor, f"v{number}")
    return layout, images


@pytest.fixture
def hosts(engines, registry):
    """Clean engines that reach the registry."""
    for host in engines:
        if not host._answers():
            host.start()
        host.clean()
        host.see(registry.port)
    yield engines
    for host in engines:
        for port in list(host.relays):
            host.close(port)


@pytest.fixture(scope="session")
def compose_program(components):
    found = compose.find()
    if found is None:
        pytest.skip(
            "Compose 2 is missing (docker-compose-v2 on Ubuntu, docker-compose on Debian 13): see tests/live/install.sh"
        )
    return found


def docker_target(host):
    return target(host.name, "docker_host", url=host.url, directory=str(host.files), settle_seconds="1")


def compose_target(host, program):
    return target(
        host.name, "compose_host", url=host.url, directory=str(host.files), settle_seconds="1", compose=program
    )


def delivery(*targets, **more):
    """An instance that deploys to real targets."""
    return Delivery(targets=targets, adapter=lambda one: ADAPTERS[one.type], **more)


@pytest.fixture
def two_docker_hosts(hosts):
    return delivery(*(docker_target(host) for host in hosts))


@pytest.fixture
def mixed_hosts(hosts, compose_program):
    """alpha by our own hands, beta by Compose."""
    return delivery(docker_target(hosts[0]), compose_target(hosts[1], compose_program))
