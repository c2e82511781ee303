"""The sigstore library asked without its clock, network and caches. Knows bundles and trusted roots; no key of ours.

Imported only where a certificate or a transparency log is checked: the library is large. What it does not read is added
here over its own parts: bundles 0.1 without an inclusion proof, log entries of kind intoto 0.0.2 (npm, SLSA builders),
entries about plain keys. Its validity windows ask the clock; here an authority counts when its window holds what the
bundle claims, and the library then proves the claim.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID
from sigstore import dsse
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint, verify_checkpoint
from sigstore._internal.timestamp import TimestampSource, TimestampVerificationResult
from sigstore._internal.trust import KeyringPurpose
from sigstore.errors import CertValidationError, VerificationError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, InvalidBundle, TransparencyLogEntry
from sigstore.verify import Verifier
from sigstore_models.bundle.v1 import Bundle as BundleModel
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.trustroot.v1 import TrustedRoot as RootModel

from cas.records.base import Pairs
from pipeline.attest.fulcio import holder
from pipeline.attest.sigstore_entry import Content, EntryForeign, speaks_of
from pipeline.attest.sigstore_roots import Claimed, Root

_DER: Final = Encoding.DER
_LONGEST: Final = 2048
_HOLLOW: Final = {"logIndex": "0", "rootHash": "AA==", "treeSize": "1", "hashes": []}
_STEPS: Final = (  # how the library words what failed, and the step that it was
    ("failed to verify sct", "certificate_timestamp"),
    ("sct", "certificate_timestamp"),
    ("failed to build timestamp certificate chain", "certificate"),
    ("invalid signing cert: expired", "time"),
    ("not enough sources of verified time", "time"),
    ("integrated time", "time"),
    ("invalid log entry", "log_entry"),
    ("key usage", "certificate_profile"),
    ("extended usage", "certificate_profile"),
    ("signature is invalid", "signature"),
    ("dsse: invalid signature", "signature"),
    ("transparency log entry is inconsistent", "log_entry_of_another"),
    ("log entry", "log_entry_of_another"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a certificate. Everything but ``status`` and ``failed`` is empty unless it was verified."""

    status: str  # verified, bad, unknown
    failed: str = ""
    instance: int = -1  # place of the trusted root that decided
    issuer: str = ""
    identity: str = ""
    claims: Pairs = ()
    signed_at: str = ""
    timed_by: str = ""
    log_id: str = ""
    log_index: int | None = None


class _Stepped(VerificationError):  # noqa: N818 - names a step
    """A step of ours did not hold."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


class _Entry(TransparencyLogEntry):
    """A log entry; without an inclusion proof the log's promise must stand in (bundles 0.1)."""

    def _validate(self) -> None:
        if not self._proven() and not self._inner.inclusion_promise:
            raise InvalidBundle("entry has neither inclusion proof nor promise")

    def _proven(self) -> bool:
        proof = self._inner.inclusion_proof
        return proof is not None and proof.checkpoint is not None

    def _verify(self, keyring: Any) -> None:
        inner = self._inner
        if self._proven():
            verify_merkle_inclusion(self)
            verify_checkpoint(keyring, self)
            proof = inner.inclusion_proof
            note = proof.checkpoint.envelope if proof.checkpoint else ""
            if SignedCheckpoint.from_text(note).checkpoint.log_size != proof.tree_size:
                raise VerificationError("the checkpoint is of another size than the proof")
        elif not inner.integrated_time:
            raise VerificationError("a promise without a time")
        if inner.inclusion_promise and inner.integrated_time:
            self._verify_set(keyring)


class _Bundle(Bundle):
    """A bundle with exactly one log entry and a leaf certificate, as the rules of its version say."""

    def _verify(self) -> None:
        material = self._inner.verification_material
        if len(material.tlog_entries) != 1:
            raise InvalidBundle("expected exactly one log entry")
        entry = _Entry(material.tlog_entries[0])
        if not self._inner.media_type.endswith("version=0.1") and not entry._proven():  # noqa: SLF001
            raise InvalidBundle("expected an inclusion proof with its checkpoint")
        if self._inner.media_type.endswith("version=0.1") and not entry._inner.inclusion_promise:  # noqa: SLF001
            raise InvalidBundle("expected an inclusion promise")
        chain = material.x509_certificate_chain
        held = chain.certificates if chain else [material.certificate] if material.certificate else []
        if held:
            self._signing_certificate = x509.load_der_x509_certificate(held[0].raw_bytes)
        self._log_entry = entry


class _Verifier(Verifier):
    """The library's verifier over one clockless root. Opens no connection, keeps no cache."""

    def __init__(self, root: Root, certificates: Iterable[x509.Certificate]) -> None:
        self._trusted_root = root
        self._fulcio_certificate_chain = list(certificates)

    def _establish_time(self, bundle: Bundle) -> list[TimestampVerificationResult]:
        """As the library does, with entries of kind intoto 0.0.2, whose promise binds their time in the same way."""
        found: list[TimestampVerificationResult] = []
        if bundle.verification_material.timestamp_verification_data:
            found += self._verify_timestamp_authority(bundle)
        entry = bundle.log_entry._inner  # noqa: SLF001
        if entry.integrated_time and entry.inclusion_promise:
            found.append(
                TimestampVerificationResult(
                    source=TimestampSource.TRANSPARENCY_SERVICE, time=_time(entry.integrated_time)
                )
            )
        return found

    def leads_here(self, certificate: x509.Certificate) -> bool:
        """Tell whether one of these authorities issued a certificate, whatever the windows say."""
        at = TimestampVerificationResult(
            source=TimestampSource.TRANSPARENCY_SERVICE, time=certificate.not_valid_before_utc
        )
        try:
            self._verify_chain_at_time(certificate, at)
        except CertValidationError:
            return any(_issued(certificate, each) for each in self._fulcio_certificate_chain)
        return True

    def judge(self, bundle: Bundle, content: Content) -> None:
        """Check everything but the identity, and that we read what the library read."""
        entry = bundle.log_entry._inner  # noqa: SLF001
        if isinstance(content, bytes):
            self.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=content), bundle, _ANYBODY)
        elif entry.kind_version.kind == "intoto":
            self._verify_common_signing_cert(bundle, _ANYBODY)
            key: Any = bundle.signing_certificate.public_key()
            dsse._verify(key, bundle._dsse_envelope)  # type: ignore[arg-type]  # noqa: SLF001
        else:
            self.verify_dsse(bundle, _ANYBODY)

    def times(self, bundle: Bundle) -> list[TimestampVerificationResult]:
        """Give the times that count."""
        return self._establish_time(bundle)


class _Anybody:
    """Demand no identity: that is policy's."""

    def verify(self, cert: x509.Certificate) -> None:
        """Let everybody in."""


_ANYBODY: Final = _Anybody()


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether an authority's key signed a certificate (valid then or not)."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever does not verify was not issued
        return False
    return True


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def certified(document: bytes, content: Content, roots: Sequence[bytes]) -> Answer:
    """Verify a bundle with a certificate against trusted roots, each alone; the first that verifies it decides.

    ``content`` is what we read as signed; the library must have read the same.
    """
    answer = Answer("unknown", "not_trusted")
    try:
        bundle = _Bundle(_model(document))
        claimed = _claimed(bundle)
    except Exception as error:  # noqa: BLE001 - whatever foreign code trips over in a foreign bundle verifies nothing
        return Answer("bad", _step(error, "bundle"))
    for at, data in enumerate(roots):
        found = _against(bundle, claimed, content, data)
        if found.status == "verified":
            return _told(found, bundle, at)
        if found.status == "bad" and answer.status == "unknown":
            answer = Answer("bad", found.failed, at)
    return answer


def _against(bundle: _Bundle, claimed: Claimed, content: Content, data: bytes) -> Answer:
    try:
        root = Root(RootModel.from_json(data), claimed)
        if not _Verifier(root, root.every_certificate()).leads_here(bundle.signing_certificate):
            return Answer("unknown", "not_trusted")
        allowed = root.get_fulcio_certs()
        if not allowed:
            return Answer("bad", "certificate")
        verifier = _Verifier(root, allowed)
        verifier.judge(bundle, content)
        _consistent(bundle, content)
        when = max(verifier.times(bundle), key=lambda each: (each.time, each.source.value))
    except Exception as error:  # noqa: BLE001 - as above
        return Answer("bad", _step(error, "certificate"))
    timed_by = "log" if when.source is TimestampSource.TRANSPARENCY_SERVICE else "timestamp_authority"
    return Answer("verified", signed_at=when.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), timed_by=timed_by)


def _consistent(bundle: _Bundle, content: Content) -> None:
    """Hold the library to what we read, and the log entry to exactly this signature by exactly this certificate."""
    envelope = bundle._dsse_envelope  # noqa: SLF001
    read = (envelope._inner.payload_type, envelope._inner.payload) if envelope is not None else content  # noqa: SLF001
    if read != content:
        raise _Stepped("bundle")
    entry = bundle.log_entry._inner  # noqa: SLF001
    speaks_of(entry.canonicalized_body, content, bundle.signature, bundle.signing_certificate.public_bytes(_DER))


def logged(document: bytes, content: Content, roots: Sequence[bytes], key: bytes) -> Answer:
    """Check the log entry of a signature by a plain key (``key`` is its SubjectPublicKeyInfo, DER).

    Unknown when no trusted root knows the log.
    """
    try:
        bundle = _Bundle(_model(document))
        entry = bundle.log_entry
        log = entry._inner.log_id.key_id  # noqa: SLF001
        for at, data in enumerate(roots):
            root = Root(RootModel.from_json(data), _logged_at(entry))
            keys = root.rekor_keyring(KeyringPurpose.VERIFY)
            if log not in keys._keyring:  # noqa: SLF001
                continue
            entry._verify(keys)  # noqa: SLF001
            speaks_of(entry._inner.canonicalized_body, content, bundle.signature, key)  # noqa: SLF001
            when = entry._inner.integrated_time  # noqa: SLF001
            timed = bool(when and entry._inner.inclusion_promise)  # noqa: SLF001
            at_text = _time(when).strftime("%Y-%m-%dT%H:%M:%SZ") if timed and when else ""
            return Answer(
                "verified",
                instance=at,
                signed_at=at_text,
                timed_by="log" if timed else "",
                log_id=log.hex(),
                log_index=entry._inner.log_index,  # noqa: SLF001
            )
    except Exception as error:  # noqa: BLE001 - as in certified
        return Answer("bad", _step(error, "log_entry"))
    return Answer("unknown", "not_trusted")


def _model(document: bytes) -> BundleModel:
    """Read a bundle; a proof that bundles 0.1 may leave out is put in hollow: it proves nothing."""
    value: Any = msgspec.json.decode(document)
    for entry in value["verificationMaterial"].get("tlogEntries") or ():
        if not entry.get("inclusionProof") or not entry["inclusionProof"].get("checkpoint"):
            entry["inclusionProof"] = _HOLLOW
    return BundleModel.from_json(msgspec.json.encode(value))


def _claimed(bundle: _Bundle) -> Claimed:
    certificate = bundle.signing_certificate
    return Claimed(certificate.not_valid_before_utc, _when(bundle.log_entry), _stamped(certificate))


def _logged_at(entry: TransparencyLogEntry) -> Claimed | None:
    when = _when(entry)
    return Claimed(when, when, ()) if when else None


def _when(entry: TransparencyLogEntry) -> datetime | None:
    seconds = entry._inner.integrated_time  # noqa: SLF001
    return _time(seconds) if seconds else None


def _stamped(certificate: x509.Certificate) -> tuple[datetime, ...]:
    try:
        found: Any = certificate.extensions.get_extension_for_oid(
            ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS
        ).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(each.timestamp.replace(tzinfo=UTC) for each in found)


def _step(error: Exception, default: str) -> str:
    """Name the step that an error of the library speaks of."""
    if isinstance(error, _Stepped):
        return error.step
    if isinstance(error, EntryForeign):
        return "log_entry_of_another"
    if isinstance(error, InvalidBundle):
        return "bundle"
    said = str(error).lower()
    return next((step for words, step in _STEPS if said.startswith(words)), default)


def _told(found: Answer, bundle: _Bundle, at: int) -> Answer:
    certificate, entry = bundle.signing_certificate, bundle.log_entry._inner  # noqa: SLF001
    issuer, identity, claims = holder(certificate)
    if not _fit(issuer) or not _fit(identity) or "#" in issuer:  # else sigstore:<issuer>#<identity> has two readings
        return Answer("bad", "certificate_profile", at)
    return Answer(
        "verified",
        instance=at,
        issuer=issuer,
        identity=identity,
        claims=claims,
        signed_at=found.signed_at,
        timed_by=found.timed_by,
        log_id=entry.log_id.key_id.hex(),
        log_index=entry.log_index,
    )


def _fit(name: str) -> bool:
    return 0 < len(name) <= _LONGEST and name.isprintable() and " " not in name
