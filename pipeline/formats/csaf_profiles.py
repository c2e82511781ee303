"""CSAF 2.0, mandatory tests about words and profiles: 6.1.11, 6.1.12, 6.1.15, 6.1.23, 6.1.24, 6.1.26 to 6.1.28."""

import functools
import re
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

from pipeline.formats.csaf_parts import (
    Document,
    Found,
    Test,
    category,
    groups,
    items,
    quoted,
    spoken_of,
    vulnerabilities,
)
from pipeline.formats.instant import instant

_PROFILES: Final = (
    "csaf_base",
    "csaf_security_incident_response",
    "csaf_informational_advisory",
    "csaf_security_advisory",
    "csaf_vex",
)
_INFORMING: Final = frozenset({"csaf_informational_advisory", "csaf_security_incident_response"})
_ADVISING: Final = frozenset({"csaf_security_advisory", "csaf_vex"})
_INFORMATIONAL: Final = frozenset({"csaf_informational_advisory"})
_VEX: Final = frozenset({"csaf_vex"})
_SAYING: Final = frozenset({"description", "details", "general", "summary"})
_STATED: Final = ("fixed", "known_affected", "known_not_affected", "under_investigation")
_SOFT: Final = re.compile(r"[-_\s]+")


@functools.cache
def weaknesses() -> Mapping[int, frozenset[str]]:
    """Give the names of every weakness of CWE 4.14, former ones included."""
    text = resources.files("pipeline.formats").joinpath("data", "cwe-4.14.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {int(number): frozenset(names) for number, *names in rows}


def weakness(document: Document) -> Found:
    """6.1.11: the weakness exists and has its name. What is newer than our list cannot be told, and passes."""
    known = weaknesses()
    for at, vulnerability in vulnerabilities(document):
        if "cwe" not in vulnerability:
            continue
        name, number = vulnerability["cwe"]["name"], int(vulnerability["cwe"]["id"].removeprefix("CWE-"))
        if number > max(known):
            continue
        if number not in known:
            yield f"{at}/cwe/id", f"CWE-{number} is no weakness"
        elif name not in known[number]:
            yield f"{at}/cwe/name", f"CWE-{number} is not named {quoted(name)}"


def language(document: Document) -> Found:
    """6.1.12: languages exist."""
    for name in ("lang", "source_lang"):
        tag = document["document"].get(name)
        if tag is not None and tag.lower() not in {"i-default", "i-mingo"} and not _is_language(tag):
            yield f"/document/{name}", f"{quoted(tag)} is no language of the IANA registry"


def translator(document: Document) -> Found:
    """6.1.15: a translator says from which language."""
    head = document["document"]
    if head["publisher"]["category"] == "translator" and not head.get("source_lang"):
        yield "/document", "a translation must give source_lang"


def cve_twice(document: Document) -> Found:
    """6.1.23: a CVE has one item."""
    seen: set[str] = set()
    for at, vulnerability in vulnerabilities(document):
        name = vulnerability.get("cve")
        if name in seen:
            yield f"{at}/cve", f"{quoted(name)} has an item already"
        if name:
            seen.add(name)


def involved_twice(document: Document) -> Found:
    """6.1.24: a party is involved once at any date."""
    for at, vulnerability in vulnerabilities(document):
        seen: set[tuple[str, str]] = set()
        for here, each in items(vulnerability, "involvements", at):
            date = each.get("date", "")
            key = (each["party"], instant(date) or date)
            if key in seen:
                yield here, f"party {quoted(each['party'])} is listed twice at one date"
            seen.add(key)


def category_taken(document: Document) -> Found:
    """6.1.26: a category of one's own is not named like a profile."""
    name = category(document)
    if name in _PROFILES:
        return
    soft = _SOFT.sub("", name.lower())
    taken = {_SOFT.sub("", form) for each in _PROFILES[1:] for form in (each, each.removeprefix("csaf_"))}
    if soft in taken:
        yield "/document/category", f"{quoted(name)} is the name of a profile"
    elif name.lower().startswith("csaf_"):
        yield "/document/category", f"{quoted(name)}: csaf_ is reserved"


def _in(profiles: frozenset[str], test: Callable[[Document], Found]) -> Test:
    """Ask a test of some profiles only."""

    def asked(document: Document) -> Found:
        if category(document) in profiles:
            yield from test(document)

    return asked


def no_note(document: Document) -> Found:
    """6.1.27.1: a note says something."""
    if not any(note["category"] in _SAYING for note in document["document"].get("notes") or ()):
        yield "/document", "no note of category description, details, general or summary"


def no_reference(document: Document) -> Found:
    """6.1.27.2: an external reference exists."""
    listed = document["document"].get("references") or ()
    if not any(reference.get("category", "external") == "external" for reference in listed):
        yield "/document", "no external reference"


def has_vulnerabilities(document: Document) -> Found:
    """6.1.27.3: an informational advisory has no vulnerabilities."""
    if "vulnerabilities" in document:
        yield "/vulnerabilities", "an informational advisory lists no vulnerabilities"


def no_tree(document: Document) -> Found:
    """6.1.27.4: there is a product tree."""
    if "product_tree" not in document:
        yield "", "there is no product_tree"


def _lacks(*names: str) -> Callable[[Document], Found]:
    def test(document: Document) -> Found:
        for at, vulnerability in vulnerabilities(document):
            if not any(name in vulnerability for name in names):
                yield at, f"there is no {' or '.join(names)}"

    return test


def no_vex_status(document: Document) -> Found:
    """6.1.27.7: a VEX status is given."""
    for at, vulnerability in vulnerabilities(document):
        if not any(name in (vulnerability.get("product_status") or {}) for name in _STATED):
            yield f"{at}/product_status", f"none of {', '.join(_STATED)} is given"


def _unstated(document: Document, status: str, said: Callable[[Mapping[str, Any]], list[Any]], what: str) -> Found:
    members = groups(document)
    for at, vulnerability in vulnerabilities(document):
        spoken = frozenset[str]().union(*(spoken_of(each, members) for each in said(vulnerability)))
        for here, product in items(vulnerability.get("product_status") or {}, status, f"{at}/product_status"):
            if product not in spoken:
                yield here, f"product {quoted(product)} has no {what}"


def no_impact(document: Document) -> Found:
    """6.1.27.9: every product that is not affected has an impact statement."""
    yield from _unstated(
        document, "known_not_affected", _impacts, "impact statement (flag, or threat of category impact)"
    )


def _impacts(vulnerability: Mapping[str, Any]) -> list[Any]:
    threats = [each for each in vulnerability.get("threats") or () if each["category"] == "impact"]
    return [*(vulnerability.get("flags") or ()), *threats]


def no_action(document: Document) -> Found:
    """6.1.27.10: every affected product has an action statement."""
    yield from _unstated(document, "known_affected", lambda each: each.get("remediations") or [], "remediation")


def no_vulnerabilities(document: Document) -> Found:
    """6.1.27.11: there are vulnerabilities."""
    if "vulnerabilities" not in document:
        yield "", "there are no vulnerabilities"


def translated_to_itself(document: Document) -> Found:
    """6.1.28: source and target language differ."""
    head = document["document"]
    if head.get("lang") is not None and str(head.get("source_lang", "")).lower() == head["lang"].lower():
        yield "/document/source_lang", f"{quoted(head['source_lang'])} is the language of the document too"


TESTS: Final[tuple[tuple[str, Test], ...]] = (
    ("6.1.11", weakness),
    ("6.1.12", language),
    ("6.1.15", translator),
    ("6.1.23", cve_twice),
    ("6.1.24", involved_twice),
    ("6.1.26", category_taken),
    ("6.1.27.1", _in(_INFORMING, no_note)),
    ("6.1.27.2", _in(_INFORMING, no_reference)),
    ("6.1.27.3", _in(_INFORMATIONAL, has_vulnerabilities)),
    ("6.1.27.4", _in(_ADVISING, no_tree)),
    ("6.1.27.5", _in(_ADVISING, _lacks("notes"))),
    ("6.1.27.6", _in(frozenset({"csaf_security_advisory"}), _lacks("product_status"))),
    ("6.1.27.7", _in(_VEX, no_vex_status)),
    ("6.1.27.8", _in(_VEX, _lacks("cve", "ids"))),
    ("6.1.27.9", _in(_VEX, no_impact)),
    ("6.1.27.10", _in(_VEX, no_action)),
    ("6.1.27.11", _in(_ADVISING, no_vulnerabilities)),
    ("6.1.28", translated_to_itself),
)


def _is_language(tag: str) -> bool:
    """Tell whether a tag is one of the IANA registry; its library is loaded for the first that is asked."""
    import langcodes  # noqa: PLC0415 - a third of a second at the start of whoever loads the formats

    return bool(langcodes.tag_is_valid(tag))
