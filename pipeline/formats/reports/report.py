"""What report formats share: building facts in their one order, inside their bounds, and declaring a format.

Knows the shapes of facts; must not know any tool. A secret itself never becomes a fact: readers of secret scanners hand
over rule, place and a digest that is computed from these, never the text that was found.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeGuard
from xml.etree.ElementTree import Element

from cas import digest
from cas.digest import Digest
from cas.problems import Fault, TooLarge
from cas.records.evidence import EvidenceKind
from cas.records.report import Category, ReportedFinding, ReportFacts, Severity
from pipeline.formats import xml
from pipeline.formats.decode import MAX_BYTES, digest_in, fit
from pipeline.formats.format import Content, Facts, Format, no_faults
from pipeline.formats.instant import instant
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.reports import words
from pipeline.versions import purl as purls

MAX_MESSAGE: Final = 4096
MAX_TEXT: Final = 1024
MAX_FLOW: Final = 256
SAFE: Final = 2**53 - 1


def result(
    category: Category,
    pointer: str,
    *,
    rule: str | None = "",
    names: Iterable[str] = (),
    severity: Severity = "unknown",
    score: int | None = None,
    purl: str = "",
    package: str | None = "",
    version: str | None = "",
    fixed_in: Iterable[str | None] = (),
    path: str | None = "",
    line: int | None = 0,
    message: str | None = "",
    suppressed: str = "",
    flow: Iterable[str] = (),
    fingerprint: str | None = "",
) -> ReportedFinding:
    """Build one result; a severity that is not told is the score's own."""
    return ReportedFinding(
        rule=fit(rule or "", MAX_TEXT),
        names=tuple(sorted(set(names))),
        category=category,
        severity=severity if severity != "unknown" else words.label(score),
        score_tenths=score,
        purl=purls.canonical(purl) if purl else "",
        package=fit(package or "", MAX_TEXT),
        version=fit(version or "", MAX_TEXT),
        fixed_in=tuple(sorted({fit(each, MAX_TEXT) for each in fixed_in if each})),
        path=fit(path or "", MAX_TEXT),
        line=count(line),
        message=fit(message or "", MAX_MESSAGE).strip(),
        suppressed=fit(suppressed, MAX_TEXT),
        flow=tuple(fit(step, MAX_TEXT) for step in flow)[:MAX_FLOW],
        fingerprint=fit(fingerprint or "", MAX_TEXT),
        pointer=pointer,
    )


def report(
    format_: str,
    tool: str,
    results: Iterable[ReportedFinding],
    *,
    tool_version: str | None = "",
    created_at: str | None = "",
    subjects: Iterable[Digest | None] = (),
    complete: bool = True,
) -> ReportFacts:
    """Build facts; results get their one order."""
    return ReportFacts(
        format=format_,
        tool=fit(tool, MAX_TEXT),
        tool_version=fit(tool_version or "", MAX_TEXT),
        created_at=instant(created_at or ""),
        subjects=tuple(sorted({each for each in subjects if each})),
        complete=complete,
        results=tuple(
            sorted(results, key=lambda one: (one.rule, one.names, one.purl, one.path, one.line, one.pointer))
        ),
    )


def count(number: float | str | None) -> int:
    """Give a whole number that a record holds: 0 for what is none, or negative."""
    try:
        return min(max(int(number or 0), 0), SAFE)
    except (ValueError, OverflowError):
        return 0


def at(*steps: str | int) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def references(*texts: str | None) -> tuple[Digest, ...]:
    """List the image digests that references end with."""
    return tuple(sorted({found for text in texts if text and (found := digest_in(text))}))


def identity(*parts: str | int) -> str:
    """Name a result by a digest of what places it, for tools that give no identity of their own."""
    return digest.of_bytes("\0".join(map(str, parts)).encode("utf-8", "replace"))


def unreadable(name: str, reason: str) -> DocumentUnreadable:
    """Say that a document cannot be read as its format."""
    return DocumentUnreadable(format=name, reason=reason[:200])


def tree(data: bytes, name: str) -> Element:
    """Read an XML document to its root element.

    Raises: evidence.unreadable, cas.too_large
    """
    try:
        return xml.parse(data)
    except xml.XmlInvalidError as error:
        raise unreadable(name, str(error)) from error


def lines(data: bytes, name: str) -> list[str]:
    """Read a text document to its lines.

    Raises: evidence.unreadable, cas.too_large
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(what="bytes", limit=MAX_BYTES, found=len(data))
    try:
        return data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise unreadable(name, str(error)) from error


def only(kind: EvidenceKind) -> Callable[[Content], EvidenceKind | None]:
    """Give the kind of a format that is always evidence of the same."""
    return lambda _content: kind


def one(_content: Content) -> str:
    """Give the version of formats that carry none."""
    return "1"


def subjects(facts: Any) -> tuple[Digest, ...]:
    """Give the digests that the facts name."""
    return tuple(facts.subjects)


def report_format(
    name: str,
    detects: Callable[[Content], bool],
    read: Callable[[bytes, str], Facts],
    kind: EvidenceKind | Callable[[Content], EvidenceKind | None] = "findings",
    *,
    version: Callable[[Content], str] = one,
    versions: tuple[str, ...] = ("1",),
    media_types: tuple[str, ...] = (),
    within: str = "",
    blanks: tuple[Any, ...] = (),
    about: str | None = "",
    faults: Callable[[Content], Iterable[Fault]] = no_faults,
) -> Format:
    """Declare a format that has no JSON schema of its own."""
    return Format(
        name=name,
        media_types=media_types,
        schemas=tuple((each, "") for each in versions),
        detects=detects,
        version=version,
        kind=kind if callable(kind) else only(kind),
        read=read,
        subjects=subjects,
        faults=faults,
        within=within,
        blanks=blanks,
        about=about or "",
    )


def holds(value: Any, /, **kinds: type | tuple[type, ...]) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a value is an object whose members of these names are of these types."""
    return isinstance(value, Mapping) and all(isinstance(value.get(name), kind) for name, kind in kinds.items())


def first(content: Content) -> Mapping[str, Any]:
    """Give the first object of a JSON array or of JSON lines; empty when there is none."""
    values = content.value if content.syntax in ("json", "json-lines") and isinstance(content.value, list) else []
    return values[0] if values and isinstance(values[0], Mapping) else {}


def listed(content: Content) -> tuple[Mapping[str, Any], ...]:
    """Give the values of a JSON array or of JSON lines, when all are objects; empty otherwise."""
    values = content.value if content.syntax in ("json", "json-lines") and isinstance(content.value, list) else []
    return tuple(values) if values and all(isinstance(each, Mapping) for each in values) else ()
