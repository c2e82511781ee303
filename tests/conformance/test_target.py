"""Every line of the targets catalog: settings, adapter, plan; the adapter's contract where no engine is needed."""

from importlib import import_module

import msgspec
import pytest

from cas.problems import Problem
from targets import catalog
from targets.directory.adapter import DirectoryAdapter
from tests.support.delivery import target
from tests.support.target_conformance import CHECKS, Subject
from tests.support.world import World

SETTINGS = {
    "docker_host": {"url": "unix:///run/docker.sock", "directory": "/srv/stella"},
    "compose_host": {
        "url": "tcp://10.0.0.1:2376",
        "directory": "/srv/stella",
        "compose": "/usr/bin/docker-compose",
        "tls_ca": "file:/etc/stella/engine/ca.pem",
        "tls_certificate": "file:/etc/stella/engine/cert.pem",
        "tls_key": "env:ENGINE_KEY",
    },
    "directory": {"directory": "/srv/stella"},
}
LIVE = {"docker_host", "compose_host"}  # their adapters are held to the same checks in tests/live
KINDS = pytest.mark.parametrize("kind", catalog.KINDS, ids=lambda kind: kind.name)


def test_every_kind_is_held_to_the_contract_somewhere():
    assert {kind.name for kind in catalog.KINDS} == LIVE | {"directory"}
    assert len({kind.name for kind in catalog.KINDS}) == len(catalog.KINDS)


@KINDS
def test_its_adapter_can_be_imported_and_has_every_method(kind):
    module, _, name = kind.adapter.partition(":")
    adapter = getattr(import_module(module), name)()
    assert all(callable(getattr(adapter, method)) for method in ("observe", "apply", "undo", "finish"))
    assert kind.asks.endswith(".")


@KINDS
def test_its_settings_are_checked_with_all_faults_together(kind):
    good = SETTINGS[kind.name]
    catalog.check(target("a", kind.name, **good))
    with pytest.raises(Problem) as refused:
        catalog.check(target("a", kind.name, **{**good, "directory": "relative/path", "surprise": "1"}))
    assert refused.value.code == "target.settings_invalid"
    assert {fault.pointer for fault in refused.value.fields["faults"]} == {"/settings/directory", "/settings/surprise"}
    with pytest.raises(Problem) as refused:
        catalog.check(target("a", kind.name))
    missing = {fault.pointer for fault in refused.value.fields["faults"]}
    required = {field.name for field in msgspec.structs.fields(kind.settings) if field.required}
    assert missing == {f"/settings/{name}" for name in required}


@pytest.mark.parametrize("directory", ["/srv/../etc", "/srv/..", "/", "srv", "/a\0b"])
def test_a_directory_that_is_not_plain_is_refused(directory):
    with pytest.raises(Problem):
        catalog.check(target("a", "directory", directory=directory))


TLS = {"tls_ca": "file:/a/ca.pem", "tls_certificate": "file:/a/cert.pem", "tls_key": "env:KEY"}


@pytest.mark.parametrize("kind", sorted(LIVE))
@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        ({"url": "unix:///run/docker.sock"}, ()),
        ({"url": "tcp://127.0.0.1:2375"}, ()),
        ({"url": "tcp://[::1]:2375"}, ()),
        ({"url": "tcp://host.example:2376", **TLS}, ()),
        ({"url": "https://host.example:2376", **TLS}, ()),
        ({"url": "ssh://root@host.example"}, (("/settings/url", "target.ssh_unsupported"),)),
        ({"url": "tcp://host.example:2375"}, (("/settings/tls_certificate", "target.tls_missing"),)),
        ({"url": "http://10.0.0.1:2375"}, (("/settings/tls_certificate", "target.tls_missing"),)),
        ({"url": "tcp://127.0.0.1.example:2375"}, (("/settings/tls_certificate", "target.tls_missing"),)),
        ({"url": "https://127.0.0.1:2376"}, (("/settings/tls_certificate", "target.tls_missing"),)),
        ({"url": "http://10.0.0.1:2375", **TLS}, (("/settings/url", "target.tls_unused"),)),
        ({"url": "unix:///run/docker.sock", **TLS}, (("/settings/url", "target.tls_unused"),)),
        (
            {"url": "tcp://10.0.0.1:2376", "tls_key": "env:KEY"},
            (("/settings/tls_ca", "target.tls_incomplete"), ("/settings/tls_certificate", "target.tls_incomplete")),
        ),
        (
            {"url": "tcp://10.0.0.1:2376", **TLS, "tls_key": "-----BEGIN PRIVATE KEY-----\nMIG"},
            (("/settings/tls_key", "target.setting_invalid"),),
        ),
        (
            {"url": "tcp://10.0.0.1:2376", **TLS, "tls_key": "relative.pem"},
            (("/settings/tls_key", "target.setting_invalid"),),
        ),
    ],
)
def test_an_engine_over_the_network_is_named_with_whom_to_trust_and_keys_by_reference(kind, settings, faults):
    wanted = target("a", kind, directory="/srv/stella", **settings)
    if not faults:
        catalog.check(wanted)
        return
    with pytest.raises(Problem) as refused:
        catalog.check(wanted)
    assert tuple(sorted((one.pointer, one.code) for one in refused.value.fields["faults"])) == faults
    assert "MIG" not in str(refused.value), "what may be a secret is not repeated"


def test_an_unknown_kind_is_refused():
    with pytest.raises(Problem) as refused:
        catalog.check(target("a", "mainframe"))
    assert refused.value.code == "target.kind_unknown"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_directory_adapter(check, tmp_path):
    effects = World().effects()
    check(Subject(DirectoryAdapter(), target("a", "directory", directory=str(tmp_path)), effects))


def test_links_are_never_followed(tmp_path):
    subject = Subject(DirectoryAdapter(), target("a", "directory", directory=str(tmp_path)), World().effects())
    outside = tmp_path / "outside"
    outside.mkdir()
    project = tmp_path / "shop_production"
    project.mkdir()
    (project / "conf").symlink_to(outside)
    (project / "direct").symlink_to(outside / "file")
    for path in ("conf/app.conf", "direct"):
        assert subject.apply(subject.write(path, b"x")).code == "target.path_unsafe"
        with pytest.raises(Problem):
            subject.observe(path)
    assert not list(outside.iterdir())


def test_a_full_or_read_only_folder_is_a_failed_receipt(tmp_path):
    (tmp_path / "shop_production").write_bytes(b"a file where the folder should be")
    subject = Subject(DirectoryAdapter(), target("a", "directory", directory=str(tmp_path)), World().effects())
    receipt = subject.apply(subject.write("a.txt", b"x"))
    assert (receipt.result, receipt.code) == ("failed", "target.folder_obstructed")
