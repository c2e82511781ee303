"""A snapshot of the first kind as the second would say it: for instances that have not imported since. Pure."""

from cas.records.evidence import Advisory, Severity
from cas.records.feed import Advisory2, FeedPackage, Rating
from pipeline.feeds import ratings

_VERSIONS = ("CVSS_V4", "CVSS_V3", "CVSS_V2")


def names(advisory: Advisory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give every other name of this vulnerability, and the names of others that the advisory joins to it.

    An advisory over one upstream vulnerability speaks of that one; over several, it is none of them alone.
    """
    same = {advisory.id, *advisory.aliases}
    if len(set(advisory.upstream)) == 1:
        same |= set(advisory.upstream)
    joined = {*advisory.upstream, *advisory.related} - same
    return tuple(sorted(same - {advisory.id})), tuple(sorted(joined))


def newest(severities: tuple[Severity, ...]) -> tuple[str, int | None]:
    """Give vector and score by the newest version of CVSS that was given and can be read."""
    for system in _VERSIONS:
        for each in severities:
            if each.system == system and each.score_tenths is not None:
                return each.vector, each.score_tenths
    return "", None


def upgraded(advisory: Advisory, ecosystem: str) -> Advisory2:
    """Say of an advisory what import_feed/2 would say of it alone."""
    same, related = names(advisory)
    vector, score = newest(advisory.severities)
    word = next((each.vector for each in advisory.severities if each.system not in _VERSIONS), "")
    if not word and advisory.severity_label != ratings.of_score(score):
        word = advisory.severity_label
    source = "vendor" if ratings.is_distro(ecosystem) else "advisory"
    given = Rating(source=source, by=advisory.id, word=word, vector=vector, score_tenths=score)
    spoken = ratings.by_precedence((given,), ecosystem)
    label, said_by, tenths = ratings.chosen(spoken)
    return Advisory2(
        id=advisory.id,
        aliases=same,
        related=related,
        modified=advisory.modified,
        published="" if advisory.published.startswith("0001-") else advisory.published,
        withdrawn=advisory.withdrawn,
        summary=advisory.summary,
        ratings=spoken,
        severity=label,
        severity_source=said_by,
        score_tenths=tenths,
        ranges=advisory.ranges,
        versions=advisory.versions,
        raw=advisory.raw,
        pointer=advisory.pointer,
    )


def package(found: FeedPackage) -> tuple[Advisory2, ...]:
    """Upgrade all advisories of a package, each at its place."""
    return tuple(upgraded(each, found.ecosystem) for each in found.advisories)
