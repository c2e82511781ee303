"""The OCI client against a real registry (distribution 2.8), whose storage is changed behind its back."""

import httpx
import pytest

from pipeline.adapters.oci_registry import OciRegistry, RegistryMissing, RegistrySettings
from pipeline.operations import images
from pipeline.operations.releases import create
from targets import platforms
from tests.support.images import INDEX, MANIFEST, Layout, compact, two_platforms
from tests.support.world import ALICE, World

pytestmark = pytest.mark.live


@pytest.fixture
def pushed(bad_registry):
    registry, layout = bad_registry, Layout()
    layout.name("v1", two_platforms(layout, b"live registry\n"))
    registry.push("acme/live", layout, layout.names[0][1], "v1")
    source = OciRegistry(RegistrySettings(host=registry.address, http=True))
    world = World()
    yield registry, layout, source, world.effects(images=lambda host: source)
    source.close()


def test_a_tag_in_a_real_registry_becomes_a_release_with_its_layers_kept(pushed):
    registry, layout, _, effects = pushed
    made = create(effects, ALICE, "live-1.0", [("api", f"{registry.address}/acme/live:v1")], keep_images=True)
    [component] = made.release.components
    assert component.digest == layout.names[0][1]["digest"]
    assert component.platforms == ("linux/amd64", "linux/arm64/v8")
    resolution = images.of_component(effects, component.resolution)
    for platform in platforms.platforms(resolution):
        manifest = platforms.platform_manifest(resolution, platform)
        for name, size in images.layers(effects.store.get(manifest), manifest):
            assert len(effects.store.get(name)) == size


def test_what_is_not_there_is_missing(pushed):
    registry, _, source, effects = pushed
    with pytest.raises(RegistryMissing):
        images.resolve(effects, f"{registry.address}/acme/live:v9")
    with pytest.raises(RegistryMissing):
        images.resolve(effects, f"{registry.address}/acme/nothing@sha256:{'0' * 64}")
    with pytest.raises(RegistryMissing):
        list(source.blob("acme/live", "sha256:" + "0" * 64))


def test_a_layer_changed_on_the_registrys_disk_is_refused(pushed):
    registry, layout, _, effects = pushed
    image = layout.image({"app": b"to be changed\n"})
    registry.push("acme/changed", layout, image, "v1")
    resolution, _ = images.resolve(effects, f"{registry.address}/acme/changed:v1")
    [(layer, _)] = images.layers(effects.store.get(resolution.root), resolution.root)
    path = registry.blob_path(layer)
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(Exception, match="do not match"):
        images.keep_images(effects, resolution, ("linux/amd64",))
    assert not effects.store.has(layer)


def test_a_manifest_changed_on_the_registrys_disk_is_refused_by_digest(pushed):
    registry, layout, _, effects = pushed
    image = layout.image({"app": b"manifest to be changed\n"})
    registry.push("acme/changed2", layout, image, "v1")
    path = registry.blob_path(image["digest"])
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises((images.BytesMismatch, RegistryMissing)):
        images.resolve(effects, f"{registry.address}/acme/changed2@{image['digest']}")


def test_referrers_are_found_by_the_fallback_tag_of_a_registry_without_the_api(pushed):
    registry, layout, source, _ = pushed
    subject = layout.names[0][1]["digest"]
    assert source.referrers("acme/live", "sha256:" + "1" * 64) == ()
    child = source.manifest("acme/live", subject).data
    known = httpx.Response(200, content=child).json()["manifests"][0]  # distribution wants what an index names
    descriptor = {"mediaType": MANIFEST, "digest": known["digest"], "size": known["size"], "artifactType": "x/sbom"}
    index = compact({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]})
    url = f"http://{registry.address}/v2/acme/live/manifests/{subject.replace(':', '-')}"
    httpx.put(url, content=index, headers={"Content-Type": INDEX}).raise_for_status()
    [found] = source.referrers("acme/live", subject, "x/sbom")
    assert found["digest"] == known["digest"]
    assert source.referrers("acme/live", subject, "x/other") == ()
