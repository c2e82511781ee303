"""SPDX 2.2 and 2.3 tag-value as SBOM facts. Must not know feeds.

Lines become the JSON of the same document, as far as it is read or judged: one schema judges and one reader reads every
spelling. ``<text>`` may span lines; ``#`` begins a comment line. A tag that SPDX 2 does not know is refused: a mistyped
tag would hide what it says.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from cas.problems import Fault
from cas.records.evidence import SbomFacts
from pipeline.formats import schema, spdx2
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable

NAME: Final = "spdx-tag-value"
_LINE: Final = re.compile(r"([A-Za-z]+):[ \t]*(.*)\Z", re.DOTALL)
_VERSION: Final = re.compile(r"^SPDXVersion:[ \t]*(\S*)[ \t]*$", re.MULTILINE)
_HEAD: Final = 1 << 16
_DOCUMENT: Final = {
    "SPDXVersion": "spdxVersion",
    "DataLicense": "dataLicense",
    "DocumentName": "name",
    "DocumentNamespace": "documentNamespace",
    "DocumentComment": "comment",
}
_CREATION: Final = {"Created": "created", "CreatorComment": "comment", "LicenseListVersion": "licenseListVersion"}
_PACKAGE: Final = {
    "PackageName": "name",
    "SPDXID": "SPDXID",
    "PackageVersion": "versionInfo",
    "PackageFileName": "packageFileName",
    "PackageSupplier": "supplier",
    "PackageOriginator": "originator",
    "PackageDownloadLocation": "downloadLocation",
    "PackageHomePage": "homepage",
    "PackageSourceInfo": "sourceInfo",
    "PackageLicenseConcluded": "licenseConcluded",
    "PackageLicenseDeclared": "licenseDeclared",
    "PackageCopyrightText": "copyrightText",
    "PrimaryPackagePurpose": "primaryPackagePurpose",
    "BuiltDate": "builtDate",
    "ReleaseDate": "releaseDate",
    "ValidUntilDate": "validUntilDate",
}
_FILE: Final = {"FileName": "fileName", "SPDXID": "SPDXID"}
_LICENSE: Final = {"LicenseID": "licenseId", "ExtractedText": "extractedText", "LicenseName": "name"}
_CARRIED: Final = frozenset(
    {
        "ExternalDocumentRef", "FilesAnalyzed", "PackageVerificationCode", "PackageLicenseInfoFromFiles",
        "PackageLicenseComments", "PackageSummary", "PackageDescription", "PackageComment", "PackageAttributionText",
        "ExternalRefComment", "FileType", "LicenseConcluded", "LicenseInfoInFile", "LicenseComments",
        "FileCopyrightText", "FileComment", "FileNotice", "FileContributor", "FileAttributionText", "FileDependency",
        "ArtifactOfProjectName", "ArtifactOfProjectHomePage", "ArtifactOfProjectURI", "SnippetSPDXID",
        "SnippetFromFileSPDXID", "SnippetByteRange", "SnippetLineRange", "SnippetLicenseConcluded",
        "LicenseInfoInSnippet", "SnippetLicenseComments", "SnippetCopyrightText", "SnippetComment", "SnippetName",
        "SnippetAttributionText", "LicenseCrossReference", "LicenseComment", "RelationshipComment", "Reviewer",
        "SPDXREF", "ReviewDate", "ReviewComment", "Annotator", "AnnotationDate", "AnnotationType", "AnnotationComment",
    }
)  # fmt: skip
"""Tags of SPDX 2 that are kept in the raw document only."""


@dataclass(slots=True)
class _Spelled:
    """The JSON of a document, the line where each of its parts begins, and lines that say nothing we know."""

    document: dict[str, Any] = field(default_factory=lambda: {"creationInfo": {}})
    lines: dict[str, int] = field(default_factory=dict)  # JSON pointer to line
    faults: list[Fault] = field(default_factory=list)

    def begin(self, name: str, line: int) -> dict[str, Any]:
        """Begin an item of a list of the document."""
        items = self.document.setdefault(name, [])
        self.lines[f"/{name}/{len(items)}"] = line
        items.append({})
        return items[-1]  # type: ignore[no-any-return]

    def place(self, pointer: str) -> str:
        """Give the line where the part that a JSON pointer leads into begins."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return f"#L{self.lines.get(pointer, 1)}"


def _tags(text: str) -> Iterator[tuple[int, str, str]]:
    """Give (line, tag, value); the tag is empty for a line that is none."""
    lines = iter(enumerate(text.replace("\r\n", "\n").split("\n"), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line.strip())
        if found is None:
            yield number, "", line.strip()
            continue
        tag, value = found.groups()
        if value.startswith("<text>"):
            parts = [value.removeprefix("<text>")]
            while "</text>" not in parts[-1]:
                _, more = next(lines, (0, "</text>\0"))
                parts.append(more)
            value = "\n".join(parts)
            if value.endswith("\0"):
                yield number, "", f"{tag}: <text> is never closed"
                continue
            value = value.partition("</text>")[0]
        yield number, tag, value.strip()


def _creator(spelled: _Spelled, value: str) -> None:
    spelled.document["creationInfo"].setdefault("creators", []).append(value)


def _checksum(item: dict[str, Any], value: str) -> None:
    algorithm, _, digest = value.partition(":")
    item.setdefault("checksums", []).append({"algorithm": algorithm.strip(), "checksumValue": digest.strip()})


def _external(item: dict[str, Any], value: str) -> None:
    category, kind, locator = (*value.split(None, 2), "", "", "")[:3]
    ref = {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
    item.setdefault("externalRefs", []).append(ref)


def _relationship(spelled: _Spelled, line: int, value: str) -> None:
    left, kind, right = (*value.split(None, 2), "", "", "")[:3]
    spelled.begin("relationships", line).update(
        spdxElementId=left, relationshipType=kind.upper(), relatedSpdxElement=right.split(" ", 1)[0]
    )


_BEGINS: Final = {
    "PackageName": ("packages", _PACKAGE),
    "FileName": ("files", _FILE),
    "LicenseID": ("hasExtractedLicensingInfos", _LICENSE),
}


class _Reader:
    """Puts each tag where the JSON has it."""

    def __init__(self) -> None:
        self.spelled = _Spelled()
        self.item: dict[str, Any] = self.spelled.document
        self.fields: dict[str, str] = {**_DOCUMENT, "SPDXID": "SPDXID"}
        self.package: dict[str, Any] | None = None
        self.contained: list[tuple[dict[str, Any], dict[str, Any], int]] = []

    def take(self, line: int, tag: str, value: str) -> None:
        """Take one tag."""
        if tag in _BEGINS:
            name, self.fields = _BEGINS[tag]
            self.item = self.spelled.begin(name, line)
            if tag == "PackageName":
                self.package = self.item
            elif tag == "FileName" and self.package is not None:
                self.contained.append((self.package, self.item, line))
        elif tag == "SnippetSPDXID":
            self.item, self.fields = {}, {}
        if not self._plain(tag, value) and not self._composed(line, tag, value) and tag not in _CARRIED:
            what = f"unknown tag {tag[:80]!r}" if tag else f"no tag: {value[:80]!r}"
            self.spelled.faults.append(Fault(f"#L{line}", "evidence.schema.syntax", what))

    def close(self) -> _Spelled:
        """Give the document; a package contains the files that follow it (SPDX 2.3, 8)."""
        for package, file, line in self.contained:
            pair = (package.get("SPDXID", ""), file.get("SPDXID", ""))
            _relationship(self.spelled, line, f"{pair[0]} CONTAINS {pair[1]}")
        return self.spelled

    def _plain(self, tag: str, value: str) -> bool:
        if tag in self.fields:
            item, name = self.item, self.fields[tag]
        elif tag in _DOCUMENT:
            item, name = self.spelled.document, _DOCUMENT[tag]
        elif tag in _CREATION:
            item, name = self.spelled.document["creationInfo"], _CREATION[tag]
        else:
            return tag == "SPDXID" and not self.fields
        item[name] = value.replace("-", "_") if name == "primaryPackagePurpose" else value
        return True

    def _composed(self, line: int, tag: str, value: str) -> bool:
        if tag == "Creator":
            _creator(self.spelled, value)
        elif tag == "Relationship":
            _relationship(self.spelled, line, value)
        elif tag in ("PackageChecksum", "FileChecksum"):
            _checksum(self.item, value)
        elif tag == "ExternalRef":
            _external(self.item, value)
        else:
            return False
        return True


def _spelled(text: str) -> _Spelled:
    reader = _Reader()
    for line, tag, value in _tags(text):
        reader.take(line, tag, value)
    return reader.close()


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of an SPDX 2 document in tag-value.

    Raises: evidence.unreadable
    """
    try:
        spelled = _spelled(data.decode("utf-8"))
        document = msgspec.convert(spelled.document, spdx2.Document)
    except (UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DocumentUnreadable(format=NAME, reason=str(error)[:200]) from error
    places = [spelled.place(f"/packages/{at}") for at in range(len(document.packages))]
    return spdx2.facts(document, f"{NAME}/{version}", places)


def _detects(content: Content) -> bool:
    return content.syntax == "text" and _VERSION.search(content.value, 0, _HEAD) is not None


def _version(content: Content) -> str:
    found = _VERSION.search(content.value, 0, _HEAD)
    return found.group(1).removeprefix("SPDX-") if found else ""


def _faults(content: Content) -> Iterable[Fault]:
    """Judge the lines, then the document that they make by the schema of its JSON."""
    spelled = _spelled(content.value)
    if spelled.faults:
        return spelled.faults[: schema.MAX_FAULTS]
    found = (
        *schema.faults(dict(spdx2.SCHEMAS)[_version(content)], spelled.document),
        *spdx2.created_faults(spelled.document),
    )
    return [
        Fault(spelled.place(each.pointer), each.code, f"{each.pointer or '/'} of its JSON: {each.message}")
        for each in found
    ]


ABOUT: Final = """
SPDX 2 in tag-value. The lines become the JSON of the same document, as far as it is read or judged: then the schema of
[spdx-json](spdx-json.md) judges it, and the same facts are read. Places are lines (`#L42`).

`<text>…</text>` may span lines; a line that begins with `#` is a comment. A package contains the files that follow it. A
line that is no tag, a tag that SPDX 2 does not know, and a `<text>` that never ends are refused
(`evidence.schema.syntax`): a mistyped tag would hide what it says. UTF-8 only.

Tags that say nothing of packages (reviews, annotations, snippets, notices, comments) are kept and not read; their values
are not judged.
"""  # noqa: E501 - rows of tables

SPDX2_TAG_VALUE: Final = Format(
    name=NAME,
    media_types=("text/spdx",),
    schemas=tuple((version, "") for version, _ in spdx2.SCHEMAS),
    detects=_detects,
    version=_version,
    kind=spdx2.kind,
    read=read,
    subjects=spdx2.subjects,
    faults=_faults,
    about=ABOUT,
)
