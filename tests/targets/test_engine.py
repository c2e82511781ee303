"""What an engine says, as records; where images come from; when one is not the pinned one."""

import copy

import pytest

from cas.problems import Problem
from targets.engine import adapter, inspection
from targets.engine.adapter import Engine, connected, reference_of
from tests.support.delivery import target

PINNED = "sha256:" + "a" * 64
CONFIG = "sha256:" + "c" * 64
REFERENCE = f"127.0.0.1:5000/shop/web@{PINNED}"
IMAGE = {"Id": CONFIG, "RepoDigests": [REFERENCE], "Os": "linux", "Architecture": "amd64"}
GIVEN = {"identities": f"{PINNED} {CONFIG}", "platform": "linux/amd64"}
INSPECTED = {
    "Id": "f" * 64,
    "Name": "/shop-web-1",
    "Image": CONFIG,
    "RestartCount": 2,
    "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}},
    "Config": {
        "Image": REFERENCE,
        "Hostname": "f" * 12,
        "Env": ["PATH=/bin", "TOKEN=secret"],
        "Cmd": ["serve"],
        "Labels": {"stella.component.id": "web", "com.docker.compose.project": "shop", "com.docker.compose.image": "x"},
    },
    "HostConfig": {"NetworkMode": "shop_default", "Binds": ["/a:/a:ro"], "Memory": 0},
    "NetworkSettings": {"Networks": {"shop_default": {"Aliases": ["web", "f" * 12]}}},
    "Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/a"}],
}


def hash_of(*change):
    changed = copy.deepcopy(INSPECTED)
    if change:
        *path, last, value = change
        place = changed
        for name in path:
            place = place[name]
        place[last] = value
    return inspection.container(changed, [REFERENCE]).config_hash


def test_a_container_becomes_a_record():
    found = inspection.container(INSPECTED, [REFERENCE])
    assert (found.name, found.component, found.image_digest) == ("shop-web-1", "web", PINNED)
    assert (found.state, found.health, found.restarts, found.config_id) == ("running", "healthy", 2, CONFIG)
    assert dict(found.labels) == {"stella.component.id": "web", "com.docker.compose.project": "shop"}


@pytest.mark.parametrize(
    "change",
    [
        ("Config", "Cmd", ["other"]),
        ("Config", "Entrypoint", ["x"]),
        ("Config", "User", "root"),
        ("Config", "Env", ["PATH=/bin", "TOKEN=secret", "LD_PRELOAD=x"]),
        ("Config", "Labels", {}),
        ("Config", "Hostname", "chosen"),
        ("Config", "Image", REFERENCE.replace("a" * 64, "b" * 64)),
        ("HostConfig", "Binds", ["/:/host"]),
        ("HostConfig", "Privileged", True),
        ("HostConfig", "CapAdd", ["SYS_ADMIN"]),
        ("HostConfig", "PortBindings", {"80/tcp": [{"HostIp": "", "HostPort": "80"}]}),
        ("HostConfig", "NetworkMode", "host"),
        ("HostConfig", "PidMode", "host"),
        ("NetworkSettings", "Networks", {"other": {}}),
        ("Mounts", []),
    ],
)
def test_whatever_is_set_otherwise_changes_the_hash(change):
    assert hash_of(*change) != hash_of()


@pytest.mark.parametrize(
    "change",
    [
        ("Config", "Env", ["TOKEN=rotated", "PATH=/usr/bin"]),
        ("Config", "Labels", INSPECTED["Config"]["Labels"] | {"com.docker.compose.image": "y"}),
        ("Config", "Tty", False),
        ("HostConfig", "CapAdd", []),
        ("State", "Health", {"Status": "starting"}),
        ("NetworkSettings", "Networks", {"shop_default": {"Aliases": ["f" * 12, "web"], "IPAddress": "10.0.0.9"}}),
    ],
)
def test_what_engine_or_compose_add_by_themselves_does_not(change):
    assert hash_of(*change) == hash_of()


def test_no_value_of_the_environment_is_in_the_record():
    assert "secret" not in repr(inspection.container(INSPECTED, [REFERENCE]))


@pytest.mark.parametrize(
    ("image", "known", "found"),
    [
        (REFERENCE, [REFERENCE], PINNED),
        (REFERENCE, [REFERENCE.replace("127.0.0.1:5000", "mirror")], PINNED),
        (REFERENCE, [], ""),
        (REFERENCE, ["x@sha256:" + "b" * 64], ""),
        ("web:latest", [REFERENCE], PINNED),
        ("web:latest", [REFERENCE, "x@sha256:" + "b" * 64], ""),
    ],
)
def test_the_digest_is_the_one_that_the_running_image_answers_to(image, known, found):
    assert inspection.pinned(image, known) == found


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"RepoDigests": []}, "target.digest_mismatch"),
        ({"RepoDigests": [REFERENCE.replace("a" * 64, "b" * 64)]}, "target.digest_mismatch"),
        ({"RepoDigests": ["elsewhere/web@" + PINNED]}, "target.digest_mismatch"),
        ({"Id": "sha256:" + "d" * 64}, "target.digest_mismatch"),
        ({"Architecture": "arm64"}, "target.platform_unlisted"),
        ({"Os": "windows"}, "target.platform_unlisted"),
    ],
)
def test_an_engine_that_has_something_else_is_refused(image, code):
    Engine._check(IMAGE, GIVEN, REFERENCE)
    with pytest.raises(Problem) as refused:
        Engine._check(IMAGE | image, GIVEN, REFERENCE)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("manifest verification failed for digest sha256:…", "target.digest_mismatch"),
        ("filesystem layer verification failed for digest sha256:…", "target.digest_mismatch"),
        ("manifest unknown: manifest unknown", "target.image_missing"),
        ("pull access denied for x", "target.image_missing"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "target.unreachable"),
    ],
)
def test_a_failed_pull_says_which_way(reason, code):
    assert adapter._pull_problem("r", reason).code == code


@pytest.mark.parametrize(
    ("repository", "registry", "kept", "reference"),
    [
        ("ghcr.io/acme/web", "home:5000", True, f"home:5000/acme/web@{PINNED}"),
        ("localhost/web", "home:5000", True, f"home:5000/web@{PINNED}"),
        ("10.0.0.1:5000/a/b", "home:5000", True, f"home:5000/a/b@{PINNED}"),
        ("acme/web", "home:5000", True, f"home:5000/acme/web@{PINNED}"),
        ("ghcr.io/acme/web", "home:5000", False, f"ghcr.io/acme/web@{PINNED}"),
        ("ghcr.io/acme/web", "", True, f"ghcr.io/acme/web@{PINNED}"),
    ],
)
def test_kept_images_come_from_the_home_others_from_their_own_registry(repository, registry, kept, reference):
    assert reference_of(repository, PINNED, registry, kept=kept) == reference


def test_an_engine_that_is_not_there_is_unreachable(tmp_path):
    with pytest.raises(Problem) as refused, connected(target("a", "docker_host"), f"unix://{tmp_path}/none.sock"):
        pass
    assert refused.value.code == "target.unreachable"
    assert refused.value.category.value == "unavailable"
