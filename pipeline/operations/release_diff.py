"""What differs between two releases: components, files, packages, licences, evidence; and what it does at the gates.

Every list is a difference of two maps, so that applied to the old one it gives the new one. Reads only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.pictures import picture_of
from cas.problems import Category, Problem
from cas.records.evidence import Admission, Evidence, SbomFacts
from cas.records.proof import HeadSet
from cas.records.release import Release, Resolution
from cas.records.verdict import Verdict
from cas.store import Reader, load
from pipeline.effects import Effects
from pipeline.facts import facts_of
from pipeline.operations.releases import template_of
from pipeline.stages.gather import subjects_of
from policy.diff import Difference, EvidenceChange, FindingChange, between, evidence, material, with_impact

SHOWN: Final = 20_000
"""So many changes are listed."""


class NotJudged(Problem):
    """A release was never judged for the environment that is asked about."""

    code = "release.not_judged"
    category = Category.MISSING
    title = "The release has no verdict in this environment"
    remedy = "Judge it first: stella gate evaluate RELEASE --environment ENVIRONMENT."


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``kind`` is added, removed or changed; ``what`` names the map, ``name`` the key in it."""

    kind: str
    what: str
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two verdicts side by side: gate by gate, and the material changes of what they rest on."""

    difference: Difference
    changes: tuple[FindingChange, ...]
    evidence: tuple[EvidenceChange, ...]


def diff(effects: Effects, old: Release, new: Release) -> tuple[Change, ...]:
    """List what differs, map by map; sorted within each."""
    before, after = contents(effects, old), contents(effects, new)
    return tuple(change for what in before for change in changes(what, before[what], after[what]))


def contents(effects: Effects, release: Release) -> dict[str, dict[str, str]]:
    """Give all that a release consists of, and what is known of it, as maps of text."""
    tree, _ = template_of(effects, release)
    found: dict[str, dict[str, str]] = {
        "component": {one.name: f"{one.repository}:{one.tag}@{one.digest}" for one in release.components},
        "file": {entry.path: entry.digest for entry in tree.entries} if tree else {},
        "package": {},
        "licence": {},
        "evidence": {},
    }
    packages: dict[str, set[str]] = {}
    licences: dict[str, set[str]] = {}
    documents: dict[str, set[str]] = {}
    for component, admission in sorted(_admissions(effects, release), key=lambda pair: (pair[0], pair[1].evidence)):
        seen = load(effects.store, admission.evidence, Evidence)
        documents.setdefault(f"{component} {seen.type} {seen.format}", set()).add(seen.raw)
        facts = facts_of(effects.store.get(admission.facts)) if admission.type == "sbom" else None
        for package in facts.packages if isinstance(facts, SbomFacts) else ():
            name = package.purl.partition("?")[0].rpartition("@")[0] or package.purl or package.name
            packages.setdefault(f"{component} {name}", set()).add(package.version)
            for licence in package.licenses:
                licences.setdefault(f"{component} {name}", set()).add(licence)
    for what, held in (("package", packages), ("licence", licences), ("evidence", documents)):
        found[what] = {name: ", ".join(sorted(each)) or "-" for name, each in sorted(held.items())}
    return found


def changes(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    """Compare two maps; nothing is empty text in either."""
    for name in sorted({*before, *after}):
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            kind = "added" if not old else "removed" if not new else "changed"
            yield Change(kind, what, name, old, new)


def applied(before: Mapping[str, str], done: Iterable[Change]) -> dict[str, str]:
    """Apply changes of one map to what was before: ``applied(a, changes(a, b)) == b``.

    A change whose old value is not what stands there belongs to another map, and is refused as a fault of ours.
    """
    found = dict(before)
    for one in done:
        assert found.pop(one.name, "") == one.old, one.name
        if one.new:
            found[one.name] = one.new
    return found


def _admissions(effects: Effects, release: Release) -> Iterator[tuple[str, Admission]]:
    seen: set[tuple[str, Digest]] = set()
    for component in release.components:
        resolution = load(effects.store, component.resolution, Resolution)
        subjects = {name for platform in component.platforms for name in subjects_of(resolution, platform)[1]}
        for subject in sorted(subjects):
            head = effects.log.ref(refs.evidence(subject))
            for member in load(effects.store, head, HeadSet).members if head else ():
                if (component.name, member) not in seen:
                    seen.add((component.name, member))
                    yield component.name, load(effects.store, member, Admission)


def verdict_of(effects: Effects, release: Digest, environment: str, *, name: str) -> Digest:
    """Give the newest verdict of a release in an environment.

    Raises: release.not_judged
    """
    found = effects.log.ref(refs.verdict(release, environment))
    if found is None:
        raise NotJudged(release=name, environment=environment[:200])
    return found


def compare(reader: Reader, old: Digest, new: Digest) -> Compared:
    """Compare two verdicts and what they rest on.

    Raises: cas.object_missing, cas.record_invalid
    """
    before, after = load(reader, old, Verdict), load(reader, new, Verdict)
    difference = between(before, after)
    left, right = (picture_of(one.assessment, reader.get) for one in (before, after))
    return Compared(difference, with_impact(material(left, right), difference), evidence(left, right))
