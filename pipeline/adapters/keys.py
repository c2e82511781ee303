"""Signers that hold a private key: in memory, or read from a PKCS#8 PEM file. The key never leaves the signer.

A key file is ours alone: opened without following links, refused when anybody else may read or write it.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from cas.problems import Category, Problem
from cas.records.proof import Key, KeyAlgorithm, Purpose
from pipeline.attest.signatures import key_of

PrivateKey: TypeAlias = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Passphrase: TypeAlias = Callable[[], bytes]

RSA_BITS: Final = 3072
_FILE_MAX: Final = 64 << 10
_ECDSA: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)  # RFC 6979
_PKCS1: Final = padding.PKCS1v15()
_SHA256: Final = hashes.SHA256()


class KeyFileExposed(Problem):
    """Somebody else may read or write a key file."""

    code = "keys.file_exposed"
    category = Category.DENIED
    title = "A key file is open to others"
    remedy = "chmod 600 the file, make sure you own it, and replace the key if others may have read it."


class KeyFileInvalid(Problem):
    """A file does not hold a private key that we can use."""

    code = "keys.file_invalid"
    category = Category.INVALID
    title = "Not a usable private key file"
    remedy = "Give a PKCS#8 PEM file with an Ed25519, P-256 or RSA key, and its passphrase when it has one."


class KeyFileExists(Problem):
    """A key would be overwritten."""

    code = "keys.file_exists"
    category = Category.CONFLICT
    title = "There is a key already"
    remedy = "Choose another file; keys are never overwritten."


class KeyFileMissing(Problem):
    """There is no key file of that name."""

    code = "keys.file_missing"
    category = Category.MISSING
    title = "Key file not found"
    remedy = "Check the path, or make a key with stella key generate."


@dataclass(frozen=True, slots=True, repr=False)
class KeySigner:
    """A Signer over a private key in memory; its repr shows the public id only."""

    private: PrivateKey
    key: Key
    ref: str

    def sign(self, message: bytes) -> bytes:
        """See Signer: Ed25519 64 bytes, P-256 DER by RFC 6979, RSA PKCS#1 v1.5 with SHA-256."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, _PKCS1, _SHA256)
        return self.private.sign(message, _ECDSA)

    def __repr__(self) -> str:
        return f"KeySigner({self.key.id}, {self.ref!r})"


def generate(algorithm: KeyAlgorithm, *, purposes: tuple[Purpose, ...] = ("approve",), ref: str = "") -> KeySigner:
    """Make a fresh key: Ed25519, P-256, or RSA of 3072 bits."""
    private: PrivateKey
    if algorithm == "ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm == "ecdsa-p256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(65537, RSA_BITS)
    return signer_of(private, purposes=purposes, ref=ref)


def signer_of(private: PrivateKey, *, purposes: tuple[Purpose, ...], ref: str = "") -> KeySigner:
    """Make a signer of a private key at hand.

    Raises: attest.key_invalid
    """
    key = key_of(private.public_key(), purposes)
    return KeySigner(private, key, ref or f"key:{key.id[:16]}")


def public_pem(signer: KeySigner) -> bytes:
    """Give the public key as PEM, for people and their tools."""
    return signer.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def save_key(path: Path, signer: KeySigner, passphrase: Passphrase | None = None) -> None:
    """Write a private key as PKCS#8 PEM with mode 0600, durable, never over an existing file.

    Raises: keys.file_exists
    """
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase())
    pem = signer.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise KeyFileExists(path=str(path)) from error
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, 0o600)  # whatever the umask
        file.write(pem)
        file.flush()
        os.fsync(fd)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_signer(
    path: Path, *, purposes: tuple[Purpose, ...], ref: str = "", passphrase: Passphrase | None = None
) -> KeySigner:
    """Read a private key file and make its signer; ``passphrase`` is asked only when the file is encrypted.

    Raises: keys.file_missing, keys.file_exposed, keys.file_invalid, attest.key_invalid
    """
    return _signer_of_pem(_read_private(path), path, purposes, ref, passphrase)


class LateSigner:
    """A Signer over a file that was checked and read when this was made; the key in it is decoded on first use.

    Decoding an RSA key proves its primes, a tenth of a second: most commands never sign with it.
    """

    def __init__(self, path: Path, *, purposes: tuple[Purpose, ...], ref: str = "") -> None:
        """Read the file.

        Raises: keys.file_missing, keys.file_exposed, keys.file_invalid
        """
        self._pem = _read_private(path)
        self._path = path
        self._purposes = purposes
        self.ref = ref or path.stem

    @cached_property
    def _signer(self) -> KeySigner:
        return _signer_of_pem(self._pem, self._path, self._purposes, self.ref, None)

    @property
    def key(self) -> Key:
        """See Signer.

        Raises: keys.file_invalid, attest.key_invalid
        """
        return self._signer.key

    def sign(self, message: bytes) -> bytes:
        """See Signer."""
        return self._signer.sign(message)

    def __repr__(self) -> str:
        return f"LateSigner({self.ref!r})"


def _signer_of_pem(
    pem: bytes, path: Path, purposes: tuple[Purpose, ...], ref: str, passphrase: Passphrase | None
) -> KeySigner:
    secret = None
    if b"ENCRYPTED PRIVATE KEY" in pem:
        if passphrase is None:
            raise KeyFileInvalid(path=str(path), reason="it is encrypted and no passphrase was given")
        secret = passphrase()
    try:
        private = serialization.load_pem_private_key(pem, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileInvalid(path=str(path), reason="not PKCS#8 PEM, or another passphrase") from error
    if not isinstance(private, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyFileInvalid(path=str(path), reason="algorithm not supported")
    return signer_of(private, purposes=purposes, ref=ref or path.stem)


def _read_private(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyFileMissing(path=str(path)) from error
    except OSError as error:
        raise KeyFileInvalid(path=str(path), reason=os.strerror(error.errno or 0)) from error
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise KeyFileInvalid(path=str(path), reason="not a regular file")
        if about.st_mode & 0o077 or about.st_uid != os.geteuid():
            raise KeyFileExposed(path=str(path), mode=oct(stat.S_IMODE(about.st_mode)), owner=about.st_uid)
        pem = os.read(fd, _FILE_MAX + 1)
    finally:
        os.close(fd)
    if len(pem) > _FILE_MAX:
        raise KeyFileInvalid(path=str(path), reason="too long for a key")
    return pem
