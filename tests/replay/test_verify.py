"""verify.py against the library that everybody uses: the same answers, for good, bad and hostile input."""

import base64
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import digest, jcs, merkle
from cas.log import LogHead
from pipeline.adapters.keys import generate, signer_of
from pipeline.attest import signatures
from replay import verify
from tests.pipeline.attest.test_signatures import point_record, small_order_ys

ALGORITHMS = ("ed25519", "ecdsa-p256", "rsa")
SIGNERS = {name: generate(name, purposes=("server",)) for name in ALGORITHMS}


def judged(key):
    fields = ("id", "algorithm", "spki", "purposes", "revoked_at")
    return verify.judge_key({field: getattr(key, field) for field in fields}, "server")


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(ALGORITHMS), st.binary(max_size=80), st.integers(0, 10_000), st.integers(1, 255))
def test_signatures_are_judged_as_the_library_judges_them(algorithm, message, at, change):
    signer = SIGNERS[algorithm]
    key, good = judged(signer.key), signer.sign(message)
    assert key.verify(message, good)
    bad = bytearray(good)
    bad[at % len(bad)] ^= change
    assert key.verify(message, bytes(bad)) == signatures.verify(signer.key, message, bytes(bad))
    assert not key.verify(message + b"x", good)
    for other in (b"", good[:-1], good + b"\0"):
        assert not key.verify(message, other)


def test_a_signature_whose_s_is_not_reduced_is_refused():
    signer = SIGNERS["ed25519"]
    good = signer.sign(b"m")
    s = int.from_bytes(good[32:], "little") + verify.L25519
    malleated = good[:32] + s.to_bytes(32, "little")
    assert not judged(signer.key).verify(b"m", malleated)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*small_order_ys(), verify.P25519, verify.P25519 + 1, 2**255 - 1, 2])
def test_unsafe_points_are_refused_here_too(y, sign):
    record = point_record(y, sign)
    with pytest.raises(verify.Bad):
        judged(record)


@pytest.mark.parametrize("bits", [1024, 2048, 2049, 2055, 2056, 3072])
def test_rsa_keys_are_read_in_their_one_encoding(bits):
    private = rsa.generate_private_key(65537, bits)
    spki = signatures.spki_of(private.public_key())
    if bits < 2048:
        with pytest.raises(verify.Bad):
            verify.rsa_modulus(spki)
        return
    assert verify.rsa_modulus(spki) == private.public_key().public_numbers().n
    with pytest.raises(verify.Bad):
        verify.rsa_modulus(spki + b"\0")
    signer = signer_of(private, purposes=("server",))
    assert judged(signer.key).verify(b"m", signer.sign(b"m"))


def test_rsa_with_another_exponent_is_refused():
    spki = signatures.spki_of(rsa.generate_private_key(3, 2048).public_key())
    with pytest.raises(verify.Bad):
        verify.rsa_modulus(spki)


def test_a_key_under_another_algorithms_name_is_refused():
    for truly in ALGORITHMS:
        for said in set(ALGORITHMS) - {truly}:
            key = SIGNERS[truly].key
            with pytest.raises(verify.Bad):
                verify.judge_key(
                    {"id": key.id, "algorithm": said, "spki": key.spki, "purposes": [], "revoked_at": None}, ""
                )


def test_the_base_point_signs_as_rfc_8032_says():
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert verify.ed25519(public, b"", private.sign(b""))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.data())
def test_inclusion_proofs_are_judged_as_the_log_makes_them(size, data):
    leaves = [b"leaf %d" % at for at in range(size)]
    tree = merkle.Tree()
    tree.extend(map(merkle.leaf_hash, leaves))
    at = data.draw(st.integers(0, size - 1))
    proof = list(tree.inclusion(at, size))
    assert verify.inclusion_root(leaves[at], at, size, proof) == tree.root()
    for wrong in (proof[:-1], [*proof, bytes(32)]):
        with contextlib.suppress(verify.Bad):
            assert verify.inclusion_root(leaves[at], at, size, wrong) != tree.root() or wrong == proof


def test_a_checkpoint_is_the_note_that_the_log_itself_would_write():
    from cas import checkpoint
    from cas.problems import ProofInvalid

    signer = SIGNERS["ed25519"]
    origin, head = signer.key.id, LogHead(3, "sha256:" + "1" * 64)
    ours = checkpoint.of_head(origin, head)
    verifier = checkpoint.Verifier(origin, checkpoint.ED25519, base64.b64decode(signer.key.spki)[12:])
    key = judged(signer.key)
    _, hint = verify.note_key(origin, key)
    text = verify.checkpoint_text(origin, 3, digest.to_raw(head.root))
    note = verify.checkpoint_note(origin, 3, digest.to_raw(head.root), hint, signer.sign(text))
    assert note == checkpoint.signed(ours, [checkpoint.sign(ours, verifier, signer.sign)])
    assert checkpoint.verify(note, verifier).head() == head
    with pytest.raises(ProofInvalid):
        checkpoint.verify(note.replace(b"\n3\n", b"\n4\n"), verifier)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda below: st.lists(below) | st.dictionaries(st.text("abc_"), below),
        max_leaves=12,
    )
)
def test_its_canonical_json_is_ours(value):

    assert verify.canonical(value) == jcs.of_value(value)
    assert verify.parse(jcs.of_value(value), "it") == value


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b"[NaN]", b"[" * 100_000, b"\xff", b"", b"[Infinity]"])
def test_json_that_could_be_read_in_two_ways_is_bad(data):
    with pytest.raises(verify.Bad):
        verify.parse(data, "it")


def test_it_needs_nothing_but_the_standard_library(tmp_path):
    alone = tmp_path / "verify.py"
    alone.write_bytes(Path(verify.__file__).read_bytes())
    code = "import sys; sys.argv=['verify.py']; import runpy; before=set(sys.modules)\ntry: runpy.run_path('verify.py', run_name='__main__')\nexcept SystemExit as end: print(end.code)\nprint(*sorted({m.split('.')[0] for m in set(sys.modules)-before}))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    status, modules = done.stdout.splitlines()
    assert status == "3"
    assert set(modules.split()) <= set(sys.stdlib_module_names)
    assert not {"socket", "ssl", "urllib", "http"} & set(modules.split())
