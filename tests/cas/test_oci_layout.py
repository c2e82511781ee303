import json
import os
import random

import pytest

from cas import digest, pack
from cas.adapters.oci_layout import INDEX_TYPE, PACK_TYPE, LayoutInvalid, OciLayout
from cas.pack import PackInvalid
from cas.problems import HomeReadOnly, ObjectCorrupt, ObjectMissing


def layout(path, objects=(), layer_type=PACK_TYPE):
    """A layout with one manifest whose one layer is a pack."""
    with OciLayout(path, writable=True) as made:
        layer = made.put(pack.encode(objects))
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": made.put(b"{}"), "size": 2},
            "layers": [{"mediaType": layer_type, "digest": layer, "size": made.size(layer)}],
        }
        name = made.put(json.dumps(manifest).encode())
        made.flush()
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [{"digest": name, "size": 1}]}
    (path / "index.json").write_text(json.dumps(index))
    return layer, name


def read_all(path, *names):
    with OciLayout(path) as store:
        for name in names:
            store.get(name)


def test_a_written_blob_is_read_back_and_lies_where_the_specification_says(tmp_path):
    with OciLayout(tmp_path / "l", writable=True) as store:
        name = store.put(b"hello")
        store.flush()
        assert store.get(name) == b"hello"
    assert (tmp_path / "l" / "blobs" / "sha256" / name[7:]).read_bytes() == b"hello"
    assert json.loads((tmp_path / "l" / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((tmp_path / "l" / "index.json").read_text())["schemaVersion"] == 2
    assert not [path for path in (tmp_path / "l").iterdir() if path.name.startswith(".partial")]


def test_objects_inside_a_pack_layer_are_read_like_blobs(tmp_path):
    objects = [b"one", b"two", b"", random.Random(7).randbytes(3_000_000)]
    layer, manifest = layout(tmp_path, objects)
    with OciLayout(tmp_path) as store:
        for data in objects:
            name = digest.of_bytes(data)
            assert store.has(name)
            assert store.get(name) == data
            assert store.size(name) == len(data)
            assert b"".join(store.read(name, 1, 10)) == data[1:10]
        assert {layer, manifest, *map(digest.of_bytes, objects)} <= set(store.digests())
        assert list(store.digests()) == sorted(set(store.digests()))
        unknown = digest.of_bytes(b"unknown")
        assert store.missing([layer, unknown, unknown, digest.of_bytes(b"one")]) == (unknown,)


def test_a_layer_of_another_type_is_no_pack(tmp_path):
    layout(tmp_path, [b"one"], "application/vnd.oci.image.layer.v1.tar")
    with OciLayout(tmp_path) as store:
        assert not store.has(digest.of_bytes(b"one"))


def test_a_changed_byte_anywhere_in_a_blob_or_pack_is_noticed(tmp_path):
    layer, _ = layout(tmp_path, [b"first object", b"second object"])
    path = tmp_path / "blobs" / "sha256" / layer[7:]
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        with pytest.raises((PackInvalid, ObjectCorrupt)):
            read_all(tmp_path, digest.of_bytes(b"first object"), digest.of_bytes(b"second object"), layer)


def test_a_truncated_blob_is_corrupt(tmp_path):
    with OciLayout(tmp_path, writable=True) as store:
        name = store.put(b"hello")
        (tmp_path / "blobs" / "sha256" / name[7:]).write_bytes(b"hell")
        with pytest.raises(ObjectCorrupt):
            store.get(name)


def test_writing_something_else_than_expected_keeps_nothing(tmp_path):
    with OciLayout(tmp_path, writable=True) as store:
        with pytest.raises(ObjectCorrupt):
            store.write([b"a", b"b"], digest.of_bytes(b"c"))
        assert list(store.digests()) == []
        assert store.write([b"a", b"b"], digest.of_bytes(b"ab")) == digest.of_bytes(b"ab")

        def broken():
            yield b"a"
            raise RuntimeError

        with pytest.raises(RuntimeError):
            store.write(broken())
        assert list(store.digests()) == [digest.of_bytes(b"ab")]
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".partial")]


def test_a_layout_opened_for_reading_takes_nothing(tmp_path):
    layout(tmp_path)
    with OciLayout(tmp_path) as store, pytest.raises(HomeReadOnly):
        store.put(b"x")


def test_links_and_pipes_under_blobs_are_not_followed(tmp_path):
    layout(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    name = digest.of_bytes(b"secret")
    (tmp_path / "blobs" / "sha256" / name[7:]).symlink_to(secret)
    os.mkfifo(tmp_path / "blobs" / "sha256" / digest.of_bytes(b"pipe")[7:])
    with OciLayout(tmp_path) as store:
        for one in (name, digest.of_bytes(b"pipe"), "sha256:../../secret", "../secret", ""):
            assert not store.has(one)
            with pytest.raises(ObjectMissing):
                store.get(one)
            assert one not in set(store.digests())


@pytest.mark.parametrize(
    "index",
    [b"", b"{", b'{"manifests":1,"manifests":2}', b"[" * 100_000, b" " * (5 << 20), b'\xef\xbb\xbf{"manifests":[]}'],
)
def test_a_broken_index_is_refused(tmp_path, index):
    layout(tmp_path)
    (tmp_path / "index.json").write_bytes(index)
    with pytest.raises(LayoutInvalid):
        OciLayout(tmp_path)


@pytest.mark.parametrize(
    "manifests",
    ["[]", "{}", "[1]", '[{"digest":1}]', '[{"digest":"sha256:x"}]', '[{"digest":"sha256:' + "0" * 64 + '"}]', "null"],
)
def test_an_index_that_names_no_manifest_here_gives_the_blobs(tmp_path, manifests):
    layer, _ = layout(tmp_path, [b"one"])
    (tmp_path / "index.json").write_text(f'{{"manifests":{manifests}}}')
    with OciLayout(tmp_path) as store:
        assert store.has(layer)
        assert not store.has(digest.of_bytes(b"one"))


def test_a_folder_that_is_no_layout_is_refused(tmp_path):
    with pytest.raises(LayoutInvalid):
        OciLayout(tmp_path)
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"2.0.0"}')
    with pytest.raises(LayoutInvalid):
        OciLayout(tmp_path)
