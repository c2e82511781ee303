import pytest

from cas import digest
from pipeline import images
from pipeline.adapters.oci_layout_source import LayoutBlobMissing, LayoutInvalid, LayoutNameMissing, OciLayoutSource
from pipeline.effects import Fetched
from pipeline.images import ManifestInvalid
from pipeline.operations import images as work
from targets import platforms
from targets.references import ReferenceInvalid, parse_reference, same_repository, semver_of
from tests.support.images import INDEX, Layout, LayoutImages, compact, sha, two_platforms
from tests.support.world import World


@pytest.fixture
def layout():
    made = Layout()
    made.name("v1", two_platforms(made))
    made.name("plain", made.image())
    return made


def asking(source):
    world = World()
    return world, world.effects(images=lambda host: source)


def test_a_tag_resolves_to_a_graph_of_index_manifests_and_configs(layout):
    world, effects = asking(LayoutImages(layout))
    resolution, named = work.resolve(effects, "reg.example/acme/api:v1")
    roles = sorted(node.role for node in resolution.nodes)
    assert roles == ["attestation", "attestation", "config", "config", "index", "manifest", "manifest"]
    assert resolution.root == dict(layout.names)["v1"]["digest"]
    assert platforms.platforms(resolution) == ("linux/amd64", "linux/arm64/v8")
    assert all(world.store.has(node.digest) for node in resolution.nodes)
    assert world.store.has(named)


def test_attestation_manifests_are_never_deployable(layout):
    _, effects = asking(LayoutImages(layout))
    resolution, _ = work.resolve(effects, "reg.example/acme/api:v1")
    attestations = {node.digest for node in resolution.nodes if node.role == "attestation"}
    assert len(attestations) == 2
    assert not attestations & {platforms.platform_manifest(resolution, one) for one in platforms.platforms(resolution)}
    assert platforms.platform_manifest(resolution, "unknown/unknown") is None


def test_a_platform_that_config_and_index_contradict_is_unknown(layout):
    amd = layout.image(platform="linux/amd64")
    layout.name("lie", layout.index({**amd, "platform": {"os": "linux", "architecture": "arm64"}}))
    _, effects = asking(LayoutImages(layout))
    resolution, _ = work.resolve(effects, "reg.example/x:lie")
    assert platforms.platforms(resolution) == ()


def test_an_arm64_image_without_a_variant_runs_where_v8_is_asked(layout):
    layout.name("arm", layout.image(platform="linux/arm64"))
    _, effects = asking(LayoutImages(layout))
    resolution, _ = work.resolve(effects, "reg.example/x:arm")
    assert platforms.platform_manifest(resolution, "linux/arm64/v8") == resolution.root
    assert platforms.platform_manifest(resolution, "linux/arm/v7") is None


@pytest.mark.parametrize("what", ["index", "manifest", "config"])
def test_changed_bytes_are_named_and_nothing_is_resolved(layout, what):
    source = LayoutImages(layout)
    _, effects = asking(source)
    resolution, _ = work.resolve(effects, "reg.example/x:v1")
    victim = next(node for node in resolution.nodes if node.role == what)
    source.change[victim.digest] = layout.blobs[victim.digest] + b" "
    world, effects = asking(source)
    with pytest.raises(work.BytesMismatch):
        work.resolve(effects, f"reg.example/x@{resolution.root}")
    assert not list(world.log.read())


def test_an_index_inside_an_index_is_refused(layout):
    layout.name("deep", layout.index(two_platforms(layout)))
    _, effects = asking(LayoutImages(layout))
    with pytest.raises(ManifestInvalid):
        work.resolve(effects, "reg.example/x:deep")


def test_a_document_that_is_index_and_manifest_at_once_is_refused(layout):
    image = layout.image()
    both = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [image],
        "config": image,
        "layers": [],
    }
    layout.name("both", layout.manifest(both, INDEX))
    _, effects = asking(LayoutImages(layout))
    with pytest.raises(ManifestInvalid):
        work.resolve(effects, "reg.example/x:both")


HOSTILE = [
    b"",
    b"[]",
    b"{",
    b'{"manifests":1}',
    b'{"manifests":[1]}',
    b'{"manifests":[{"digest":"sha512:00"}]}',
    b'{"config":{"digest":"x"},"layers":[]}',
    b'{"config":{"digest":"sha256:%s"},"config":{}}' % (b"0" * 64),
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b'{"manifests":[' + b",".join([b'{"digest":"sha256:%064d"}' % n for n in range(300)]) + b"]}",
    b"\xff\xfe",
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_manifests_give_a_problem_never_a_traceback(data):
    from cas.problems import Problem

    def nothing(name):
        raise AssertionError(name)

    with pytest.raises(Problem):
        images.graph(Fetched(data, INDEX, digest.of_bytes(data)), nothing, nothing)


def test_keeping_images_copies_only_what_the_platforms_need_and_once(layout):
    source = LayoutImages(layout)
    world, effects = asking(source)
    resolution, _ = work.resolve(effects, "reg.example/x:v1")
    kept = work.keep_images(effects, resolution, ("linux/amd64",))
    assert len(kept) == 1
    assert world.store.has(kept[0])
    source.asked.clear()
    work.keep_images(effects, resolution, ("linux/amd64",))
    assert source.asked == []


def test_a_changed_layer_is_not_kept(layout):
    source = LayoutImages(layout)
    world, effects = asking(source)
    resolution, _ = work.resolve(effects, "reg.example/x:plain")
    layer = work.layers(world.store.get(resolution.root), resolution.root)[0][0]
    source.change[layer] = bytes(len(layout.blobs[layer]))
    with pytest.raises(Exception, match="do not match"):
        work.keep_images(effects, resolution, ("linux/amd64",))
    assert not world.store.has(layer)
    source.change[layer] = layout.blobs[layer] + b"more"
    with pytest.raises(work.BlobTooLarge):
        work.keep_images(effects, resolution, ("linux/amd64",))


def test_a_layout_directory_gives_images_by_tag_name_and_digest(layout, tmp_path):
    layout.name("reg.example/acme/api:v7", layout.image({"app": b"seven"}))
    source = OciLayoutSource(layout.write(tmp_path / "api"))
    world = World()
    effects = world.effects(images=lambda where: {f"oci:{tmp_path}/api": source}[where])
    resolution, _ = work.resolve(effects, f"oci:{tmp_path}/api:v1")
    assert (resolution.repository, resolution.tag) == ("api", "v1")
    assert source.manifest("", "reg.example/acme/api:v7").digest == source.manifest("", "v7").digest
    assert source.manifest("", resolution.root).digest == resolution.root
    assert work.keep_images(effects, resolution, ("linux/amd64",))
    assert source.names() == ("plain", "reg.example/acme/api:v7", "v1")


def test_a_layout_without_the_name_or_the_blob_says_so(layout, tmp_path):
    root = layout.write(tmp_path / "api")
    source = OciLayoutSource(root)
    with pytest.raises(LayoutNameMissing):
        source.manifest("", "v9")
    layout.name("v1", layout.image({"app": b"other"}))
    layout.write(root)
    with pytest.raises(LayoutNameMissing):
        source.manifest("", "v1")
    with pytest.raises(LayoutBlobMissing):
        source.manifest("", "sha256:" + "0" * 64)
    with pytest.raises(LayoutInvalid):
        OciLayoutSource(tmp_path).manifest("", "v1")


def test_a_layout_never_leads_outside_by_a_link(layout, tmp_path):
    root = layout.write(tmp_path / "api")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    name = sha(b"secret")
    (root / "blobs" / "sha256" / name[7:]).symlink_to(secret)
    with pytest.raises(LayoutBlobMissing):
        b"".join(OciLayoutSource(root).blob("", name))


@pytest.mark.parametrize(
    ("text", "repository", "tag"),
    [
        ("nginx", "docker.io/library/nginx", ""),
        ("acme/api:v1", "docker.io/acme/api", "v1"),
        ("reg.example:5000/a/b/c:v1", "reg.example:5000/a/b/c", "v1"),
        ("localhost/api", "localhost/api", ""),
        ("[::1]:5000/api:x", "[::1]:5000/api", "x"),
    ],
)
def test_references_are_read_as_docker_reads_them(text, repository, tag):
    found = parse_reference(text)
    assert (found.repository, found.tag) == (repository, tag)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UPPER/x",
        "a b",
        "x:",
        "x@sha256:00",
        "../x",
        "x/../y",
        "x:\x1b[31m",
        "http://reg/x",
        "x@",
        "a//b",
        "é",
        "x" * 600,
    ],
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(ReferenceInvalid):
        parse_reference(text)


def test_short_and_long_names_of_one_repository_are_the_same():
    assert same_repository("nginx", "docker.io/library/nginx")
    assert not same_repository("nginx", "reg.example/nginx")
    assert not same_repository("nginx", "NOT/valid")


@pytest.mark.parametrize(
    ("tag", "semver"), [("v2.3.1", "2.3.1"), ("1.0.0-rc.1", "1.0.0-rc.1"), ("latest", ""), ("1.2", "")]
)
def test_a_version_is_read_out_of_a_tag(tag, semver):
    assert semver_of(tag) == semver


def test_images_are_the_same_bytes_every_time():
    one, two = Layout(), Layout()
    assert two_platforms(one) == two_platforms(two)
    assert compact(sorted(one.blobs)) == compact(sorted(two.blobs))
