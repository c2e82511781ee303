"""gather/1: the question is derived, never chosen. Knows heads and image graphs; must not know policy.

Whose evidence counts follows from the image graph: what is said about an index, its platform manifest or that
manifest's config applies to the component there; what is said about a sibling, or about what lies above, does not.
"""

from typing import Final

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.deploy import Deployed
from cas.records.evidence import Admission
from cas.records.proof import HeadSet
from cas.records.release import Component, Environment, ImageNode, Release, Resolution
from cas.records.verdict import ComponentQuestion, Gathered, GatherInput, Head, Question
from pipeline.stage import Stage, StageIO

MANIFESTS: Final = ("manifest",)


class HeadsWrong(Problem):
    """The captured heads are not exactly those that may sway the answer."""

    code = "gather.heads_wrong"
    category = Category.INVALID
    title = "The question does not name the heads it depends on"
    remedy = "Ask through the instance, which captures every head itself."


class TrustMissing(Problem):
    """No trust root has been founded."""

    code = "gather.trust_missing"
    category = Category.MISSING
    title = "This instance has no trust root yet"
    remedy = "Found the instance first: it makes its root and signing keys."


class AskedTooEarly(Problem):
    """``as_of`` lies before something that was already admitted."""

    code = "gather.asked_too_early"
    category = Category.CONFLICT
    title = "The question is asked as of a time before its evidence"
    remedy = "Check the instance's clock; only a simulation may look back."


def subjects_of(resolution: Resolution, platform: str) -> tuple[Digest | None, tuple[Digest, ...]]:
    """Give the platform's manifest and the digests whose evidence applies to it: root, manifest, config.

    None and nothing when the image has no such manifest, or more than one: then nobody knows what would run.
    """
    nodes = {node.digest: node for node in resolution.nodes}
    root = nodes.get(resolution.root)
    if root is None:
        return None, ()
    below: tuple[ImageNode, ...] = (root,)
    if root.role == "index":
        below = tuple(nodes[name] for name in root.below if name in nodes)
    fitting = [node for node in below if node.role in MANIFESTS and node.platform == platform]
    if len({node.digest for node in fitting}) != 1:
        return None, ()
    manifest = fitting[0]
    return manifest.digest, tuple(dict.fromkeys((root.digest, manifest.digest, *manifest.below)))


def head_names(release: Release, resolutions: dict[Digest, Resolution], environment: Environment) -> tuple[str, ...]:
    """List every head that may sway the answer, sorted: pure, so the shell that captures heads asks here too."""
    names = {
        refs.TRUST_ROOT,
        refs.FEED,
        refs.policy(environment.name),
        refs.waivers("any"),
        refs.waivers(environment.name),
        refs.deployed(environment.name),
    }
    for component in release.components:
        for platform in component.platforms:
            _, subjects = subjects_of(resolutions[component.resolution], platform)
            names.update(refs.evidence(subject) for subject in subjects)
    return tuple(sorted(names))


def gather(asked: GatherInput, io: StageIO) -> Question:
    """Derive the question from release, environment and heads.

    (1) The heads must be exactly those that may sway the answer. (2) Per component and platform, the admissions under
    its own subjects. (3) Nothing that counts may be younger than ``as_of``, except in a simulation.

    Raises: gather.heads_wrong, gather.trust_missing, gather.asked_too_early
    """
    release = io.load(asked.release, Release)
    environment = io.load(asked.environment, Environment)
    resolutions = {part.resolution: io.load(part.resolution, Resolution) for part in release.components}
    heads = {head.name: head.digest for head in asked.heads}
    _check_heads(asked.heads, head_names(release, resolutions, environment))  # (1)
    trust_root = heads[refs.TRUST_ROOT]
    if trust_root is None:
        raise TrustMissing(environment=environment.name)
    components = tuple(
        _component(part, platform, resolutions[part.resolution], heads, io)  # (2)
        for part in release.components
        for platform in part.platforms
    )
    if asked.purpose != "simulation":
        _check_times(asked, components, io)  # (3)
    waivers = {member for scope in ("any", environment.name) for member in _members(heads[refs.waivers(scope)], io)}
    question = Question(
        release=asked.release,
        environment=asked.environment,
        purpose=asked.purpose,
        as_of=asked.as_of,
        heads=asked.heads,
        components=components,
        policy=heads[refs.policy(environment.name)],
        feed=heads[refs.FEED],
        waivers=tuple(sorted(waivers)),
        baseline=_baseline(release.line, heads[refs.deployed(environment.name)], io),
        trust_root=trust_root,
    )
    io.keep(
        Gathered(question=digest.of_bytes(canon.of_record(question)), log_size=asked.log_size, log_root=asked.log_root)
    )
    return question


def _check_heads(heads: tuple[Head, ...], wanted: tuple[str, ...]) -> None:
    given = tuple(head.name for head in heads)
    if given == wanted:
        return
    faults = [Fault("/heads", "gather.head_missing", name) for name in wanted if name not in given]
    faults += [Fault("/heads", "gather.head_unasked", name) for name in given if name not in wanted]
    raise HeadsWrong(faults=tuple(faults) or (Fault("/heads", "gather.heads_unsorted", "not sorted, or twice"),))


def _component(
    part: Component, platform: str, resolution: Resolution, heads: dict[str, Digest | None], io: StageIO
) -> ComponentQuestion:
    if resolution.root != part.digest:
        raise HeadsWrong(faults=(Fault("/release", "gather.resolution_of_another_image", part.name),))
    image, subjects = subjects_of(resolution, platform)
    admissions = {member for subject in subjects for member in _members(heads[refs.evidence(subject)], io)}
    return ComponentQuestion(
        component=part.name,
        platform=platform,
        image=image or part.digest,
        subjects=subjects,
        admissions=tuple(sorted(admissions)),
    )


def _members(head: Digest | None, io: StageIO) -> tuple[Digest, ...]:
    return io.load(head, HeadSet).members if head else ()


def _check_times(asked: GatherInput, components: tuple[ComponentQuestion, ...], io: StageIO) -> None:
    for name in sorted({name for component in components for name in component.admissions}):
        admitted = io.load(name, Admission).admitted_at
        if admitted > asked.as_of:
            raise AskedTooEarly(as_of=asked.as_of, admitted_at=admitted, admission=name)


def _baseline(line: str, head: Digest | None, io: StageIO) -> Digest | None:
    deployed = deployed_of(line, head, io)
    return deployed.release if deployed else None


def deployed_of(line: str, head: Digest | None, io: StageIO) -> Deployed | None:
    """Give what a release line runs in an environment, by the head ``deployed/<environment>``."""
    for member in _members(head, io):
        deployed = io.load(member, Deployed)
        if deployed.line == line:
            return deployed
    return None


GATHER = Stage("gather", 1, GatherInput, Question, gather)
