"""Deploying to real Docker engines, by our own hands and through Compose, pulling by digest from a real registry."""

import subprocess

import pytest

from cas.records.release import Target
from cas.store import load
from tests.live.conftest import compose_target, delivery, docker_target
from tests.support.delivery import replace, target
from tests.support.registry import web_image
from tests.support.shop import CONTAINER, TEMPLATE, everything, release, runs, version


def results(made, ended):
    return {load(made.world.store, one.target, Target).name: (one.result, one.code) for one in ended.result.outcomes}


def test_two_releases_reach_both_kinds_of_host_by_digest(hosts, mixed_hosts, registry, web):
    for number in (1, 2):
        ended = mixed_hosts.deploy(release(mixed_hosts, registry, web, number))
        assert ended.result.result == "deployed", results(mixed_hosts, ended)
        pinned = f"{registry.address}/shop/web@{web[1][number]['digest']}"
        for host in hosts:
            assert version(host) == number
            assert everything(host) == {CONTAINER: "running"}
            [(_, digests)] = runs(host).values()
            assert digests == (pinned,)
            folder = host.files / "shop_production"
            subprocess.run(["sha256sum", "--quiet", "-c", "checksums.sha256"], cwd=folder, check=True)
            with host.client() as client:
                labels = client.containers.get(CONTAINER).labels
            assert labels["stella.digest"] == web[1][number]["digest"]
            assert labels["stella.component.id"] == "web"


def test_deploying_again_leaves_the_containers_alone(hosts, mixed_hosts, registry, web):
    wanted = release(mixed_hosts, registry, web, 1)
    mixed_hosts.deploy(wanted)
    before = [runs(host) for host in hosts]
    assert mixed_hosts.deploy(wanted).result.result == "deployed"
    assert [runs(host) for host in hosts] == before


def tampered_manifest(bad, web, registry):
    bad.push("shop/web", web[0], web[1][2], "v2")
    path = bad.blob_path(web[1][2]["digest"])
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b'"schemaVersion":2', b'"schemaVersion": 2'))
    return path, kept


def tampered_layer(bad, web, registry):
    import json

    bad.push("shop/web", web[0], web[1][2], "v2")
    layer = json.loads(web[0].blobs[web[1][2]["digest"]])["layers"][0]["digest"]
    path = bad.blob_path(layer)
    kept = path.read_bytes()
    path.write_bytes(kept[:-100] + bytes(100))
    return path, kept


@pytest.mark.parametrize("spoil", [tampered_manifest, tampered_layer, None], ids=["manifest", "layer", "absent"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_wrong_digest_at_any_host_stops_nothing_anywhere(
    hosts, mixed_hosts, registry, bad_registry, web, index, spoil
):
    mixed_hosts.deploy(release(mixed_hosts, registry, web, 1))
    before = [runs(host) for host in hosts]
    restore = spoil(bad_registry, web, registry) if spoil else None
    hosts[index].see(registry.port, bad_registry.port if spoil else 9)
    try:
        ended = mixed_hosts.deploy(release(mixed_hosts, registry, web, 2))
    finally:
        if restore:
            restore[0].write_bytes(restore[1])
    assert ended.result.result == "failed"
    found = results(mixed_hosts, ended)
    assert found[hosts[index].name][1] in {"target.digest_mismatch", "target.image_missing", "target.unreachable"}
    if spoil:
        assert found[hosts[index].name][1] == "target.digest_mismatch"
    assert [runs(host) for host in hosts] == before
    assert [everything(host) for host in hosts] == [{CONTAINER: "running"}] * 2
    assert [version(host) for host in hosts] == [1, 1]


@pytest.mark.parametrize("index", [0, 1])
def test_an_image_that_crash_loops_on_any_host_restores_the_old_containers_on_all(
    hosts, mixed_hosts, registry, web, index
):
    made = mixed_hosts
    made.deploy(release(made, registry, web, 1))
    before = [runs(host) for host in hosts]
    command = (
        f'[ "$(/busybox hostname)" = {hosts[index].name} ] && exit 1; exec /busybox httpd -f -h /www -p 0.0.0.0:8080'
    )
    crashing = web_image(web[0], 9, command=["/busybox", "sh", "-c", command])
    registry.push("shop/web", web[0], crashing, f"crash{index}")
    ended = made.deploy(release(made, registry, web, 9, image=crashing))
    assert ended.result.result == "rolled_back"
    found = results(made, ended)
    assert found[hosts[index].name] == ("restored", "target.unhealthy")
    assert {one for one, _ in found.values()} == {"restored"}
    assert [version(host) for host in hosts] == [1, 1]
    assert [everything(host) for host in hosts] == [{CONTAINER: "running"}] * 2
    after = [runs(host) for host in hosts]
    assert after[0] == before[0], "our own hands restore the very container"
    assert after[1][CONTAINER][1] == before[1][CONTAINER][1], "Compose makes it anew from the same digest"


@pytest.mark.parametrize("index", [0, 1])
def test_an_unlisted_platform_at_any_host_stops_nothing(hosts, mixed_hosts, registry, web, index):
    made = mixed_hosts
    made.deploy(release(made, registry, web, 1))
    before = [runs(host) for host in hosts]
    made.targets = tuple(replace_platform(one) if one.name == hosts[index].name else one for one in made.targets)
    made.place()
    ended = made.deploy(release(made, registry, web, 2))
    assert ended.result.result == "failed"
    assert any(code.endswith("platform_unlisted") for _, code in results(made, ended).values())
    assert [runs(host) for host in hosts] == before


def replace_platform(one):
    return target(one.name, one.type, "linux/arm64", **dict(one.settings))


def test_an_engine_of_another_platform_than_declared_is_refused(hosts, registry, web):
    made = delivery(docker_target(hosts[0]))
    made.targets = (replace_platform(made.targets[0]),)
    made.place()
    ended = made.deploy(release(made, registry, web, 1, platforms=("linux/arm64",)))
    assert ended.result.result == "failed"
    assert everything(hosts[0]) == {}


def test_the_lock_runs_without_us(hosts, registry, web, compose_program):
    made = delivery(compose_target(hosts[1], compose_program))
    made.deploy(release(made, registry, web, 2))
    hosts[1].see(registry.port)
    with hosts[1].client() as client:
        for one in client.containers.list(all=True):
            one.remove(force=True)
    argv = [compose_program, "-f", "compose.stella.lock.yml", "up", "--detach", "--wait"]
    env = {"DOCKER_HOST": hosts[1].url, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    subprocess.run(argv, cwd=hosts[1].files / "shop_production", env=env, check=True, capture_output=True)
    assert version(hosts[1]) == 2
    [(_, digests)] = runs(hosts[1]).values()
    assert digests == (f"{registry.address}/shop/web@{web[1][2]['digest']}",)


def test_a_power_cut_leaves_containers_that_come_back(hosts, two_docker_hosts, registry, web):
    made = two_docker_hosts
    made.deploy(release(made, registry, web, 1))
    hosts[0].power_off()
    ended = made.deploy(release(made, registry, web, 2))
    assert ended.result.result == "failed"
    assert results(made, ended)["alpha"][1] == "target.unreachable"
    assert version(hosts[1]) == 1
    hosts[0].start()
    hosts[0].see(registry.port)
    assert made.deploy(made.world.log.ref("release/shop-2")).result.result == "deployed"
    assert [version(host) for host in hosts] == [2, 2]


__all__ = ["TEMPLATE", "replace"]
