"""The OCI client against a registry that serves /referrers/ (go-containerregistry): what it lists is what was attached."""

import os
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pipeline.adapters.oci_registry import OciRegistry, RegistrySettings
from tests.support.images import MANIFEST, Layout, two_platforms
from tests.support.registry import Registry

PROGRAM = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stella-tests/referrers/registry"


@dataclass
class WithReferrers(Registry):
    """The registry that install.sh builds; it keeps manifests in memory."""

    def argv(self):
        return [str(PROGRAM), self.address, str(self.root)]


@pytest.fixture(scope="module")
def served(live_root):
    if not PROGRAM.exists():
        pytest.skip("no registry with /referrers/ is built here: bash tests/live/install.sh --all (as root, on Debian)")
    one = WithReferrers(live_root / "referrers").start()
    yield one
    one.stop()


@pytest.fixture
def source(served):
    one = OciRegistry(RegistrySettings(host=served.address, http=True))
    yield one
    one.close()


def attach(registry, layout, subject, artifact_type, payload):
    """Push an artifact that names its subject, as OCI 1.1 says; no index of our own beside it."""
    config, layer = layout.blob(b"{}"), layout.blob(payload)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "subject": subject,
        "config": {"mediaType": artifact_type, "digest": config, "size": 2},
        "layers": [{"mediaType": "application/json", "digest": layer, "size": len(payload)}],
    }
    descriptor = layout.manifest(manifest)
    return registry.push("acme/web", layout, descriptor, descriptor["digest"]), payload


def test_what_was_attached_is_found_by_the_endpoint_and_by_its_type(served, source):
    layout = Layout()
    layout.name("v1", two_platforms(layout, b"with referrers\n"))
    [(_, image)] = layout.names
    served.push("acme/web", layout, image, "v1")
    assert source.referrers("acme/web", image["digest"]) == ()
    sbom, _ = attach(served, layout, image, "application/vnd.example.sbom", b'{"a":1}')
    vex, _ = attach(served, layout, image, "application/vnd.example.vex", b'{"b":2}')
    endpoint = f"http://{served.address}/v2/acme/web/referrers/{image['digest']}"
    told = httpx.get(endpoint)
    assert told.status_code == 200, "the endpoint itself answers: no fallback tag was pushed"
    assert (
        httpx.get(f"http://{served.address}/v2/acme/web/manifests/{image['digest'].replace(':', '-')}").status_code
        == 404
    )
    assert {one["digest"] for one in source.referrers("acme/web", image["digest"])} == {sbom, vex}
    [found] = source.referrers("acme/web", image["digest"], "application/vnd.example.vex")
    assert found["digest"] == vex, "this registry ignores the filter: the client filters itself"
    assert source.manifest("acme/web", vex).digest == vex
    assert source.referrers("acme/web", image["digest"], "application/vnd.example.other") == ()


def test_nothing_attached_and_nothing_there_are_no_referrers(served, source):
    assert source.referrers("acme/web", "sha256:" + "1" * 64) == ()
    assert source.referrers("acme/nothing", "sha256:" + "1" * 64) == ()
