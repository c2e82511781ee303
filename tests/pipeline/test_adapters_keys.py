"""Signers: deterministic where the standard allows, files that are ours alone."""

import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from pipeline.adapters import keys
from pipeline.attest import signatures
from pipeline.effects import Signer


def test_p256_signatures_are_the_ones_of_rfc_6979():
    # RFC 6979, A.2.5: P-256, SHA-256, message "sample"
    private = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    made = keys.signer_of(private, purposes=("server",)).sign(b"sample")
    assert decode_dss_signature(made) == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256", "rsa"])
def test_signing_twice_gives_the_same_bytes(algorithm):
    signer: Signer = keys.generate(algorithm, purposes=("server",), ref="main")
    assert signer.sign(b"m") == signer.sign(b"m")
    assert signatures.verify(signer.key, b"m", signer.sign(b"m"))
    assert (signer.ref, signer.key.purposes) == ("main", ("server",))


def test_rsa_keys_have_3072_bits():
    assert keys.generate("rsa").private.key_size == 3072


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256", "rsa"])
@pytest.mark.parametrize("passphrase", [None, lambda: b"correct horse"])
def test_a_saved_key_comes_back(tmp_path, algorithm, passphrase):
    signer = keys.generate(algorithm)
    path = tmp_path / "bob.pem"
    old = os.umask(0)
    try:
        keys.save_key(path, signer, passphrase)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    back = keys.load_signer(path, purposes=("approve",), passphrase=passphrase)
    assert back.key == signer.key
    assert back.ref == "bob"


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "key.pem"
    keys.save_key(path, keys.generate("ed25519"))
    before = path.read_bytes()
    with pytest.raises(keys.KeyFileExists):
        keys.save_key(path, keys.generate("ed25519"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o666])
def test_a_file_open_to_others_is_refused(tmp_path, mode):
    path = tmp_path / "key.pem"
    keys.save_key(path, keys.generate("ed25519"))
    path.chmod(mode)
    with pytest.raises(keys.KeyFileExposed):
        keys.load_signer(path, purposes=("approve",))


def test_links_folders_and_pipes_are_refused(tmp_path):
    path = tmp_path / "key.pem"
    keys.save_key(path, keys.generate("ed25519"))
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "pipe", "."):
        with pytest.raises((keys.KeyFileInvalid, keys.KeyFileExposed)):
            keys.load_signer(tmp_path / name, purposes=("approve",))


def test_wrong_and_missing_passphrases_are_told_without_a_traceback(tmp_path):
    path = tmp_path / "key.pem"
    keys.save_key(path, keys.generate("ed25519"), lambda: b"right")
    with pytest.raises(keys.KeyFileInvalid, match="no passphrase"):
        keys.load_signer(path, purposes=("approve",))
    with pytest.raises(keys.KeyFileInvalid, match="another passphrase"):
        keys.load_signer(path, purposes=("approve",), passphrase=lambda: b"wrong")


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"A" * 70000])
def test_what_is_no_key_is_refused_with_a_code(tmp_path, data):
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(keys.KeyFileInvalid):
        keys.load_signer(path, purposes=("approve",))


def test_other_algorithms_are_refused(tmp_path):
    for private in (x25519.X25519PrivateKey.generate(),):
        path = tmp_path / "key.pem"
        path.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        path.chmod(0o600)
        with pytest.raises(keys.KeyFileInvalid):
            keys.load_signer(path, purposes=("approve",))


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(keys.KeyFileMissing):
        keys.load_signer(tmp_path / "none.pem", purposes=("approve",))


def test_a_signer_never_shows_its_key():
    signer = keys.generate("ecdsa-p256")
    assert str(signer.private.private_numbers().private_value) not in repr(signer)
    assert "private" not in repr(signer)


def test_a_late_signer_checks_its_file_at_once_and_its_key_when_it_is_used(tmp_path):
    signer = keys.generate("rsa", purposes=("server",), ref="sticker")
    keys.save_key(tmp_path / "sticker.pem", signer)
    late = keys.LateSigner(tmp_path / "sticker.pem", purposes=("server",))
    assert (late.key, late.ref, late.sign(b"x")) == (signer.key, "sticker", signer.sign(b"x"))
    assert "PRIVATE" not in repr(late)
    (tmp_path / "sticker.pem").chmod(0o644)
    with pytest.raises(keys.KeyFileExposed):
        keys.LateSigner(tmp_path / "sticker.pem", purposes=("server",))
    (tmp_path / "sticker.pem").chmod(0o600)
    (tmp_path / "sticker.pem").write_text("no key")
    with pytest.raises(keys.KeyFileInvalid):
        _ = keys.LateSigner(tmp_path / "sticker.pem", purposes=("server",)).key
