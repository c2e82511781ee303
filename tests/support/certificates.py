"""A certificate authority of a test's own, and what it signs: for engines and clients that speak TLS."""

import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem_of(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class Authority:
    """Signs for servers and clients. ``pem`` is its own certificate."""

    def __init__(self, name):
        self.name, self.key = _name(name), ec.generate_private_key(ec.SECP256R1())
        self._own = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        self.pem = self._signed(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0))

    def _signed(self, subject, public, *extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(END)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._own), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name, usage, *addresses):
        """Give (certificate, private key) as PEM for a server at these addresses, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [x509.BasicConstraints(ca=False, path_length=None), x509.ExtendedKeyUsage([usage])]
        if addresses:
            named = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
            extensions.append(x509.SubjectAlternativeName(named))
        return self._signed(_name(name), key.public_key(), *extensions), _pem_of(key)
