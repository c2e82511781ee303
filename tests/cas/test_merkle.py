import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas.merkle import EMPTY, Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion
from cas.problems import EntryMissing, ProofInvalid

VECTORS = Path(__file__).parent.parent / "data" / "merkle"
LEAVES = [leaf_hash(b"leaf %d" % position) for position in range(300)]


def cases(noun):
    paths = sorted((VECTORS / noun).rglob("*.json"))
    assert paths
    return pytest.mark.parametrize("path", paths, ids=lambda path: f"{path.parent.name}/{path.stem}")


def unbase64(text):
    return base64.b64decode(text or "")


def defined_root(leaves):
    """The recursive definition of RFC 6962, 2.1."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(defined_root(leaves[:half]), defined_root(leaves[half:]))


def defined_path(position, leaves):
    """The recursive definition of RFC 6962, 2.1.1."""
    if len(leaves) <= 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if position < half:
        return [*defined_path(position, leaves[:half]), defined_root(leaves[half:])]
    return [*defined_path(position - half, leaves[half:]), defined_root(leaves[:half])]


def defined_proof(old, leaves, whole=True):
    """The recursive definition of RFC 6962, 2.1.2."""
    if old == len(leaves):
        return [] if whole else [defined_root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return [*defined_proof(old, leaves[:half], whole), defined_root(leaves[half:])]
    return [*defined_proof(old - half, leaves[half:], False), defined_root(leaves[:half])]


def tree_of(count):
    tree = Tree()
    for leaf in LEAVES[:count]:
        tree.append(leaf)
    return tree


@cases("inclusion")
def test_published_inclusion_vector(path):
    case = json.loads(path.read_bytes())
    arguments = (
        unbase64(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        [unbase64(step) for step in case["proof"] or ()],
        unbase64(case["root"]),
    )
    if case["wantErr"]:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


@cases("consistency")
def test_published_consistency_vector(path):
    case = json.loads(path.read_bytes())
    arguments = (
        case["size1"],
        case["size2"],
        [unbase64(step) for step in case["proof"] or ()],
        unbase64(case["root1"]),
        unbase64(case["root2"]),
    )
    if case["wantErr"]:
        with pytest.raises(ProofInvalid):
            verify_consistency(*arguments)
    else:
        verify_consistency(*arguments)


@pytest.mark.parametrize("size", [*range(40), 100, 255, 256, 257])
def test_roots_and_proofs_are_those_of_the_recursive_definition(size):
    tree = tree_of(size)
    leaves = LEAVES[:size]
    assert tree.size == size
    assert tree.root() == defined_root(leaves)
    for position in range(size):
        proof = tree.inclusion(position, size)
        assert list(proof) == defined_path(position, leaves)
        verify_inclusion(leaves[position], position, size, proof, tree.root())
    for old in range(1, size + 1):
        proof = tree.consistency(old, size)
        assert list(proof) == defined_proof(old, leaves)
        verify_consistency(old, size, proof, tree.root_at(old), tree.root())


def test_proofs_about_an_earlier_size_stay_the_same_as_the_tree_grows():
    tree = tree_of(300)
    for size in range(1, 70):
        young = tree_of(size)
        assert tree.root_at(size) == young.root()
        assert tree.inclusion(size // 2, size) == young.inclusion(size // 2, size)
        assert tree.consistency(size // 2, size) == young.consistency(size // 2, size)


@given(st.lists(st.integers(0, 60), max_size=6))
def test_extending_in_any_pieces_is_appending_one_by_one(pieces):
    tree = Tree()
    at = 0
    for piece in pieces:
        at = tree.extend(LEAVES[at : at + piece]) if at + piece <= 300 else at
    assert tree.levels() == tree_of(at).levels()
    assert tree.root() == defined_root(LEAVES[:at])


@pytest.mark.parametrize("size", range(70))
def test_a_tree_restored_from_its_levels_goes_on_and_still_proves_everything(size):
    tree = Tree.of_levels(tree_of(size).levels())
    tree.extend(LEAVES[size:])
    assert tree.levels() == tree_of(300).levels()


@pytest.mark.parametrize("size", range(70))
def test_a_tree_restored_from_its_edge_goes_on(size):
    old = tree_of(size)
    assert len(old.edge()) == size.bit_count()
    tree = Tree.of_edge(size, old.edge())
    assert tree.root() == old.root()
    one_by_one = Tree.of_edge(size, old.edge(), old.node)
    tree.extend(LEAVES[size:])
    for leaf in LEAVES[size:]:
        one_by_one.append(leaf)
    whole = tree_of(300)
    assert tree.root() == one_by_one.root() == whole.root()
    for position in range(0, 300, 7):  # what the edge does not hold is asked of the older nodes
        assert one_by_one.inclusion(position, 300) == whole.inclusion(position, 300)
    assert one_by_one.consistency(3, 300) == whole.consistency(3, 300)
    assert one_by_one.levels() == whole.levels()


def test_an_edge_without_older_nodes_says_what_it_does_not_hold():
    tree = Tree.of_edge(64, tree_of(64).edge())
    with pytest.raises(EntryMissing):
        tree.inclusion(3, 64)


@pytest.mark.parametrize("ask", [(5, 5), (-1, 5), (3, 9), (0, 0)])
def test_inclusion_outside_the_tree_is_refused(ask):
    with pytest.raises(EntryMissing):
        tree_of(8).inclusion(*ask)


@pytest.mark.parametrize("ask", [(6, 5), (-1, 5), (3, 9)])
def test_consistency_outside_the_tree_is_refused(ask):
    with pytest.raises(EntryMissing):
        tree_of(8).consistency(*ask)


def test_restoring_from_what_does_not_fit_is_refused():
    levels = tree_of(5).levels()
    for broken in (levels[:-1], (levels[0][:-1], *levels[1:]), (*levels, b""), (levels[0] + b"x" * 32, *levels[1:])):
        with pytest.raises(ProofInvalid):
            Tree.of_levels(broken)
    with pytest.raises(ProofInvalid):
        Tree.of_edge(5, tree_of(4).edge())
    with pytest.raises(ProofInvalid):
        Tree().extend([b"short"])


def test_nothing_is_consistent_with_everything_only_by_its_own_root():
    tree = tree_of(5)
    verify_consistency(0, 5, (), EMPTY, tree.root())
    with pytest.raises(ProofInvalid):
        verify_consistency(0, 5, (), tree.root_at(1), tree.root())
    with pytest.raises(ProofInvalid):
        verify_consistency(5, 5, (), tree.root_at(4), tree.root())


@given(st.data())
def test_no_changed_bit_passes(data):
    size = data.draw(st.integers(2, 64))
    tree = tree_of(size)
    position = data.draw(st.integers(0, size - 1))
    proof = list(tree.inclusion(position, size))
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    with pytest.raises(ProofInvalid):
        verify_inclusion(LEAVES[position], position, size, proof, tree.root())


@given(st.integers(0, 70), st.integers(0, 9))
def test_the_root_with_more_leaves_is_known_before_they_are_added(size, more):
    tree = Tree()
    tree.extend([leaf_hash(b"%d" % at) for at in range(size)])
    added = [leaf_hash(b"more %d" % at) for at in range(more)]
    told, before = tree.root_with(added), tree.root()
    assert tree.root() == before
    tree.extend(added)
    assert tree.root() == told
