import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cas import checkpoint, digest, merkle, tiles
from cas.adapters.memory import MemoryLog
from cas.checkpoint import COSIGNATURE, ED25519, Checkpoint, Cosignature, Verifier
from cas.problems import EntryMissing, ProofInvalid

VECTORS = Path(__file__).parent.parent / "data" / "merkle" / "checkpoints"
LOG = checkpoint.parse_verifier((VECTORS / "vkey.txt").read_text())

SECRET = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)


def verifier(name, secret, kind=ED25519):
    return Verifier(name, kind, secret.public_key().public_bytes_raw())


def leaves(size):
    data = (VECTORS / "entries" / str(size)).read_bytes() if size else b""
    return tiles.split_entries(data)


@pytest.mark.parametrize("size", range(8))
def test_published_checkpoint_verifies_and_states_the_root_of_its_entries(size):
    data = (VECTORS / f"checkpoint.{size}").read_bytes()
    stated = checkpoint.verify(data, LOG)
    tree = merkle.Tree()
    tree.extend(map(merkle.leaf_hash, leaves(size)))
    assert (stated.origin, stated.size, stated.root) == ("example.com/log/testdata", size, tree.root())
    assert checkpoint.parse_note(data).format() == data
    assert checkpoint.signed(stated, checkpoint.parse_note(data).signatures) == data
    if size:
        assert tiles.entries_tile(leaves(size)) == (VECTORS / "entries" / str(size)).read_bytes()


def test_published_checkpoints_are_consistent():
    tree = merkle.Tree()
    tree.extend(map(merkle.leaf_hash, leaves(7)))
    heads = [checkpoint.verify((VECTORS / f"checkpoint.{size}").read_bytes(), LOG) for size in range(8)]
    for old in heads:
        for new in heads[old.size :]:
            merkle.verify_consistency(old.size, new.size, tree.consistency(old.size, new.size), old.root, new.root)


def test_every_changed_byte_of_a_checkpoint_is_refused():
    data = (VECTORS / "checkpoint.5").read_bytes()
    for at in range(len(data)):
        for changed in (data[at] ^ 1, data[at] ^ 0x80):
            with pytest.raises(ProofInvalid):
                checkpoint.verify(data[:at] + bytes((changed,)) + data[at + 1 :], LOG)
    for broken in (data[:-1], data + b"\n", data + b"x", b"\n" + data, data.replace(b"\n", b"\r\n"), b""):
        with pytest.raises(ProofInvalid):
            checkpoint.verify(broken, LOG)


def test_the_key_of_another_log_does_not_count():
    data = (VECTORS / "checkpoint.5").read_bytes()
    with pytest.raises(ProofInvalid, match="not signed by this key"):
        checkpoint.verify(data, verifier("example.com/log/testdata", SECRET))
    with pytest.raises(ProofInvalid, match="not signed by this key"):
        checkpoint.verify(data, Verifier("example.com/other", ED25519, LOG.public))


def test_a_key_under_its_own_name_does_not_speak_for_another_origin():
    mine = verifier("mine", SECRET)
    text = Checkpoint("theirs", 1, b"\1" * 32)
    data = checkpoint.signed(text, [checkpoint.sign(text, mine, SECRET.sign)])
    with pytest.raises(ProofInvalid, match="another log"):
        checkpoint.verify(data, mine)


def test_what_we_sign_others_can_verify_and_witnesses_cosign():
    log = verifier("stella/home", SECRET)
    witness = verifier("witness.example/one", WITNESS, COSIGNATURE)
    stranger = verifier("witness.example/two", SECRET, COSIGNATURE)
    stated = checkpoint.of_head("stella/home", MemoryLog().head())
    signatures = [
        checkpoint.sign(stated, log, SECRET.sign),
        checkpoint.sign(stated, witness, WITNESS.sign, timestamp=1_700_000_000),
    ]
    data = checkpoint.signed(stated, signatures)
    assert checkpoint.verify(data, log) == stated
    assert checkpoint.verify(data, log).head() == MemoryLog().head()
    assert checkpoint.cosignatures(data, [stranger, witness]) == (Cosignature("witness.example/one", 1_700_000_000),)
    assert checkpoint.parse_verifier(witness.text()) == witness
    # by the letter of the specifications
    WITNESS.public_key().verify(
        signatures[1].signature[8:], b"cosignature/v1\ntime 1700000000\n" + stated.text().encode()
    )
    assert data.startswith(b"stella/home\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\xe2\x80\x94 stella/home ")


def test_a_moved_cosignature_time_is_refused():
    witness = verifier("w", WITNESS, COSIGNATURE)
    stated = Checkpoint("log", 1, b"\1" * 32)
    line = checkpoint.sign(stated, witness, WITNESS.sign, timestamp=5)
    moved = checkpoint.NoteSignature(line.name, line.id, (6).to_bytes(8, "big") + line.signature[8:])
    short = checkpoint.NoteSignature(line.name, line.id, line.signature[8:])
    for bad in (moved, short):
        with pytest.raises(ProofInvalid, match="bad signature"):
            checkpoint.cosignatures(checkpoint.signed(stated, [bad]), [witness])


def test_a_log_signs_without_a_time_and_a_witness_with_one():
    stated = Checkpoint("log", 1, b"\1" * 32)
    with pytest.raises(ProofInvalid):
        checkpoint.sign(stated, verifier("w", WITNESS, COSIGNATURE), WITNESS.sign)
    with pytest.raises(ProofInvalid):
        checkpoint.sign(stated, verifier("w", WITNESS), WITNESS.sign, timestamp=1)


def test_extension_lines_are_kept_and_signed():
    log = verifier("log", SECRET)
    stated = Checkpoint("log", 3, b"\1" * 32, ("more", "— lines"))
    data = checkpoint.signed(stated, [checkpoint.sign(stated, log, SECRET.sign)])
    assert checkpoint.verify(data, log) == stated
    with pytest.raises(ProofInvalid):
        checkpoint.verify(data.replace(b"more", b"less"), log)


SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_keys_of_small_order_and_non_canonical_keys_are_refused(key):
    weak = Verifier("log", ED25519, bytes.fromhex(key))
    with pytest.raises(ProofInvalid, match="unsafe public key"):
        checkpoint.parse_verifier(weak.text())
    stated = Checkpoint("log", 1, b"\1" * 32)
    line = checkpoint.NoteSignature("log", weak.id, bytes.fromhex(SMALL_ORDER[1]) + bytes(32))
    with pytest.raises(ProofInvalid, match="unsafe public key"):
        checkpoint.verify(checkpoint.signed(stated, [line]), weak)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+00000000",
        "a+00000000+AQ==",
        LOG.text().replace("33d7b496", "33d7b497"),
        LOG.text().replace("+AeHT", "+BeHT"),
        LOG.text()[:-1],
        "white space" + LOG.text()[24:],
    ],
)
def test_a_broken_verifier_key_is_refused(text):
    with pytest.raises(ProofInvalid):
        checkpoint.parse_verifier(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a\n1\nnot base\n",
    ],
)
def test_a_broken_checkpoint_text_is_refused(text):
    with pytest.raises(ProofInvalid):
        checkpoint.parse_checkpoint(text)


def test_a_huge_note_is_refused():
    with pytest.raises(ProofInvalid, match="too large"):
        checkpoint.parse_note(b"x" * (checkpoint.MAX_NOTE + 1))
    line = b"\xe2\x80\x94 a " + base64.b64encode(bytes(68)) + b"\n"
    with pytest.raises(ProofInvalid):
        checkpoint.parse_note(b"text\n\n" + line * (checkpoint.MAX_SIGNATURES + 1))
    assert len(checkpoint.parse_note(b"text\n\n" + line * checkpoint.MAX_SIGNATURES).signatures) == 100


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (1, 273, 112, "tile/1/273.p/112"),
        (2, 1000, 1, "tile/2/x001/000.p/1"),
    ],
)
def test_tiles_are_served_where_the_specification_says(level, index, width, path):
    assert tiles.tile_path(level, index, width) == path
    assert tiles.entries_path(index, width) == path.replace(f"tile/{level}", "tile/entries")


def test_tiles_hold_the_tree_and_a_growing_log_lists_what_is_new():
    tree = merkle.Tree()
    hashes = [merkle.leaf_hash(b"%d" % at) for at in range(70_000)]
    tree.extend(hashes)
    assert tiles.tile(tree, 0, 1) == b"".join(hashes[256:512])
    assert tiles.tile(tree, 0, 273, 112) == b"".join(hashes[273 * 256 :])
    below = merkle.Tree()
    below.extend(hashes[:256])
    assert tiles.tile(tree, 1, 0)[:32] == below.root()
    assert tiles.tile(tree, 2, 0, 1) == tree.node(16, 0)
    with pytest.raises(EntryMissing):
        tiles.tile(tree, 0, 273, 113)
    with pytest.raises(EntryMissing):
        tiles.tile(tree, 0, 0, 0)
    assert tiles.tiles(0, 70_000)[-4:] == ((0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1))
    assert len(tiles.tiles(0, 70_000)) == 274 + 2 + 1
    assert tiles.tiles(255, 257) == ((0, 0, 256), (0, 1, 1), (1, 0, 1))
    assert tiles.tiles(70_000, 70_000) == ()


def test_broken_entry_bundles_are_refused():
    for data in (b"\x00", b"\x00\x05abc", b"\x00\x00" * 257):
        with pytest.raises(ProofInvalid):
            tiles.split_entries(data)
    with pytest.raises(EntryMissing):
        tiles.entries_tile([b"x" * 65_536])
    with pytest.raises(EntryMissing):
        tiles.entries_tile([])


def test_an_origin_that_cannot_name_a_key_is_refused():
    with pytest.raises(ProofInvalid):
        checkpoint.of_head("two words", MemoryLog().head())
    assert checkpoint.of_head("one", MemoryLog().head()).root == digest.to_raw(MemoryLog().head().root)
