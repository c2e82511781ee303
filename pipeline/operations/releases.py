"""Releases: names and tags become digests once, the template is captured, and the whole is frozen by one append.

Knows what a release must hold; must not know who may create one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from cas import digest, refs
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.base import pairs
from cas.records.deploy import Deployed
from cas.records.proof import HeadSet, RefMove
from cas.records.release import Component, ComposeInput, ComposeProject, Release, Resolution, Role, Tree
from cas.records.release_life import ReleaseState
from cas.store import load
from pipeline import flow, images
from pipeline.effects import Caller, Effects
from pipeline.operations import images as image_work
from pipeline.operations.capture import CapturedFile, TemplateInvalid, check, read_folder, tree_of
from pipeline.operations.release_state import standing, standing_in
from pipeline.operations.work import Work
from pipeline.stages.compose import COMPOSE
from targets import platforms as platforms_of
from targets.compose import components as matching
from targets.compose import template as reading
from targets.references import semver_of

_SLUG: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_VERSION: Final = re.compile(r"[-_.]?v?[0-9]+(\.[0-9]+)*([-_.+][A-Za-z0-9.+-]*)?\Z")
MAX_COMPONENTS: Final = 200


class ReleaseInvalid(Problem):
    """A release cannot be finalised; ``faults`` lists why."""

    code = "release.invalid"
    category = Category.INVALID
    title = "The release cannot be finalised"
    remedy = "Correct every fault listed, then create it again."


class ReleaseNameTaken(Problem):
    """Another release has this name."""

    code = "release.name_taken"
    category = Category.CONFLICT
    title = "A release of this name exists, with other content"
    remedy = "Releases are frozen: choose another name."


class ReleaseMissing(Problem):
    """There is no release of this name, id or digest."""

    code = "release.missing"
    category = Category.MISSING
    title = "No such release"
    remedy = "List the releases, and check the name."


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A component as asked for. Empty fields are read from the image; ``repository`` renames it in the lock."""

    name: str
    reference: str
    repository: str = ""
    semver: str = ""
    role: Role = "primary"
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """A finalised release. ``existed`` tells that the same content already had this name."""

    digest: Digest
    id: str
    release: Release
    existed: bool


def create(
    effects: Effects,
    caller: Caller,
    name: str,
    components: Sequence[ComponentSpec | tuple[str, str]],
    *,
    template: Path | Mapping[str, CapturedFile] | None = None,
    compose_files: Sequence[str] = (),
    platforms: Sequence[str] = (),
    line: str = "",
    source: Mapping[str, str] | None = None,
    keep_images: bool = False,
) -> Created:
    """Resolve, capture, check and freeze a release: draft and finalised in one append.

    The same content under the same name gives the release that is there.

    Raises: release.invalid, release.name_taken, compose.invalid, template.*, image.*, registry.* problems
    """
    work = Work(effects, caller)
    release = drafted(
        work,
        name,
        components,
        template=template,
        compose_files=compose_files,
        platforms=platforms,
        line=line,
        source=source,
        keep_images=keep_images,
    )
    created = settled(work, release)
    if not created.existed:
        work.commit()
    return created


def drafted(
    work: Work,
    name: str,
    components: Sequence[ComponentSpec | tuple[str, str]],
    *,
    template: Path | Mapping[str, CapturedFile] | None = None,
    compose_files: Sequence[str] = (),
    platforms: Sequence[str] = (),
    line: str = "",
    source: Mapping[str, str] | None = None,
    keep_images: bool = False,
) -> Release:
    """Resolve, capture and check what a release is to hold; nothing is noted.

    Raises: as ``create``
    """
    effects = work.effects
    specs = [spec if isinstance(spec, ComponentSpec) else ComponentSpec(*spec) for spec in components]
    check_names(name, line, specs)
    files = template_files(template, tuple(compose_files))
    made = tuple(sorted((component_of(effects, spec, tuple(platforms), keep_images) for spec in specs), key=by_name))
    tree = keep_tree(work, files)
    project = read_project(work, tree, tuple(compose_files), made)
    return Release(
        name=name,
        line=line or line_of(name),
        components=made,
        template=tree,
        compose=project,
        source=pairs(dict(source or {})),
        created_at=work.now,
        created_by=work.caller.actor,
        nonce=effects.entropy.nonce(),
    )


def settled(work: Work, release: Release) -> Created:
    """Note what freezes a release, or give the same one that is there; the work's caller commits.

    Raises: release.name_taken, release.illegal_move
    """
    known = work.ref(refs.release(release.name))
    if known is not None:
        return _existing(work.effects, known, release)
    flow.release_after(release.name, standing_in(work, release.name).state, "create")
    return freeze(work, release)


def by_name(component: Component) -> str:
    """Give what components are sorted by."""
    return component.name


def line_of(name: str) -> str:
    """Give a release's line when none was said: its name without the version at the end."""
    return _VERSION.sub("", name) or name


def check_names(name: str, line: str, specs: Sequence[ComponentSpec], *, least: int = 1) -> None:
    """Refuse names that targets cannot carry, and too many or too few components.

    Raises: release.invalid with all faults
    """
    faults = []
    for pointer, text in (("/name", name), *((("/line", line),) if line else ())):
        if not _SLUG.match(text):
            faults.append(Fault(pointer, "release.name_invalid", "letters, digits, dot, dash and underscore only"))
    if not least <= len(specs) <= MAX_COMPONENTS:
        faults.append(Fault("/components", "release.components_count", f"{least} to {MAX_COMPONENTS} components"))
    seen: set[str] = set()
    for at, spec in enumerate(specs):
        if not _SLUG.match(spec.name):
            faults.append(Fault(f"/components/{at}/name", "release.name_invalid", "not a component's name"))
        if spec.name in seen:
            faults.append(Fault(f"/components/{at}/name", "release.component_twice", f"{spec.name[:100]} stands twice"))
        seen.add(spec.name)
    if faults:
        raise ReleaseInvalid(release=name[:128], faults=tuple(faults))


def template_files(
    template: Path | Mapping[str, CapturedFile] | None, compose_files: tuple[str, ...]
) -> Mapping[str, CapturedFile] | None:
    """Read and check the template before any of it is kept: a refused secret must not stay behind as an object.

    Raises: template.*, compose.*
    """
    if template is None:
        return None
    if isinstance(template, Path):
        files: Mapping[str, CapturedFile] = read_folder(template)
    else:
        files = template
        if faults := check(files):
            raise TemplateInvalid(faults=tuple(faults))
    reading.read(files, lambda path: files[path].data, compose_files)
    return files


def component_of(effects: Effects, spec: ComponentSpec, platforms: tuple[str, ...], keep: bool) -> Component:
    """Ask what a reference names, once, and make a component of it.

    Raises: image.*, registry.* problems
    """
    resolution, named = image_work.resolve(effects, spec.reference)
    offered = platforms_of.platforms(resolution)
    wanted = tuple(sorted(set(spec.platforms or platforms or offered)))
    missing = [one for one in wanted if platforms_of.platform_manifest(resolution, one) is None]
    if missing or not wanted:
        raise images.PlatformMissing(
            component=spec.name, reference=spec.reference, platform=missing[0] if missing else "any", offered=offered
        )
    if keep:
        image_work.keep_images(effects, resolution, wanted)
    return Component(
        name=spec.name,
        repository=spec.repository or resolution.repository,
        tag=resolution.tag,
        digest=resolution.root,
        platforms=wanted,
        resolution=named,
        semver=spec.semver or semver_of(resolution.tag),
        role=spec.role,
        images_kept=keep,
    )


def keep_tree(work: Work, files: Mapping[str, CapturedFile] | None) -> Digest | None:
    """Keep a template's files as a tree."""
    if files is None:
        return None
    for captured in files.values():
        work.effects.store.put(captured.data)
    return work.save(tree_of(files))


def read_project(
    work: Work, tree: Digest | None, compose_files: tuple[str, ...], components: tuple[Component, ...]
) -> Digest | None:
    """Read the Compose project out of a template, and demand that every image in it is a component.

    Raises: release.invalid, compose.*
    """
    if tree is None:
        return None
    done = work.run(COMPOSE, ComposeInput(tree=tree, files=compose_files))
    _, faults = matching.match(done.record.services, components)
    if faults:
        raise ReleaseInvalid(faults=faults)
    return done.digest


def freeze(work: Work, release: Release, *more: RefMove) -> Created:
    """Note the entry that makes a release: its name and id come to mean it, what was captured stands beside.

    The work's caller commits.
    """
    named = work.save(release)
    work.note(
        "release.finalized",
        named,
        [*more, work.move(refs.release(release.name), named), work.move(refs.named(digest.uuid_of(named)), named)],
        beside=[one.resolution for one in release.components]
        + [one for one in (release.template, release.compose) if one],
    )
    return Created(named, digest.uuid_of(named), release, existed=False)


def _existing(effects: Effects, known: Digest, wanted: Release) -> Created:
    found = load(effects.store, known, Release)
    same = msgspec.structs.replace(wanted, created_at=found.created_at, created_by=found.created_by, nonce=found.nonce)
    if same != found:
        raise ReleaseNameTaken(release=wanted.name, digest=known)
    return Created(known, digest.uuid_of(known), found, existed=True)


def find(effects: Effects, asked: str) -> tuple[Release, Digest]:
    """Give a release by name, id or digest.

    Raises: release.missing
    """
    found = effects.log.ref(refs.release(asked)) or effects.log.ref(refs.named(asked))
    if found is None and digest.is_digest(asked) and effects.log.admitted(asked) is not None:
        found = asked
    if found is None or b'"kind":"release/1"' not in effects.store.get(found):
        raise ReleaseMissing(release=asked[:128])
    return load(effects.store, found, Release), found


@dataclass(frozen=True, slots=True)
class Listed:
    """A release in a list, with the environments where its line runs it now."""

    digest: Digest
    id: str
    release: Release
    environments: tuple[str, ...]


def list_releases(
    effects: Effects, *, environment: str = "", line: str = "", state: ReleaseState | Literal["", "all"] = ""
) -> tuple[Listed, ...]:
    """List releases, newest first; of an environment: those that run there now.

    Of one state, or all; when none is said, all but archived ones. Drafts are no releases, and listed apart.
    """
    running = deployed(effects)
    found = []
    for name, named in effects.log.refs(refs.release("")):
        stands = standing(effects, name.removeprefix(refs.release(""))).state
        if stands != state if state not in {"", "all"} else stands == "archived" and not state:
            continue
        release = load(effects.store, named, Release)
        where = tuple(sorted(name for name, member in running if member.release == named))
        if (not environment or environment in where) and (not line or line == release.line):
            found.append(Listed(named, digest.uuid_of(named), release, where))
    return tuple(sorted(found, key=lambda one: (one.release.created_at, one.release.name), reverse=True))


def deployed(effects: Effects) -> tuple[tuple[str, Deployed], ...]:
    """List (environment, Deployed) of what runs now, sorted."""
    found: list[tuple[str, Deployed]] = []
    for name, head in effects.log.refs("deployed/"):
        members = load(effects.store, head, HeadSet).members
        found += [(name.removeprefix("deployed/"), load(effects.store, member, Deployed)) for member in members]
    return tuple(sorted(found, key=lambda one: (one[0], one[1].line)))


def resolutions(effects: Effects, release: Release) -> tuple[tuple[Component, Resolution], ...]:
    """Give each component with its image graph."""
    return tuple((one, load(effects.store, one.resolution, Resolution)) for one in release.components)


def template_of(effects: Effects, release: Release) -> tuple[Tree | None, ComposeProject | None]:
    """Give a release's captured files, and the Compose project read out of them."""
    tree = load(effects.store, release.template, Tree) if release.template else None
    project = load(effects.store, release.compose, ComposeProject) if release.compose else None
    return tree, project
