"""render/1: a captured deployment in; lock, env file and scripts out. The same for all targets of the deployment.

Reads only what the deployment names: release, environment, targets, the template's documents. YAML is not parsed here.
"""

from typing import Any, Final

from cas import jcs
from cas.problems import Fault
from cas.records.deploy import Artifact, Deployment, Rendered, RenderInput
from cas.records.release import ComposeProject, ComposeService, Environment, Release, Resolution, Target, Tree
from pipeline.stage import Stage, StageIO
from targets.compose import checks, components, template
from targets.compose import project as compose
from targets.compose.interpolate import Variables
from targets.compose.project import ProjectFiles
from targets.render import lock, script
from targets.render.lock import LOCK_NAME, LockFacts
from targets.render.problems import RenderInvalid


def render(question: RenderInput, io: StageIO) -> Rendered:
    """Make the files of one deployment.

    Raises: render.invalid with every fault, render.platform_unlisted
    """
    deployment = io.load(question.deployment, Deployment)
    release = io.load(deployment.release, Release)
    environment = io.load(deployment.environment, Environment)
    faults: list[Fault] = []
    variables = Variables(dict(environment.variables), frozenset(one.name for one in environment.secrets), final=True)
    project, tree = _project(release, variables, io)
    services = _services(release, project)
    runs, unmatched = components.match(services, release.components)
    needed, refused = checks.project_files(
        project, frozenset(entry.path for entry in tree.entries), environment.allowed_bind_paths
    )
    faults += [*variables.faults, *checks.shape(project), *checks.secrets(project), *unmatched, *refused]
    if faults:
        raise RenderInvalid(environment=environment.name, release=release.name, faults=template.ordered(faults))
    facts = LockFacts(
        deployment=deployment,
        deployment_digest=question.deployment,
        release=release,
        environment=environment,
        targets=tuple(io.load(name, Target) for name in deployment.targets),
        resolutions={one.name: io.load(one.resolution, Resolution) for one in release.components},
        project=project,
        runs=runs,
    )
    return _rendered(question, facts, tree, needed, io)


def _project(release: Release, variables: Variables, io: StageIO) -> tuple[dict[str, Any], Tree]:
    """Resolve the template with the environment's variables; without one, each component is a service of its name."""
    if release.compose is None:
        services = {one.name: {"image": one.repository} for one in release.components}
        return {"services": services}, Tree(entries=())
    known = io.load(release.compose, ComposeProject)
    tree = io.load(known.tree, Tree)
    at = {entry.path: entry.digest for entry in tree.entries}
    documents = {one.path: one.digest for one in known.documents}
    files = ProjectFiles(
        frozenset(at), lambda path: io.read(at[path]), lambda path: jcs.parse(io.read(documents[path]))
    )
    return compose.read(files, known.files, variables), tree


def _services(release: Release, project: dict[str, Any]) -> tuple[ComposeService, ...]:
    if release.compose is None:
        return tuple(ComposeService(name=one.name, image="", component=one.name) for one in release.components)
    return template.services_of(project)


def _rendered(question: RenderInput, facts: LockFacts, tree: Tree, needed: tuple[str, ...], io: StageIO) -> Rendered:
    faults: list[Fault] = []
    whole, services = lock.document(facts, faults)
    if faults:
        raise RenderInvalid(environment=facts.environment.name, release=facts.release.name, faults=tuple(faults))
    for definition in whole["services"].values():
        io.keep(jcs.of_value(definition))
    yaml = lock.render(whole)
    env = script.env_file(facts.environment.variables)
    artifacts = (
        Artifact(name=LOCK_NAME, type="compose-lock", size=len(yaml), digest=io.keep(yaml)),
        Artifact(name=script.ENV_NAME, type="env", size=len(env), digest=io.keep(env)),
        *script.hooks(tree),
        *script.project_files(tree, needed),
    )
    return Rendered(
        deployment=question.deployment,
        project=whole["name"],
        lock_document=io.keep(jcs.of_value(whole)),
        lock=artifacts[0].digest,
        services=services,
        artifacts=tuple(sorted(artifacts, key=lambda one: one.name)),
        secrets=lock.secrets_of(whole),
    )


RENDER: Final = Stage("render", 1, RenderInput, Rendered, render)
