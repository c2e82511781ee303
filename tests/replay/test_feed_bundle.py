"""A snapshot travels signed, and comes in by the importing instance's own rules, as old as it is."""

import pytest

from cas import refs
from cas.records.feed import FeedSnapshot2
from cas.records.proof import TrustRoot
from pipeline.operations.feeds import Source, import_feed
from pipeline.operations.trust import fingerprint
from replay.bundle import export
from replay.feed_bundle import carried
from replay.problems import BundleInvalid
from tests.support import evidence
from tests.support.judging import SERVER, Scene, osv
from tests.support.world import BOB


@pytest.fixture
def sent(tmp_path):
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "flask"), osv("CVE-2026-0002", "requests"), kev=evidence.kev())
    feed = scene.effects.log.ref(refs.FEED)
    path = tmp_path / "feed.tar"
    export(scene.store, scene.effects.log, SERVER, [feed], path)
    return path, feed, root_of(scene), scene


def root_of(scene):
    return fingerprint(scene.load(scene.effects.log.ref(refs.TRUST_ROOT), TrustRoot))


def test_it_is_read_anew_and_says_the_same(sent):
    path, feed, root, scene = sent
    other = Scene()
    other.world.clock.at = "2026-06-01T00:00:00Z"
    found = carried(path, root)
    assert found.snapshot == feed
    source = Source(found.name, found.files, True, found.captured_at)
    import_feed(other.effects, BOB, source, found.documents, found.kev, found.epss)
    ours = other.load(other.effects.log.ref(refs.FEED), FeedSnapshot2)
    theirs = scene.load(feed, FeedSnapshot2)
    assert (ours.ecosystems, ours.documents, ours.names, ours.kev) == (
        theirs.ecosystems,
        theirs.documents,
        theirs.names,
        theirs.kev,
    )
    assert ours.captured_at == theirs.captured_at < other.world.clock.at
    assert ours.sources[-1].files[0].name == "feed.tar"


def test_another_root_or_a_changed_byte_is_refused(sent, tmp_path):
    path, _, root, _ = sent
    with pytest.raises(BundleInvalid):
        carried(path, "sha256:" + "0" * 64)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    bad = tmp_path / "bad.tar"
    bad.write_bytes(data)
    with pytest.raises(BundleInvalid):
        carried(bad, root)


def test_a_bundle_of_something_else_is_refused(sent, tmp_path):
    _, _, root, scene = sent
    path = tmp_path / "other.tar"
    export(scene.store, scene.effects.log, SERVER, [scene.release], path)
    with pytest.raises(BundleInvalid, match="snapshot"):
        carried(path, root)
