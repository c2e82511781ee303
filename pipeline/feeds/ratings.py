"""How bad a vulnerability is, and who says so: which rating counts. Must not know documents or packages.

The precedence is frozen with the stages that go by it:

    package of a distribution   vendor, nvd, ghsa, advisory, other
    any other package           advisory, nvd, ghsa, other, vendor

``vendor`` is the distribution's own advisory about its own package; ``advisory`` the database that published the
advisory, called ``ghsa`` or ``nvd`` when it is one of these. Of one source the word counts before a label computed
from its score.
"""

from collections.abc import Iterable
from typing import Final

from cas.records.feed import Rating
from pipeline.versions.orders import inner

_DISTRO: Final = ("vendor", "nvd", "ghsa", "advisory", "other")
_OTHERS: Final = ("advisory", "nvd", "ghsa", "other", "vendor")
LABELS: Final = ("unknown", "negligible", "low", "medium", "high", "critical")
_WORDS: Final = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
    "negligible": "negligible",
    "minor": "low",
    "unimportant": "negligible",
    "none": "negligible",
}
DISTROS: Final = frozenset(
    {
        "AlmaLinux", "Alpaquita", "Alpine", "Azure Linux", "BellSoft Hardened Containers", "Bitnami", "Chainguard",
        "CleanStart", "Debian", "Docker Hardened Images", "Echo", "FreeBSD", "Mageia", "MinimOS", "Photon OS",
        "Red Hat", "Rocky Linux", "Root", "SUSE", "TuxCare", "Ubuntu", "Wolfi", "openEuler", "openSUSE",
    }
)  # fmt: skip
"""Ecosystems whose advisories are their vendor's word about what the vendor ships."""


def of_word(word: str) -> str:
    """Give the label that a database's word stands for; unknown when it stands for none."""
    return _WORDS.get(word.strip().lower(), "unknown")


def of_score(tenths: int | None) -> str:
    """Give CVSS's own qualitative rating of a score; a score of nothing is negligible."""
    if tenths is None:
        return "unknown"
    if tenths == 0:
        return "negligible"
    return "low" if tenths < 40 else "medium" if tenths < 70 else "high" if tenths < 90 else "critical"


def is_distro(ecosystem: str) -> bool:
    """Tell whether an ecosystem's advisories are its vendor's own word."""
    return ecosystem.partition(":")[0] in DISTROS or inner(ecosystem).partition(":")[0] in DISTROS


def database(advisory: str) -> str:
    """Give the source that an advisory's id stands for, of those that are called by name."""
    return "ghsa" if advisory.startswith("GHSA-") else "nvd" if advisory.startswith("CVE-") else ""


def label(rating: Rating) -> str:
    """Give what a rating calls it: by word, else by score."""
    said = of_word(rating.word)
    return said if said != "unknown" else of_score(rating.score_tenths)


def by_precedence(ratings: Iterable[Rating], ecosystem: str) -> tuple[Rating, ...]:
    """Order ratings: the first is the one that counts; those that say nothing are left out."""
    ranks = _DISTRO if is_distro(ecosystem) else _OTHERS
    spoken = {one for one in ratings if label(one) != "unknown"}
    return tuple(sorted(spoken, key=lambda one: (_rank(one, ranks), -_weight(one), one.by, one.vector, one.word)))


def _rank(one: Rating, ranks: tuple[str, ...]) -> int:
    return ranks.index(one.source) if one.source in ranks else len(ranks)


def _weight(one: Rating) -> int:
    """Of two of the same standing the worse counts."""
    return LABELS.index(label(one)) * 1000 + (one.score_tenths or 0)


def chosen(ratings: tuple[Rating, ...]) -> tuple[str, str, int | None]:
    """Give (label, source, score in tenths) of ratings in order: the first one's, and the first score given.

    A source of that name which is the advisory's own database is called by the database's name.
    """
    if not ratings:
        return "unknown", "", None
    first = ratings[0]
    source = (database(first.by) or first.source) if first.source == "advisory" else first.source
    score = next((one.score_tenths for one in ratings if one.score_tenths is not None), None)
    return label(first), source, first.score_tenths if first.score_tenths is not None else score
