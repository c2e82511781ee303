"""Trusted roots of Sigstore without a clock. Knows windows and the library's shapes; must not know bundles.

The library asks the clock whether an authority has begun to count. Here it counts when its window holds the times that
a bundle claims; whoever verifies the bundle proves the claim.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from sigstore._internal.trust import CertificateAuthority, Keyring, KeyringPurpose
from sigstore.errors import Error
from sigstore.models import TrustedRoot
from sigstore_models.trustroot.v1 import TrustedRoot as RootModel

logging.getLogger("sigstore").addHandler(logging.NullHandler())  # what it finds comes back as an answer


class Authority(CertificateAuthority):
    """An authority of certificates or timestamps that does not ask what time it is."""

    def certificates(self, *, allow_expired: bool) -> list[x509.Certificate]:
        """List the chain; its window was looked at before."""
        del allow_expired
        return self._certificates


@dataclass(frozen=True, slots=True)
class Claimed:
    """The times a bundle claims, each of which is proven later: issue, log's word, certificate log's word."""

    issued: datetime
    logged: datetime | None
    stamped: tuple[datetime, ...]


class Root(TrustedRoot):
    """A trusted root without a clock: of each authority only what its window lets speak at the claimed time."""

    def __init__(self, model: RootModel, claimed: Claimed | None) -> None:
        self.claimed = claimed
        super().__init__(model)

    def _verify(self) -> None:
        if "trustedroot" not in self._inner.media_type:
            raise Error("no trusted root")

    def rekor_keyring(self, purpose: KeyringPurpose) -> Any:
        """Give the keys of transparency logs that were in use when the log says it wrote, or else at the issue."""
        del purpose
        times = (self.claimed.logged,) if self.claimed and self.claimed.logged else self._life()
        return Keyring([each.public_key for each in self._inner.tlogs if _open(each.public_key.valid_for, times)])

    def ct_keyring(self, purpose: KeyringPurpose) -> Any:
        """Give the keys of certificate logs that were in use when the certificate was logged."""
        del purpose
        times = self.claimed.stamped if self.claimed else ()
        return Keyring([each.public_key for each in self._inner.ctlogs if _open(each.public_key.valid_for, times)])

    def get_fulcio_certs(self) -> list[x509.Certificate]:
        """Give the certificates of authorities that counted when the signer's certificate was issued."""
        times = (self.claimed.issued,) if self.claimed else ()
        return [cert for each in self._authorities() if _open(each._inner.valid_for, times) for cert in _all(each)]  # noqa: SLF001

    def get_timestamp_authorities(self) -> list[CertificateAuthority]:
        """Give the timestamp authorities; the library holds their windows against the time they stamped."""
        return [Authority(each) for each in self._inner.timestamp_authorities]

    def every_certificate(self) -> list[x509.Certificate]:
        """List what all its authorities hold, whatever their windows."""
        return [cert for each in self._authorities() for cert in _all(each)]

    def _authorities(self) -> list[Authority]:
        return [Authority(each) for each in self._inner.certificate_authorities]

    def _life(self) -> tuple[datetime, ...]:
        return (self.claimed.issued,) if self.claimed else ()


def _all(authority: CertificateAuthority) -> list[x509.Certificate]:
    return authority.certificates(allow_expired=True)


def _open(window: Any, times: Sequence[datetime]) -> bool:
    """Tell whether a window holds every claimed time; no window holds all."""
    return window is None or all(window.start <= each and (window.end is None or each <= window.end) for each in times)


def read_root(data: bytes) -> None:
    """Judge a trusted_root.json: it can be read, every certificate and key in it too, and it holds a log and authority.

    Raises: ValueError
    """
    try:
        root = Root(RootModel.from_json(data), None)
        held = root.every_certificate()
        root.get_timestamp_authorities()
        logs, issued = root.rekor_keyring(KeyringPurpose.VERIFY), root.ct_keyring(KeyringPurpose.VERIFY)
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}"[:300]) from error
    if not held or not logs._keyring or not issued._keyring:  # noqa: SLF001
        raise ValueError("it holds no certificate authority, no transparency log, or no certificate log")
