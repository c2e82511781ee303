"""Every foreign format, in order of asking. A newcomer adds a line."""

from typing import Final

from pipeline.formats import csaf, cyclonedx_vex, cyclonedx_vex_xml, reachability, runtime_observation
from pipeline.formats.cyclonedx import CYCLONEDX
from pipeline.formats.cyclonedx_extension import EXTENSION
from pipeline.formats.cyclonedx_unplaced import UNPLACED, UNPLACED_XML
from pipeline.formats.cyclonedx_xml import CYCLONEDX_XML
from pipeline.formats.dsse import DSSE
from pipeline.formats.format import Format
from pipeline.formats.generic import GENERIC
from pipeline.formats.in_toto import IN_TOTO
from pipeline.formats.openvex import OPENVEX
from pipeline.formats.osv import OSV
from pipeline.formats.reports.bandit import BANDIT
from pipeline.formats.reports.brakeman import BRAKEMAN
from pipeline.formats.reports.bundler_audit import BUNDLER_AUDIT
from pipeline.formats.reports.bundler_audit_text import BUNDLER_AUDIT_TEXT
from pipeline.formats.reports.cargo_audit import CARGO_AUDIT
from pipeline.formats.reports.checkov import CHECKOV
from pipeline.formats.reports.checkstyle import CHECKSTYLE
from pipeline.formats.reports.clair import CLAIR
from pipeline.formats.reports.clair_scanner import CLAIR_SCANNER
from pipeline.formats.reports.clover import CLOVER
from pipeline.formats.reports.cobertura import COBERTURA
from pipeline.formats.reports.codeclimate import CODECLIMATE
from pipeline.formats.reports.composer_audit import COMPOSER_AUDIT
from pipeline.formats.reports.composer_licenses import COMPOSER_LICENSES
from pipeline.formats.reports.coverage_py import COVERAGE_PY
from pipeline.formats.reports.ctrf import CTRF
from pipeline.formats.reports.cucumber import CUCUMBER
from pipeline.formats.reports.dependency_check import DEPENDENCY_CHECK
from pipeline.formats.reports.dependency_check_xml import DEPENDENCY_CHECK_XML
from pipeline.formats.reports.detect_secrets import DETECT_SECRETS
from pipeline.formats.reports.dockle import DOCKLE
from pipeline.formats.reports.dotnet_list import DOTNET_LIST
from pipeline.formats.reports.dotnet_tests import DOTNET_TESTS
from pipeline.formats.reports.eslint import ESLINT
from pipeline.formats.reports.github_alerts import GITHUB_ALERTS
from pipeline.formats.reports.gitlab import GITLAB_REPORT
from pipeline.formats.reports.gitleaks import GITLEAKS
from pipeline.formats.reports.go_cover import GO_COVER
from pipeline.formats.reports.go_test import GO_TEST
from pipeline.formats.reports.golangci_lint import GOLANGCI_LINT
from pipeline.formats.reports.gosec import GOSEC
from pipeline.formats.reports.govulncheck import GOVULNCHECK, GOVULNCHECK_TRACES
from pipeline.formats.reports.govulncheck_legacy import GOVULNCHECK_LEGACY, GOVULNCHECK_LEGACY_TRACES
from pipeline.formats.reports.grype import GRYPE
from pipeline.formats.reports.hadolint import HADOLINT
from pipeline.formats.reports.istanbul import ISTANBUL
from pipeline.formats.reports.jacoco import JACOCO
from pipeline.formats.reports.jest import JEST
from pipeline.formats.reports.junit import JUNIT
from pipeline.formats.reports.kics import KICS
from pipeline.formats.reports.klar import KLAR
from pipeline.formats.reports.lcov import LCOV
from pipeline.formats.reports.license_checker import LICENSE_CHECKER
from pipeline.formats.reports.llvm_cov import LLVM_COV
from pipeline.formats.reports.mocha import MOCHA
from pipeline.formats.reports.npm_audit import NPM_AUDIT
from pipeline.formats.reports.nuclei import NUCLEI
from pipeline.formats.reports.opencover import OPENCOVER
from pipeline.formats.reports.ort import ORT
from pipeline.formats.reports.ort_evaluated import ORT_EVALUATED
from pipeline.formats.reports.osv_scanner import OSV_SCANNER
from pipeline.formats.reports.phpstan import PHPSTAN
from pipeline.formats.reports.pip_audit import PIP_AUDIT
from pipeline.formats.reports.pip_licenses import PIP_LICENSES
from pipeline.formats.reports.pmd import PMD
from pipeline.formats.reports.pmd_csv import PMD_CSV
from pipeline.formats.reports.pmd_xml import PMD_XML
from pipeline.formats.reports.pylint import PYLINT
from pipeline.formats.reports.retire import RETIRE
from pipeline.formats.reports.rubocop import RUBOCOP
from pipeline.formats.reports.ruff import RUFF
from pipeline.formats.reports.safety import SAFETY
from pipeline.formats.reports.sarif import SARIF
from pipeline.formats.reports.sarif_flows import SARIF_FLOWS
from pipeline.formats.reports.scancode import SCANCODE
from pipeline.formats.reports.semgrep import SEMGREP
from pipeline.formats.reports.shellcheck import SHELLCHECK
from pipeline.formats.reports.snyk import SNYK
from pipeline.formats.reports.sonar_coverage import SONAR_COVERAGE
from pipeline.formats.reports.spotbugs import SPOTBUGS
from pipeline.formats.reports.staticcheck import STATICCHECK
from pipeline.formats.reports.stylelint import STYLELINT
from pipeline.formats.reports.tap import TAP
from pipeline.formats.reports.terrascan import TERRASCAN
from pipeline.formats.reports.tfsec import TFSEC
from pipeline.formats.reports.trivy import TRIVY, TRIVY_LICENSES, TRIVY_SECRETS
from pipeline.formats.reports.trivy_k8s import TRIVY_K8S, TRIVY_K8S_SECRETS
from pipeline.formats.reports.trufflehog import TRUFFLEHOG
from pipeline.formats.reports.trufflehog3 import TRUFFLEHOG3
from pipeline.formats.reports.trufflehog_2 import TRUFFLEHOG_2
from pipeline.formats.reports.xccdf import XCCDF
from pipeline.formats.reports.yarn_audit import YARN_AUDIT
from pipeline.formats.reports.zap import ZAP
from pipeline.formats.reports.zap_xml import ZAP_XML
from pipeline.formats.sigstore import COSIGN, SIGSTORE_BUNDLE
from pipeline.formats.slsa import PROVENANCE, VSA
from pipeline.formats.spdx2 import SPDX2
from pipeline.formats.spdx2_rdf import SPDX2_RDF
from pipeline.formats.spdx2_tag_value import SPDX2_TAG_VALUE
from pipeline.formats.spdx3 import SPDX3

FORMATS: Final[tuple[Format, ...]] = (
    DSSE,
    SIGSTORE_BUNDLE,
    COSIGN,
    IN_TOTO,
    PROVENANCE,
    VSA,
    CYCLONEDX,
    CYCLONEDX_XML,
    SPDX2,
    SPDX2_TAG_VALUE,
    SPDX2_RDF,
    SPDX3,
    OPENVEX,
    csaf.FORMAT,
    cyclonedx_vex.VEX,
    cyclonedx_vex.VULNERABILITIES,
    cyclonedx_vex.STACKS,
    cyclonedx_vex_xml.VEX,
    cyclonedx_vex_xml.VULNERABILITIES,
    cyclonedx_vex_xml.STACKS,
    UNPLACED,
    UNPLACED_XML,
    EXTENSION,
    reachability.FORMAT,
    runtime_observation.FORMAT,
    OSV,
    SARIF,
    SARIF_FLOWS,
    TRIVY,
    TRIVY_SECRETS,
    TRIVY_LICENSES,
    TRIVY_K8S,
    TRIVY_K8S_SECRETS,
    GRYPE,
    SNYK,
    GOVULNCHECK,
    GOVULNCHECK_TRACES,
    GOVULNCHECK_LEGACY,
    GOVULNCHECK_LEGACY_TRACES,
    OSV_SCANNER,
    CLAIR,
    CLAIR_SCANNER,
    KLAR,
    NPM_AUDIT,
    YARN_AUDIT,
    PIP_AUDIT,
    SAFETY,
    CARGO_AUDIT,
    BUNDLER_AUDIT,
    BUNDLER_AUDIT_TEXT,
    COMPOSER_AUDIT,
    DOTNET_LIST,
    DEPENDENCY_CHECK,
    DEPENDENCY_CHECK_XML,
    RETIRE,
    GITLAB_REPORT,
    GITHUB_ALERTS,
    SEMGREP,
    BANDIT,
    GOSEC,
    GOLANGCI_LINT,
    STATICCHECK,
    ESLINT,
    STYLELINT,
    PYLINT,
    RUFF,
    SHELLCHECK,
    RUBOCOP,
    BRAKEMAN,
    PHPSTAN,
    PMD,
    PMD_XML,
    PMD_CSV,
    SPOTBUGS,
    CHECKSTYLE,
    CODECLIMATE,
    HADOLINT,
    CHECKOV,
    TFSEC,
    KICS,
    TERRASCAN,
    DOCKLE,
    XCCDF,
    ZAP,
    ZAP_XML,
    NUCLEI,
    GITLEAKS,
    TRUFFLEHOG,
    TRUFFLEHOG_2,
    TRUFFLEHOG3,
    DETECT_SECRETS,
    PIP_LICENSES,
    LICENSE_CHECKER,
    COMPOSER_LICENSES,
    SCANCODE,
    ORT,
    ORT_EVALUATED,
    JUNIT,
    DOTNET_TESTS,
    TAP,
    GO_TEST,
    CTRF,
    JEST,
    MOCHA,
    CUCUMBER,
    COBERTURA,
    JACOCO,
    CLOVER,
    OPENCOVER,
    SONAR_COVERAGE,
    LCOV,
    COVERAGE_PY,
    GO_COVER,
    ISTANBUL,
    LLVM_COV,
    GENERIC,
)


def named(name: str) -> Format | None:
    """Give a format by its name without version, further readings included."""
    return next((each for each in FORMATS if each.name == name), None)
