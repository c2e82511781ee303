"""Bundles: export with every object verified, beside tar and skopeo; import with verification beside Python's tarfile.

The same objects lie in a home (ours) and loose in a folder or an OCI layout (peers); everybody ends in a synced file.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.table import Row, ratios
from cas.adapters.home import Home
from cas.records.proof import HeadSet
from cas.store import save
from pipeline.adapters.keys import generate
from pipeline.operations import trust
from pipeline.operations.work import Work
from replay import verify
from replay.bundle import export
from replay.imports import import_bundle
from tests.support.world import ALICE, World

SMALL, SMALL_SIZE = 40_000, 2_100
LARGE, LARGE_SIZE = 8, 52_000_000
ROUNDS = 3


def objects():
    """Give what looks like records, and two large files; nothing twice."""
    for at in range(SMALL):
        yield hashlib.sha256(b"%d" % at).hexdigest().encode() * (SMALL_SIZE // 64)
    for at in range(LARGE):
        yield (hashlib.shake_128(b"%d" % at).digest(1_000_000)) * (LARGE_SIZE // 1_000_000)


def instance(home):
    """An instance over a home, founded."""
    effects = World(store=home.store, log=home.log).effects(
        server=generate("ed25519", purposes=("server",)), sticker=generate("ecdsa-p256", purposes=("server",))
    )
    trust.found(effects, generate("ed25519", purposes=("root",)), effects.server, effects.sticker, ALICE)
    return effects


def fill(effects, loose):
    """Keep the objects in the home and loose in a folder; give the record that names them all."""
    loose.mkdir()
    names = []
    for data in objects():
        name = effects.store.put(data)
        (loose / name[7:]).write_bytes(data)
        names.append(name)
    work = Work(effects, ALICE)
    root = save(effects.store, HeadSet(members=tuple(sorted(names))))
    work.note("bench.filled", root)
    work.commit()
    return root


def layout(path, loose):
    """Write the loose files as an OCI layout with one artifact: its layers are one pack and the large files."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    small = b"".join(each.read_bytes() for each in sorted(loose.iterdir()) if each.stat().st_size < 1 << 20)
    layers = [small, *(each.read_bytes() for each in sorted(loose.iterdir()) if each.stat().st_size >= 1 << 20)]

    def put(data, kind):
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(data)}

    config = put(b"{}", "application/vnd.oci.empty.v1+json")
    told = {
        "schemaVersion": 2,
        "mediaType": verify.OCI_MANIFEST,
        "config": config,
        "layers": [put(each, "application/octet-stream") for each in layers],
    }
    manifest = put(json.dumps(told).encode(), verify.OCI_MANIFEST)
    (path / "oci-layout").write_bytes(verify.LAYOUT)
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))


def synced(path):
    with open(path, "rb") as file:
        os.fdatasync(file.fileno())


def timed(action):
    os.sync()
    start = perf_counter()
    action()
    return perf_counter() - start


def tar(loose, path):
    subprocess.run(["tar", "cf", path, "-C", loose, "."], check=True)
    synced(path)


def skopeo(source, path):
    subprocess.run(["skopeo", "copy", "-q", f"oci:{source}", f"oci-archive:{path}"], check=True)
    synced(path)


def plain_import(archive, folder):
    """What a careful script does: take each member out, hash it, write it."""
    folder.mkdir()
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile():
                data = opened.extractfile(member).read()
                name = hashlib.sha256(data).hexdigest()
                assert name == Path(member.name).name
                with open(folder / name, "wb") as out:
                    out.write(data)
                    out.flush()
    os.sync()


def run():
    with tempfile.TemporaryDirectory(prefix="bench-bundle-") as name:
        return measure(Path(name))


def measure(at):
    with Home.open(at / "home") as home:
        effects = instance(home)
        root = fill(effects, at / "loose")
        layout(at / "layout", at / "loose")
        total = sum(each.stat().st_size for each in (at / "loose").iterdir())
        exports = [one_export(effects, root, at, turn) for turn in range(ROUNDS)]
        check_exports(at, root, total)
        imports = [one_import(at, turn) for turn in range(ROUNDS)]
        checked = min(timed(lambda: verify.check((at / "0.tar").read_bytes())) for _ in range(ROUNDS))
    rows = []
    for column, peer, goal in ((1, "tar cf", 1.5), (2, "skopeo copy oci: oci-archive:", 3.0)):
        if column == 2 and shutil.which("skopeo") is None:
            continue
        rows.append(row("bundle export, every object verified", total, exports, column, peer, goal))
    rows.append(row("bundle import, everything verified", total, imports, 1, "tarfile and sha256", 3.0))
    limit = "hashing twice: object and blob"
    rows.append(Row("bundle verify.py, in memory", total / checked / 1e6, "", None, None, None, "MB/s", limit))
    return rows


def row(area, total, rounds, column, peer, goal):
    ratio, low, high = ratios((each[column], each[0]) for each in rounds)
    mine, theirs = (min(each[at] for each in rounds) for at in (0, column))
    limit = f"hashing twice: object and blob; {low:.1f} to {high:.1f}"
    return Row(area, total / mine / 1e6, peer, total / theirs / 1e6, ratio, goal, "MB/s", limit)


def check_exports(at, root, total):
    """Everybody wrote the same objects: ours is sound by its own verifier, the peer's holds as many bytes."""
    found = verify.check((at / "0.tar").read_bytes()).bundle
    assert root in found.objects
    assert {path.name for path in (at / "loose").iterdir()} <= {name[7:] for name in found.objects}
    with tarfile.open(at / "loose.tar") as opened:
        assert sum(member.size for member in opened if member.isfile()) == total


def one_export(effects, root, at, turn):
    """Time each once, in another order every round; nobody overwrites a file that is there."""
    took = {}
    (at / "loose.tar").unlink(missing_ok=True)
    acts = {
        "mine": lambda: export(effects.store, effects.log, effects.server, [root], at / f"{turn}.tar"),
        "tar": lambda: tar(at / "loose", at / "loose.tar"),
        "skopeo": lambda: skopeo(at / "layout", at / "skopeo.tar"),
    }
    for name in random.Random(turn).sample(sorted(acts), len(acts)):
        if name != "skopeo" or shutil.which("skopeo"):
            took[name] = timed(acts[name])
    (at / "skopeo.tar").unlink(missing_ok=True)
    return took["mine"], took["tar"], took.get("skopeo", 1.0)


def one_import(at, turn):
    with Home.open(at / f"home-{turn}") as home:
        effects = instance(home)
        mine = timed(lambda: import_bundle(effects, ALICE, at / f"{turn}.tar"))
    theirs = timed(lambda: plain_import(at / "loose.tar", at / f"plain-{turn}"))
    shutil.rmtree(at / f"plain-{turn}")
    shutil.rmtree(at / f"home-{turn}")
    return mine, theirs


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
