"""Drift on real hosts: each thing that was changed behind our back is named; nothing is named when nothing changed."""

import pytest

from pipeline.operations import drift
from tests.support.delivery import ALICE
from tests.support.shop import CONTAINER, release


def reports(made):
    return {one.target.name: one.report for one in drift.check(made.effects, ALICE, "production")}


def fields(made, host):
    report = reports(made)[host.name]
    assert report.drifted == bool(report.drifts)
    return {(one.type, one.field.split("#")[0]) for one in report.drifts}


@pytest.fixture
def deployed(hosts, mixed_hosts, registry, web):
    ended = mixed_hosts.deploy(release(mixed_hosts, registry, web, 1))
    assert ended.result.result == "deployed"
    return mixed_hosts


def again(host, *, labels=(), image=None, command=None, drop=()):
    """Replace the container by hand with one that looks much the same."""
    with host.client() as client:
        old = client.containers.get(CONTAINER)
        kept = {name: value for name, value in old.labels.items() if name not in drop} | dict(labels)
        binds = old.attrs["HostConfig"]["Binds"]
        health = old.attrs["Config"]["Healthcheck"]
        old.remove(force=True)
        client.containers.run(
            image or old.attrs["Config"]["Image"],
            command,
            name=CONTAINER,
            detach=True,
            labels=kept,
            environment=[one for one in old.attrs["Config"]["Env"] if not one.startswith("PATH=")],
            network_mode="host",
            volumes=binds,
            healthcheck=health,
            restart_policy={"Name": "unless-stopped"},
        )


def test_nothing_is_named_over_many_observations(hosts, deployed):
    for _ in range(5):
        assert not any(report.drifted for report in reports(deployed).values())


def test_a_restart_by_hand_is_no_drift(hosts, deployed):
    for host in hosts:
        with host.client() as client:
            client.containers.get(CONTAINER).restart(timeout=0)
    assert not any(report.drifted for report in reports(deployed).values())


@pytest.mark.parametrize("index", [0, 1])
def test_a_container_replaced_by_one_of_another_image_is_named(hosts, deployed, registry, web, index):
    other = f"{registry.address}/shop/web@{web[1][2]['digest']}"
    with hosts[index].client() as client:
        client.images.pull(other)
    again(hosts[index], image=other)
    found = fields(deployed, hosts[index])
    assert ("mismatch", f"container/{CONTAINER}/digest") in found
    [row] = [one for one in reports(deployed)[hosts[index].name].drifts if one.field.endswith("/digest")]
    assert (row.expected, row.actual) == (web[1][1]["digest"], web[1][2]["digest"])
    assert not reports(deployed)[hosts[1 - index].name].drifted


@pytest.mark.parametrize("index", [0, 1])
def test_a_container_replaced_by_a_look_alike_is_named(hosts, deployed, index):
    again(hosts[index])
    assert ("mismatch", f"container/{CONTAINER}/id") in fields(deployed, hosts[index])


@pytest.mark.parametrize("index", [0, 1])
def test_a_changed_label_is_named(hosts, deployed, index):
    again(hosts[index], labels={"stella.release.id": "something else"})
    assert ("mismatch", f"container/{CONTAINER}/labels/stella.release.id") in fields(deployed, hosts[index])


def test_a_container_without_any_of_our_labels_is_found_by_its_name(hosts, deployed):
    with hosts[0].client() as client:
        image = client.containers.get(CONTAINER).attrs["Config"]["Image"]
        client.containers.get(CONTAINER).remove(force=True)
        client.containers.run(image, name=CONTAINER, detach=True, network_mode="host")
    assert ("mismatch", f"container/{CONTAINER}/config_hash") in fields(deployed, hosts[0])


@pytest.mark.parametrize("index", [0, 1])
def test_a_stopped_and_a_missing_container_are_named(hosts, deployed, index):
    with hosts[index].client() as client:
        client.containers.get(CONTAINER).stop(timeout=0)
        assert ("mismatch", f"container/{CONTAINER}/state") in fields(deployed, hosts[index])
        client.containers.get(CONTAINER).remove(force=True)
    assert ("missing", f"container/{CONTAINER}") in fields(deployed, hosts[index])


def test_an_extra_container_of_the_project_is_named(hosts, deployed):
    with hosts[0].client() as client:
        image = client.containers.get(CONTAINER).attrs["Config"]["Image"]
        client.containers.create(image, name="shop_production-miner-1")
    assert ("mismatch", "container/shop_production-miner-1/extra") in fields(deployed, hosts[0])


@pytest.mark.parametrize("index", [0, 1])
def test_sticker_and_files_are_named_when_tampered_or_missing(hosts, deployed, index):
    folder = hosts[index].files / "shop_production"
    sticker = folder / "stella.version.json"
    written = sticker.read_bytes()
    sticker.write_bytes(written.replace(b"shop-1", b"shop-9"))
    assert fields(deployed, hosts[index]) == {("corrupted", "stella.version.json")}
    sticker.write_bytes(b"\x00 nonsense")
    assert fields(deployed, hosts[index]) == {("corrupted", "stella.version.json")}
    sticker.unlink()
    assert fields(deployed, hosts[index]) == {("missing", "stella.version.json")}
    sticker.write_bytes((hosts[1 - index].files / "shop_production/stella.version.json").read_bytes())
    assert ("corrupted", "stella.version.json") in fields(deployed, hosts[index])
    sticker.write_bytes(written)
    (folder / "conf/app.conf").write_bytes(b"a = 2\n")
    (folder / "compose.stella.lock.yml").unlink()
    assert fields(deployed, hosts[index]) == {("corrupted", "conf/app.conf"), ("missing", "compose.stella.lock.yml")}


def test_deploying_again_repairs_what_drifted(hosts, deployed, registry, web):
    again(hosts[0], labels={"stella.release.id": "something else"})
    with hosts[1].client() as client:
        client.containers.get(CONTAINER).stop(timeout=0)
    (hosts[1].files / "shop_production/conf/app.conf").write_bytes(b"a = 2\n")
    assert deployed.deploy(deployed.world.log.ref("release/shop-1")).result.result == "deployed"
    assert not any(report.drifted for report in reports(deployed).values())
