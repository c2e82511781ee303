"""The Merkle log: appending and proving, ours beside pymerkle's tree in memory."""

import tempfile
import time
from pathlib import Path

from pymerkle import InmemoryTree

from benchmarks.bench_store import objects
from benchmarks.table import Row, ratios
from cas import merkle
from cas.adapters.home import Home

ROUNDS = 5
LEAVES = 50_000
PROOFS = 2_000
PUT = 300


def run():
    """Rows for appending, inclusion proofs, and recomputing the whole root."""
    data = [b"entry %d" % at for at in range(LEAVES)]
    rounds = []
    for _ in range(ROUNDS):
        theirs, their_append = _timed(_peer_append, data)
        mine, append = _timed(_append, data)
        assert theirs.get_root() == mine.root()
        other, their_proofs = _timed(_peer_proofs, theirs)
        proofs, prove = _timed(_proofs, mine)
        for at, (ours, peer) in enumerate(zip(proofs, other, strict=True)):
            leaf = merkle.leaf_hash(data[at * (LEAVES // PROOFS)])
            assert sorted((leaf, *ours)) == sorted(peer.path)  # theirs holds the leaf, and goes from left to right
        whole, batches = _timed(_commits, data)
        assert whole.root() == mine.root()
        rounds.append((their_append, append, their_proofs, prove, _timed(_root, data)[1], batches))
    return [
        _row("Merkle append, in commits of 64", LEAVES, [(one[0], one[5]) for one in rounds], 8, "leaves/s"),
        _row("Merkle append, one by one", LEAVES, [(one[0], one[1]) for one in rounds], None, "leaves/s"),
        _row("Merkle inclusion proof", PROOFS, [(one[2], one[3]) for one in rounds], 4, "proofs/s"),
        _row("Merkle root recomputed (audit)", LEAVES, [(one[0], one[4]) for one in rounds], None, "leaves/s"),
        _beside_put(),
    ]


def _beside_put():
    """What the log's tree costs a commit beside the commit: one object of 2 KB, put and made durable alone."""
    pairs = []
    data = objects(PUT, 7)
    tree = _commits([b"entry %d" % at for at in range(LEAVES)])
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder) / "home") as home:
            put = _timed(_put_alone, (home.store, data))[1]
        roots, merkled = _timed(_committed_alone, (tree, data))
        assert len(set(roots)) == PUT
        pairs.append((put, merkled))
    ratio, low, high = ratios(pairs)
    return Row(
        area="Merkle work of one commit",
        ours=PUT / min(mine for _, mine in pairs),
        peer="durable put of 2 KB, alone",
        peer_value=PUT / min(other for other, _ in pairs),
        ratio=ratio,
        goal=10,
        unit="1/s",
        limit=f"at most a tenth of a durable put; rounds {low:.1f} to {high:.1f}",
    )


def _put_alone(given):
    store, data = given
    for one in data:
        store.put(one)
        store.flush()


def _committed_alone(given):
    """As a commit does it: the root after the entry is worked out first, then the entry is taken into the tree."""
    tree, data = given
    roots = []
    for one in data:
        leaf = merkle.leaf_hash(one)
        roots.append(tree.root_with((leaf,)))
        tree.extend((leaf,))
    return roots


def _timed(call, argument):
    start = time.perf_counter()
    return call(argument), time.perf_counter() - start


def _append(data):
    tree = merkle.Tree()
    for leaf in data:
        tree.append(merkle.leaf_hash(leaf))
    return tree


def _commits(data):
    tree = merkle.Tree()
    for at in range(0, len(data), 64):
        tree.extend(map(merkle.leaf_hash, data[at : at + 64]))
    return tree


def _root(data):
    tree = merkle.Tree()
    tree.extend(map(merkle.leaf_hash, data))
    return tree.root()


def _peer_append(data):
    tree = InmemoryTree(algorithm="sha256")
    for leaf in data:
        tree.append_entry(leaf)
    return tree


def _proofs(tree):
    return [tree.inclusion(at * (LEAVES // PROOFS), LEAVES) for at in range(PROOFS)]


def _peer_proofs(tree):
    return [tree.prove_inclusion(at * (LEAVES // PROOFS) + 1, LEAVES) for at in range(PROOFS)]


def _row(area, count, pairs, goal, unit):
    ratio, low, high = ratios(pairs)
    return Row(
        area=area,
        ours=count / min(mine for _, mine in pairs),
        peer="pymerkle, in memory",
        peer_value=count / min(other for other, _ in pairs),
        ratio=ratio,
        goal=goal,
        unit=unit,
        limit=f"one SHA-256 of 65 bytes a node; rounds {low:.1f} to {high:.1f}",
    )
