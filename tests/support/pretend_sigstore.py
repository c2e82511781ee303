"""A Sigstore instance of a test's own: authority, certificate log, transparency log, and what signs through them."""

import base64
import datetime as dt
import hashlib
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from cas import jcs
from pipeline.attest import envelope

BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2090, 1, 1, tzinfo=dt.UTC)
ISSUED = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
IN_TOTO = "application/vnd.in-toto+json"
_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_STAMPS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def _b64(data):
    return base64.b64encode(data).decode()


def _spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _signed(key, data):
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _octets(data):
    return (b"\x04" + bytes([len(data)]) if len(data) < 128 else b"\x04\x81" + bytes([len(data)])) + data


def _utf8(text):
    return b"\x0c" + bytes([len(text)]) + text.encode()


def _key():
    return ec.generate_private_key(ec.SECP256R1())


class Sigstore:
    """One instance. ``trusted_root`` is what its TUF repository would give."""

    def __init__(self, name="private"):
        self.authority, self.stamps, self.log = _key(), _key(), _key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = {
            each: each in ("key_cert_sign", "crl_sign")
            for each in (
                "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
            )
        }  # fmt: skip
        builder = self._builder(self.name, self.authority.public_key(), BEGIN, END)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        self.root = builder.sign(self.authority, hashes.SHA256())

    def _builder(self, subject, public, begin, end):
        own = x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
        )

    def certificate(self, key, issuer, identity):
        """A short-lived certificate with its timestamp (RFC 6962, 3.2 and 3.3)."""
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            self._builder(x509.Name([]), key.public_key(), ISSUED, ISSUED + dt.timedelta(minutes=10))
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, _utf8(issuer)), critical=False)
        )
        tbs = builder.sign(self.authority, hashes.SHA256()).tbs_certificate_bytes
        at = int(ISSUED.timestamp() * 1000).to_bytes(8, "big")
        issuer_hash = hashlib.sha256(_spki(self.authority)).digest()
        spoken = b"\0\0" + at + b"\0\1" + issuer_hash + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
        made = _signed(self.stamps, spoken)
        log = hashlib.sha256(_spki(self.stamps)).digest()
        stamp = b"\0" + log + at + b"\0\0" + b"\4\3" + len(made).to_bytes(2, "big") + made
        listed = len(stamp).to_bytes(2, "big") + stamp
        value = _octets(len(listed).to_bytes(2, "big") + listed)
        builder = builder.add_extension(x509.UnrecognizedExtension(_STAMPS, value), critical=False)
        return builder.sign(self.authority, hashes.SHA256())

    def bundle(self, statement, issuer, identity):
        """Sign a statement keylessly: a bundle 0.1 with the log's promise."""
        key = _key()
        held = self.certificate(key, issuer, identity)
        made = _signed(key, envelope.pae(IN_TOTO, statement))
        pem = held.public_bytes(serialization.Encoding.PEM)
        body = jcs.of_value(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
                    "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(statement).hexdigest()},
                    "signatures": [{"signature": _b64(made), "verifier": _b64(pem)}],
                },
            }
        )
        log = hashlib.sha256(_spki(self.log)).digest()
        at = int(ISSUED.timestamp()) + 60
        promised = jcs.of_value({"body": _b64(body), "integratedTime": at, "logID": log.hex(), "logIndex": 1})
        entry = {
            "logIndex": "1",
            "logId": {"keyId": _b64(log)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(at),
            "inclusionPromise": {"signedEntryTimestamp": _b64(_signed(self.log, promised))},
            "canonicalizedBody": _b64(body),
        }
        chain = {"certificates": [{"rawBytes": _b64(held.public_bytes(serialization.Encoding.DER))}]}
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
                "verificationMaterial": {"x509CertificateChain": chain, "tlogEntries": [entry]},
                "dsseEnvelope": {
                    "payload": _b64(statement),
                    "payloadType": IN_TOTO,
                    "signatures": [{"sig": _b64(made), "keyid": ""}],
                },
            }
        ).encode()

    @property
    def trusted_root(self):
        window = {"start": "2020-01-01T00:00:00Z"}

        def log(key):
            return {
                "baseUrl": "https://log.test",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _b64(_spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window
                },
                "logId": {"keyId": _b64(hashlib.sha256(_spki(key)).digest())},
            }  # fmt: skip

        root = _b64(self.root.public_bytes(serialization.Encoding.DER))
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self.log)],
                "certificateAuthorities": [
                    {
                        "subject": {"organization": "test", "commonName": "private"},
                        "uri": "https://authority.test",
                        "certChain": {"certificates": [{"rawBytes": root}]},
                        "validFor": window,
                    }
                ],
                "ctlogs": [log(self.stamps)],
                "timestampAuthorities": [],
            }
        ).encode()
