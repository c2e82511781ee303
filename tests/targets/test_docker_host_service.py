"""A service as the engine's create body: everything is translated or refused by name."""

import pytest

from targets.docker_host import units
from targets.docker_host.service import Around, body_of

TOP = {
    "networks": {"front": {}, "shared": {"external": True}, "fixed": {"name": "given"}},
    "volumes": {"data": {}},
    "configs": {"app": {"file": "./conf/app.conf"}, "inline": {"content": "x"}},
    "secrets": {"token": {"file": "./token"}},
}


def around(allowed=()):
    return Around("shop", "/srv/shop", TOP, "web", allowed)


def body(definition, allowed=()):
    made, faults = body_of(definition, around(allowed))
    assert not faults, faults
    return made


def faults(definition, allowed=()):
    return [fault.pointer for fault in body_of(definition, around(allowed))[1]]


def test_the_common_keys_are_translated():
    made = body(
        {
            "command": ["a", "b c"],
            "entrypoint": "sh -c 'x y'",
            "environment": {"A": 1, "B": True, "C": None},
            "user": 65534,
            "working_dir": "/w",
            "restart": "on-failure:3",
            "read_only": True,
            "cap_drop": ["ALL"],
            "stop_grace_period": "1m30s",
            "healthcheck": {"test": ["CMD", "x"], "interval": "1.5s", "retries": 2},
            "ports": ["127.0.0.1:8080:80", "53:53/udp", {"target": 90, "published": "91"}],
            "deploy": {"resources": {"limits": {"memory": "64m", "cpus": "0.5", "pids": 10}}},
            "ulimits": {"nofile": {"soft": 1, "hard": 2}},
            "x-own": "ignored",
        }
    )
    host = made["HostConfig"]
    assert (made["Cmd"], made["Entrypoint"]) == (["a", "b c"], ["sh", "-c", "x y"])
    assert made["Env"] == ["A=1", "B=true", "C=${C}"]
    assert (made["User"], made["WorkingDir"], made["StopTimeout"]) == ("65534", "/w", 90)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    assert made["Healthcheck"] == {"Test": ["CMD", "x"], "Interval": 1_500_000_000, "Retries": 2}
    assert host["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
        "90/tcp": [{"HostIp": "", "HostPort": "91"}],
    }
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 << 20, 500_000_000, 10)
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1, "Hard": 2}]
    assert made["NetworkingConfig"] == {"EndpointsConfig": {"shop_default": {"Aliases": ["web"]}}}


def test_networks_have_the_projects_names_and_the_services_alias():
    made = body({"networks": {"front": {"aliases": ["api"]}, "shared": None, "fixed": {}}})
    assert made["NetworkingConfig"]["EndpointsConfig"] == {
        "given": {"Aliases": ["web"]},
        "shared": {"Aliases": ["web"]},
        "shop_front": {"Aliases": ["api", "web"]},
    }


def test_mounts_configs_and_secrets():
    made = body({"volumes": ["data:/data", "./x:/x:ro", "/anon"], "configs": ["app"], "secrets": ["token"]})
    assert made["HostConfig"]["Binds"] == [
        "/srv/shop/conf/app.conf:/app:ro",
        "/srv/shop/token:/run/secrets/token:ro",
        "/srv/shop/x:/x:ro",
    ]
    assert made["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Target": "/data", "ReadOnly": False, "Source": "shop_data"},
        {"Type": "volume", "Target": "/anon", "ReadOnly": False},
    ]


@pytest.mark.parametrize("source", ["/etc", "../up", "./a/../../b", "~/x", "/var/lib"])
def test_a_bind_outside_the_project_is_refused(source):
    assert faults({"volumes": [f"{source}:/x"]}) == ["/services/web/volumes"]


def test_a_bind_that_the_environment_allows_is_taken_and_its_neighbour_is_not():
    assert body({"volumes": ["/var/lib/app:/x"]}, ("/var/lib/app",))
    assert faults({"volumes": ["/var/lib/application:/x"]}, ("/var/lib/app",))


@pytest.mark.parametrize(
    "definition",
    [
        {"build": "."},
        {"extends": {"service": "x"}},
        {"profiles": ["debug"]},
        {"no_such_key": 1},
        {"network_mode": "container:other"},
        {"restart": "sometimes"},
        {"ports": ["eighty"]},
        {"ports": ["80-90:80"]},
        {"stop_grace_period": "10"},
        {"mem_limit": "much"},
        {"configs": ["inline"]},
        {"volumes": ["data:relative"]},
        {"volumes": [{"type": "npipe", "target": "/x"}]},
        {"healthcheck": {"test": "x", "surprise": 1}},
        {"networks": {"front": {"ipv4_address": "10.0.0.1"}}},
    ],
)
def test_what_cannot_be_done_is_refused_not_dropped(definition):
    assert len(faults(definition)) == 1


def test_all_faults_are_told_together():
    assert faults({"build": ".", "ports": ["eighty"], "restart": "x"}) == [
        "/services/web/build",
        "/services/web/ports",
        "/services/web/restart",
    ]


@pytest.mark.parametrize(("text", "nanos"), [("500ms", 5 * 10**8), ("1h2m3.5s", 3723_500_000_000), ("10us", 10_000)])
def test_durations(text, nanos):
    assert units.nanoseconds(text) == nanos


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "-1s", "1s garbage"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        units.nanoseconds(text)
