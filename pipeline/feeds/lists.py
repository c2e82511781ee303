"""The CISA KEV catalogue and EPSS scores as records. Must not know advisories."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from cas import digest
from cas.digest import Digest
from cas.records.base import Record
from cas.records.feed import EpssList, EpssTree, KevList, KnownExploited, NamedDigest
from pipeline.formats.decode import typed
from pipeline.formats.problems import DocumentUnreadable

MAX_EPSS_ROWS: Final = 4_000_000
_MILLION: Final = 1_000_000
LEAF_DIGITS: Final = 3


class _Entry(msgspec.Struct, gc=False, rename={"cve": "cveID", "added": "dateAdded", "due": "dueDate"}):
    cve: str
    added: str = ""
    due: str = ""


class _Kev(msgspec.Struct, gc=False, rename={"version": "catalogVersion"}):
    vulnerabilities: tuple[_Entry, ...]
    version: str = ""


_KEV: Final = msgspec.json.Decoder(_Kev)


def leaf(name: str) -> str:
    """Name the leaf that holds an entry: the first hex digits of the SHA-256 of its name."""
    return digest.of_bytes(name.encode())[7 : 7 + LEAF_DIGITS]


def kev(data: bytes) -> KevList:
    """Read the KEV catalogue; of a CVE listed twice the earliest due date counts.

    Raises: evidence.unreadable, cas.too_large
    """
    given = typed(data, _KEV, "kev")
    rows: dict[str, _Entry] = {}
    for entry in sorted(given.vulnerabilities, key=lambda each: (each.cve, each.due)):
        rows.setdefault(entry.cve, entry)
    return KevList(
        version=given.version,
        entries=tuple(KnownExploited(cve=each.cve, added=each.added, due=each.due) for each in rows.values()),
    )


def _millionths(text: str) -> int:
    try:
        value = int(Decimal(text).scaleb(6).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise DocumentUnreadable(format="epss", reason=f"not a score: {text[:40]!r}") from error
    if not 0 <= value <= _MILLION:
        raise DocumentUnreadable(format="epss", reason=f"a score outside 0 to 1: {text[:40]!r}")
    return value


def _header(lines: list[str]) -> tuple[str, str, int]:
    """Give (model, scored on, first row) from the comment line and the column line."""
    model, scored, at = "", "", 0
    if lines and lines[0].startswith("#"):
        said = dict(pair.partition(":")[::2] for pair in lines[0][1:].split(","))
        model, scored, at = said.get("model_version", ""), said.get("score_date", ""), 1
    if at >= len(lines) or not lines[at].startswith("cve,epss"):
        raise DocumentUnreadable(format="epss", reason="the columns cve,epss are missing")
    return model, scored, at + 1


def epss(data: bytes, keep: Callable[[Record], Digest]) -> EpssTree:
    """Read an EPSS file (CSV as FIRST publishes it, decompressed) into leaves; ``keep`` stores each.

    Raises: evidence.unreadable
    """
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(format="epss", reason="not ASCII") from error
    if len(lines) > MAX_EPSS_ROWS:
        raise DocumentUnreadable(format="epss", reason="too many rows")
    model, scored, first = _header(lines)
    leaves: dict[str, dict[str, int]] = {}
    for line in lines[first:]:
        if line:
            cve, _, rest = line.partition(",")
            leaves.setdefault(leaf(cve), {})[cve] = _millionths(rest.partition(",")[0])
    kept = [
        NamedDigest(
            name=name,
            digest=keep(EpssList(model=model, scored_on=scored, scores=tuple(sorted(leaves[name].items())))),
        )
        for name in sorted(leaves)
    ]
    return EpssTree(model=model, scored_on=scored, leaves=tuple(kept))
