"""Rollback on real hosts: the same digests and the same configuration, from the home alone."""

import pytest

from cas.records.deploy import Observation
from cas.store import load
from pipeline.operations import drift
from pipeline.operations.rollback import rollback
from tests.live.conftest import compose_target, delivery, docker_target
from tests.support.delivery import ALICE
from tests.support.home_registry import HomeRegistry
from tests.support.hosts import prune
from tests.support.shop import CONTAINER, TEMPLATE, release, runs, version


@pytest.fixture
def kept(hosts, compose_program):
    """An instance that keeps images and serves them itself; hosts reach nothing else."""
    made = delivery(docker_target(hosts[0]), compose_target(hosts[1], compose_program))
    home = HomeRegistry(made.effects)
    made.outside["registry"] = lambda: home.address
    for host in hosts:
        for port in list(host.relays):
            host.close(port)
        host.see(home.port)
    yield made, home
    home.stop()


def states(made, hosts):
    """Repository digests as the engine tells them, and the hash of what was configured, by host."""
    [head] = made.head()
    found = {}
    result = made.world.store
    from cas.records.deploy import DeploymentResult

    for outcome in load(result, head.result, DeploymentResult).outcomes:
        seen = load(result, outcome.observation, Observation)
        found[outcome.target] = [(one.name, one.image, one.image_digest, one.config_hash) for one in seen.containers]
    return found, [runs(host)[CONTAINER][1] for host in hosts]


def test_rollback_with_the_registry_off_and_hosts_pruned_is_identical(hosts, kept, registry, web):
    made, home = kept
    made.place(variables=(("GREETING", "hello"),))
    assert made.deploy(release(made, registry, web, 1, kept=True)).result.result == "deployed"
    first = states(made, hosts)
    assert first[1][0] == (f"{home.address}/shop/web@{web[1][1]['digest']}",)
    made.place(variables=(("GREETING", "good day"), ("MORE", "1")))
    changed = TEMPLATE.replace(b'GREETING: "${GREETING}"', b'GREETING: "${GREETING}", MORE: "${MORE}"')
    second = release(made, registry, web, 2, kept=True, template=changed, files={"conf/app.conf": b"a = 2\n"})
    assert made.deploy(second).result.result == "deployed"
    assert states(made, hosts)[0] != first[0]
    for host in hosts:
        with host.client() as client:
            prune(client)
            assert not [
                tag for one in client.images.list() for tag in one.attrs["RepoDigests"] if web[1][1]["digest"] in tag
            ]
    back = rollback(made.effects, ALICE, "production")
    assert back.ended.result.result == "deployed"
    assert states(made, hosts) == first
    assert [version(host) for host in hosts] == [1, 1]
    for host in hosts:
        assert (host.files / "shop_production/conf/app.conf").read_bytes() == b"a = 1\n"
        with host.client() as client:
            assert "GREETING=hello" in client.containers.get(CONTAINER).attrs["Config"]["Env"]
    assert not any(one.report.drifted for one in drift.check(made.effects, ALICE, "production"))
