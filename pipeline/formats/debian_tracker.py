"""Debian's security tracker (its JSON export) as OSV documents: one per vulnerability, as OSV itself names them.

``resolved`` with a version is fixed there, with ``0`` the release was never affected; ``open`` and ``undetermined`` are
affected without a fix. The urgency is Debian's own word. The export has no dates, so neither have the documents: what
did not change keeps its digest.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from pipeline.formats.decode import typed

NAME: Final = "debian-tracker"
NO_DATE: Final = "1970-01-01T00:00:00Z"
_RELEASES: Final = {
    "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}  # fmt: skip


class _Release(msgspec.Struct, gc=False):
    status: str = ""
    fixed_version: str = ""
    urgency: str = ""


class _Issue(msgspec.Struct, gc=False):
    description: str = ""
    releases: dict[str, _Release] = {}


_TRACKER: Final = msgspec.json.Decoder(dict[str, dict[str, _Issue]])


def detects(document: Mapping[str, Any]) -> bool:
    """Tell whether an object is the tracker's export: packages, in each vulnerabilities, in each releases."""
    packages = (each for each in document.values() if isinstance(each, dict))
    issue = next((each for package in packages for each in package.values()), None)
    return isinstance(issue, dict) and isinstance(issue.get("releases"), dict)


def documents(raws: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Give an OSV document per vulnerability, sorted by id.

    Raises: evidence.unreadable, cas.too_large
    """
    found: dict[str, list[tuple[str, str, str, str, str]]] = {}
    summaries: dict[str, str] = {}
    for raw in raws:
        for package, issues in typed(raw, _TRACKER, NAME).items():
            for name, issue in issues.items():
                summaries.setdefault(name, issue.description)
                found.setdefault(name, []).extend(_rows(package, issue))
    for name in sorted(found):
        if found[name]:
            yield _document(name, summaries[name], sorted(set(found[name])))


def _rows(package: str, issue: _Issue) -> Iterator[tuple[str, str, str, str, str]]:
    for release, said in issue.releases.items():
        version = _RELEASES.get(release)
        if version is None or (said.status == "resolved" and said.fixed_version in ("", "0")):
            continue
        fixed = said.fixed_version if said.status == "resolved" else ""
        yield f"Debian:{version}", package, fixed, said.urgency.rstrip("*"), said.status


def _document(name: str, summary: str, rows: list[tuple[str, str, str, str, str]]) -> dict[str, Any]:
    return {
        "schema_version": "1.7.0",
        "id": f"DEBIAN-{name}",
        "modified": NO_DATE,
        "upstream": [name],
        "summary": summary[:500],
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events(fixed)}],
                "ecosystem_specific": {"urgency": urgency or "not yet assigned", "status": status},
            }
            for ecosystem, package, fixed, urgency, status in rows
        ],
    }


def events(fixed: str) -> list[dict[str, str]]:
    """Give the events of a range from the beginning to a fix, or without end."""
    return [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
