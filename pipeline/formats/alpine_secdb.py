"""Alpine's secdb (one JSON file per release and repository) as OSV documents: one per vulnerability.

A package lists, by version, what that version fixed; what ``0`` fixed never affected it. The files have no dates, so
neither have the documents: what did not change keeps its digest.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from pipeline.formats.debian_tracker import NO_DATE, events
from pipeline.formats.decode import typed

NAME: Final = "alpine-secdb"
_FAMILIES: Final = {"wolfi": "Wolfi", "chainguard": "Chainguard"}


class _Package(msgspec.Struct, gc=False):
    name: str
    secfixes: dict[str, tuple[str, ...] | None] | None = None


class _Entry(msgspec.Struct, gc=False):
    pkg: _Package


class _Secdb(msgspec.Struct, gc=False):
    packages: tuple[_Entry, ...]
    distroversion: str = ""
    reponame: str = ""
    urlprefix: str = ""


_SECDB: Final = msgspec.json.Decoder(_Secdb)


def detects(document: Mapping[str, Any]) -> bool:
    """Tell whether an object is a secdb file: packages that say what their versions fixed."""
    packages = document.get("packages")
    if not isinstance(packages, list) or not ("reponame" in document or "apkurl" in document):
        return False
    return all(isinstance(each, dict) and isinstance(each.get("pkg"), dict) for each in packages[:1])


def documents(raws: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Give an OSV document per vulnerability, sorted by id; files of several releases make one.

    Raises: evidence.unreadable, cas.too_large
    """
    found: dict[str, set[tuple[str, str, str]]] = {}
    for raw in raws:
        secdb = typed(raw, _SECDB, NAME)
        ecosystem = _ecosystem(secdb)
        for entry in secdb.packages:
            for version, names in (entry.pkg.secfixes or {}).items():
                for name in _names(names or ()) if version != "0" else ():
                    found.setdefault(name, set()).add((ecosystem, entry.pkg.name, version))
    for name in sorted(found):
        yield {
            "schema_version": "1.7.0",
            "id": f"ALPINE-{name}",
            "modified": NO_DATE,
            "upstream": [name],
            "affected": [
                {
                    "package": {"ecosystem": ecosystem, "name": package},
                    "ranges": [{"type": "ECOSYSTEM", "events": events(version)}],
                }
                for ecosystem, package, version in sorted(found[name])
            ],
        }


def _ecosystem(secdb: _Secdb) -> str:
    for family, ecosystem in _FAMILIES.items():
        if family in secdb.urlprefix or family in secdb.reponame:
            return ecosystem
    return f"Alpine:{secdb.distroversion}" if secdb.distroversion else "Alpine:edge"


def _names(given: Iterable[str]) -> Iterator[str]:
    """Give the names of a line: several may stand in one, parted by blanks; some carry a remark."""
    for line in given:
        for name in line.replace("(", " (").split():
            if name[0].isalpha() and "-" in name:
                yield name
