"""What single tools put into SARIF beyond the standard: names of vulnerabilities, packages, versions, categories.

Keyed by the driver's name. A tool that is not listed is read by the standard alone: names from rule ids, rule names and
tags. Free text names a vulnerability only for tools that are known to put the name there.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from cas.records.report import Category
from pipeline.formats.reports import words
from pipeline.formats.reports.sarif_log import Properties, Result, Rule


class Concerned(NamedTuple):
    """Whom a result speaks of, as a tool says it beside the standard."""

    texts: tuple[str, ...] = ()
    purl: str = ""
    package: str = ""
    version: str = ""
    fixed: str = ""


Flavour = Callable[[Result, Rule], Concerned]

SECRET_TOOLS: Final = frozenset(
    {"gitleaks", "trufflehog", "detect-secrets", "ggshield", "gitguardian", "secretscanner"}
)
_CONFIGURATION_TOOLS: Final = frozenset(
    {"checkov", "tfsec", "kics", "terrascan", "hadolint", "dockle", "kube-linter", "kubesec", "kubescape", "snyk iac"}
)
_SECRET_RULES: Final = frozenset({"B105", "B106", "B107", "G101"})  # of Bandit and gosec: their text quotes the secret
_SECRET_WORDS: Final = frozenset({"secret", "secrets", "secret-detection", "hardcoded-secret"})
_CONFIGURATION_WORDS: Final = frozenset({"misconfiguration", "iac", "kics", "iac-security", "infrastructure-as-code"})
_LICENSE_WORDS: Final = frozenset({"license", "licenses", "license-compliance"})
_VULNERABILITY_WORDS: Final = frozenset({"vulnerability", "sca", "containers", "software-composition-analysis"})

_MAX_TEXT: Final = 4096
_LINE: Final = re.compile(r"(?m)^(Package|Installed Version|Fixed Version|Version|Fix Version): ?(.*)$")
_SNYK: Final = re.compile(r"(?:\((?P<names>[^)]*)\) ?)?(?P<package>\S+)@(?P<version>\S+)")
_OSV: Final = re.compile(r"Package '(?P<package>.+?)@(?P<version>[^@']+)' is vulnerable to")


def _text(result: Result) -> str:
    return (result.message.text or "")[:_MAX_TEXT] if result.message else ""


def _fields(text: str) -> dict[str, str]:
    return {name: value.strip() for name, value in _LINE.findall(text)}


def _trivy(result: Result, _rule: Rule) -> Concerned:
    found = _fields(_text(result))
    return Concerned(
        package=found.get("Package", ""),
        version=found.get("Installed Version", ""),
        fixed=found.get("Fixed Version", ""),
    )


def _grype(_result: Result, rule: Rule) -> Concerned:
    found = _fields((rule.help.text or "")[:_MAX_TEXT] if rule.help else "")
    return Concerned(
        package=found.get("Package", ""), version=found.get("Version", ""), fixed=found.get("Fix Version", "")
    )


def _snyk(_result: Result, rule: Rule) -> Concerned:
    text = (rule.full_description.text or "")[:_MAX_TEXT] if rule.full_description else ""
    found = _SNYK.match(text)
    if found is None:
        return Concerned((text,))
    return Concerned((found["names"] or "",), package=found["package"], version=found["version"])


def _osv_scanner(result: Result, rule: Rule) -> Concerned:
    text = _text(result)
    found = _OSV.search(text)
    help_text = (rule.help.text or "")[:_MAX_TEXT] if rule.help else ""
    if found is None:
        return Concerned((text,))
    return Concerned((text, *help_text.splitlines()[:1]), package=found["package"], version=found["version"])


def _scout(_result: Result, rule: Rule) -> Concerned:
    bag = rule.properties or Properties()
    version, fixed = bag.affected_version, bag.fixed_version
    return Concerned(version=version if isinstance(version, str) else "", fixed=fixed if isinstance(fixed, str) else "")


_FLAVOURS: Final[tuple[tuple[str, Flavour], ...]] = (
    ("trivy", _trivy),
    ("grype", _grype),
    ("snyk", _snyk),
    ("osv-scanner", _osv_scanner),
    ("docker scout", _scout),
)


def concerned(driver: str, result: Result, rule: Rule) -> Concerned:
    """Say whom a result speaks of; purls in the property bags count whatever the tool."""
    lowered = driver.lower()
    own = next((read(result, rule) for name, read in _FLAVOURS if lowered.startswith(name)), Concerned())
    for bag in (result.properties, rule.properties):
        listed = (*((bag.purls or ()) if bag else ()), *((bag.purl,) if bag and isinstance(bag.purl, str) else ()))
        if listed:
            return own._replace(purl=listed[0])
    return own


def tags(result: Result, rule: Rule) -> tuple[str, ...]:
    """Give the tags of a result and of its rule."""
    return tuple(tag for bag in (result.properties, rule.properties) if bag for tag in bag.tags or ())


def category(driver: str, result: Result, rule: Rule, names: tuple[str, ...]) -> Category:
    """Say what a result is about: by its names, else by the words of tool, rule and tags."""
    lowered = driver.lower()
    said = {tag.lower() for tag in tags(result, rule)} | {(rule.name or "").lower()}
    if lowered in SECRET_TOOLS or said & _SECRET_WORDS or rule.id in _SECRET_RULES:
        return "secret"
    if names or said & _VULNERABILITY_WORDS:
        return "vulnerability"
    if lowered in _CONFIGURATION_TOOLS or said & _CONFIGURATION_WORDS:
        return "misconfiguration"
    return "license" if said & _LICENSE_WORDS else "code"


def names_of(driver: str, result: Result, rule: Rule, own: Concerned) -> tuple[str, ...]:
    """Find the names of the vulnerability in rule id, rule name, tags, and where the tool keeps them."""
    bag = [each.cve for each in (result.properties, rule.properties) if each and isinstance(each.cve, str)]
    found = words.names(result.rule_id, rule.id, rule.name, *tags(result, rule), *bag, *own.texts)
    if driver.lower().startswith("snyk"):
        return tuple(sorted({*found, *words.named(rule.id if rule.id.startswith("SNYK-") else "")}))
    return found
