"""Ranges as ``vers`` writes them (``vers:npm/>=1.0.0|<2.0.0``): does a version lie in one? Knows no document.

The order is that of the range's own type, or of the package's where the range says ``generic``. What cannot be ordered
has no answer: a range that is not understood covers nothing and excludes nothing.
"""

import itertools
import re
from typing import Any, Final
from urllib.parse import unquote

from pipeline.versions.catalog import SCHEMES
from pipeline.versions.scheme import Scheme, VersionInvalidError

MAX_CONSTRAINTS: Final = 256
_FORM: Final = re.compile(r"vers:([a-z0-9.-]+)/(\S+)\Z", re.IGNORECASE)
_CONSTRAINT: Final = re.compile(r"(>=|<=|!=|=|<|>)?\s*(.+)\Z")
_ORDERS: Final = {
    "alpine": "apk",
    "cargo": "semver",
    "debian": "deb",
    "generic": "",
    "hex": "semver",
    "npm": "semver",
    "pub": "semver",
    "ubuntu": "deb",
}
_BY_NAME: Final = {scheme.name: scheme for scheme in SCHEMES}
_BELOW: Final = frozenset({"<", "<="})
_ABOVE: Final = frozenset({">", ">="})


def _scheme(kind: str, purl_type: str) -> Scheme | None:
    name = _ORDERS.get(kind, kind) or _ORDERS.get(purl_type, purl_type)
    return _BY_NAME.get(name)


def constraints(text: str) -> tuple[tuple[str, str], ...] | None:
    """Give (comparator, version) pairs as written; None when the text is no range."""
    found = _FORM.match(text.strip())
    if not found:
        return None
    parts = [part.strip() for part in found.group(2).split("|")]
    if len(parts) > MAX_CONSTRAINTS or not all(parts):
        return None
    pairs = []
    for part in parts:
        match = _CONSTRAINT.match(part)
        if match is None:
            return None
        pairs.append((match.group(1) or "=", unquote(match.group(2))))
    return tuple(pairs)


def within(text: str, purl_type: str, version: str) -> bool | None:
    """Tell whether a version lies in a range; None when nothing tells.

    (1) ``*`` is every version. (2) Versions named with ``=`` or ``!=`` decide alone. (3) The other constraints, in the
    order of their versions, are the ends of intervals.
    """
    found = constraints(text)
    if found is None or not version:
        return None
    if found == (("=", "*"),):  # (1)
        return True
    exact = [comparator for comparator, bound in found if bound == version and comparator in {"=", "!="}]
    if exact:  # (2)
        return exact[0] == "="
    bounds = [pair for pair in found if pair[0] not in {"=", "!="}]
    if not bounds:
        return any(comparator == "!=" for comparator, _ in found)
    scheme = _scheme(text.strip()[5:].partition("/")[0].lower(), purl_type)
    if scheme is None:
        return None
    try:
        ordered = sorted(((scheme.sort(bound), comparator) for comparator, bound in bounds), key=lambda pair: pair[0])
        return _between(ordered, scheme.sort(version))  # (3)
    except VersionInvalidError:
        return None


def _between(ordered: list[tuple[Any, str]], at: Any) -> bool:
    for place, comparator in ordered:
        if not at < place and not place < at:
            return comparator in {">=", "<="}
    first, last = ordered[0], ordered[-1]
    if at < first[0]:
        return first[1] in _BELOW
    if last[0] < at:
        return last[1] in _ABOVE
    pairs = itertools.pairwise(ordered)
    return any(low[0] < at < high[0] and (low[1] in _ABOVE or high[1] in _BELOW) for low, high in pairs)
