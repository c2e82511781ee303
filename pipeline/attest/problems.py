"""The problems of attesting: what cannot be read, what cannot be trusted. Must not know who asks."""

from cas.problems import Category, Problem


class EnvelopeInvalid(Problem):
    """Bytes are not a DSSE v1 envelope."""

    code = "attest.envelope_invalid"
    category = Category.INVALID
    title = "Not a DSSE envelope"
    remedy = "Send the envelope as JSON with payload, payloadType and signatures, base64 standard or URL-safe."


class StatementInvalid(Problem):
    """A payload is not an in-toto Statement, or not the one that was wanted."""

    code = "attest.statement_invalid"
    category = Category.INVALID
    title = "Not an acceptable in-toto statement"
    remedy = "Send an in-toto Statement v1 whose subjects carry SHA-256 digests."


class KeyInvalid(Problem):
    """A public key must not be trusted: malformed, small, of small order, or not what its record says."""

    code = "attest.key_invalid"
    category = Category.INVALID
    title = "Unacceptable key"
    remedy = "Use Ed25519, ECDSA P-256, or RSA of 2048 to 8192 bits with exponent 65537, freshly generated."


class RootInvalid(Problem):
    """A trust root breaks its own rules."""

    code = "attest.root_invalid"
    category = Category.INVALID
    title = "Unacceptable trust root"
    remedy = "Correct the faults listed, and have it signed again."


class DirectoryInvalid(Problem):
    """A directory breaks its rules."""

    code = "attest.directory_invalid"
    category = Category.INVALID
    title = "Unacceptable directory"
    remedy = "Correct the faults listed, and have it signed again."
