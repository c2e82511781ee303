"""Names for predicate types that people meet. Labels only: what is not listed is carried all the same."""

from typing import Final

_LABELS: Final = (
    ("https://slsa.dev/provenance/", "SLSA provenance"),
    ("https://slsa.dev/verification_summary/", "SLSA verification summary"),
    ("https://in-toto.io/attestation/vsa/", "SLSA verification summary"),
    ("https://in-toto.io/attestation/test-result/", "test result"),
    ("https://in-toto.io/attestation/release/", "release"),
    ("https://in-toto.io/attestation/scai/", "supply chain attribute (SCAI)"),
    ("https://in-toto.io/attestation/runtime-trace/", "runtime trace"),
    ("https://in-toto.io/attestation/vulns", "vulnerabilities"),
    ("https://in-toto.io/attestation/link/", "in-toto link"),
    ("https://in-toto.io/Link/", "in-toto link"),
    ("https://in-toto.io/attestation/svr/", "simple verification result"),
    ("https://cosign.sigstore.dev/attestation/vuln/", "vulnerabilities (cosign)"),
    ("https://cosign.sigstore.dev/attestation/", "cosign custom predicate"),
    ("https://sigstore.dev/cosign/sign/", "cosign signature"),
    ("cosign.sigstore.dev/attestation/", "cosign custom predicate"),
    ("https://github.com/npm/attestation/tree/main/specs/publish/", "npm publish"),
    ("https://witness.testifysec.com/attestation-collection/", "witness collection"),
    ("https://witness.dev/attestation-collection/", "witness collection"),
    ("https://cyclonedx.org/", "CycloneDX SBOM"),
    ("https://spdx.dev/Document", "SPDX SBOM"),
    ("https://openvex.dev/ns", "OpenVEX"),
    ("https://stella-ops.org/attestations/", "stella"),
    ("chainloop.dev/attestation/", "chainloop attestation"),
    ("application/vnd.cncf.notary.payload", "notation payload"),
)


def label(predicate_type: str) -> str:
    """Give the name of a predicate type; empty when it has none here."""
    return next((text for prefix, text in _LABELS if predicate_type.startswith(prefix)), "")
