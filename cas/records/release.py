"""Images, templates, releases, environments."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Pairs, Part, Record, Slug, Text

Role = Literal["primary", "sidecar", "init", "migration"]
Strategy = Literal["all_at_once", "rolling"]


class ImageNode(Part, frozen=True, kw_only=True):
    """One node of an image: ``below`` are its platform manifests, or its config. We hashed the bytes it names."""

    digest: Digest
    media_type: str
    size: Count
    role: Literal["index", "manifest", "config", "attestation"]
    platform: str  # "linux/amd64", "linux/arm/v7"; empty for index and unknown
    below: tuple[Digest, ...]


class Resolution(Record, frozen=True, kw_only=True, tag="resolution/1"):
    """What a reference named when it was asked: the directed graph index → manifest → config.

    Captured from the manifests' own bytes, at most two levels; attestation manifests are never deployable.
    """

    reference: Name
    repository: Name
    tag: str
    root: Digest
    nodes: tuple[ImageNode, ...]  # sorted by digest


class TreeEntry(Part, frozen=True, kw_only=True):
    """A file of a captured tree, by its relative POSIX path."""

    path: Name
    digest: Digest
    size: Count
    executable: bool


class Tree(Record, frozen=True, kw_only=True, tag="tree/1"):
    """A captured folder, for example the author's Compose project. Sorted by path."""

    entries: tuple[TreeEntry, ...]


class ReadTemplateInput(Record, frozen=True, kw_only=True, tag="read_template_input/1"):
    """The question of read_template/1: what does the Compose project of this release ask of a host?"""

    release: Digest


class TemplateMount(Part, frozen=True, kw_only=True):
    """A host path that a service mounts, as Compose source text."""

    source: str
    target: str
    pointer: str


class TemplateService(Part, frozen=True, kw_only=True):
    """What one service asks. Values of variables are never copied: only which hold a literal secret.

    ``component`` is empty when the image is no component of the release. ``namespaces`` are (kind, value) of
    network_mode, pid, ipc, uts, userns_mode, cgroup as written; ``unclear`` names keys whose value could not be read
    for sure (a variable, or of another type).
    """

    name: str
    image: str
    component: str
    privileged: bool
    namespaces: Pairs
    cap_add: tuple[str, ...]
    security_opt: tuple[str, ...]
    devices: tuple[str, ...]
    mounts: tuple[TemplateMount, ...]
    secrets: tuple[str, ...]
    unclear: tuple[str, ...]


class TemplateFacts(Record, frozen=True, kw_only=True, tag="template_facts/1"):
    """The answer of read_template/1. Pointers lead into ``document``, the project's canonical JSON."""

    release: Digest
    document: Digest
    services: tuple[TemplateService, ...]  # sorted by name


class ComposeInput(Record, frozen=True, kw_only=True, tag="compose_input/1"):
    """The question of compose/1: read the Compose project in this tree."""

    tree: Digest
    files: tuple[Name, ...]  # Compose files in the order they are merged; empty = Compose's own default names


class ComposeDocument(Part, frozen=True, kw_only=True):
    """A YAML file of the project as canonical JSON: what every later reader uses, whatever YAML library it has."""

    path: Name
    digest: Digest


class ComposeService(Part, frozen=True, kw_only=True):
    """A service as the template names it, its variables filled from the template's own defaults only."""

    name: Slug
    image: str  # empty when the service is only built
    component: str  # as the author wrote under x-stella; empty = found by the image


class ComposeProject(Record, frozen=True, kw_only=True, tag="compose_project/1"):
    """The answer of compose/1: the project read, checked and resolved as far as the template alone goes.

    ``project`` is its canonical JSON: extends, include and env_file inlined, paths relative to the tree's root,
    variables without a value in the template left as references.
    """

    tree: Digest
    files: tuple[Name, ...]
    documents: tuple[ComposeDocument, ...]  # sorted by path
    project: Digest
    services: tuple[ComposeService, ...]  # sorted by name
    variables: tuple[str, ...]  # that the environment may or must give, sorted


class Component(Part, frozen=True, kw_only=True):
    """A named image of a release. ``digest`` is the root of its Resolution; ``tag`` is kept for people."""

    name: Slug
    repository: Name
    tag: str
    digest: Digest
    platforms: tuple[str, ...]  # that it may run on; evidence is demanded for each
    resolution: Digest
    semver: str
    role: Role
    images_kept: bool  # layers are in the home, served at /v2/


class Release(Record, frozen=True, kw_only=True, tag="release/1"):
    """A frozen set of OCI digests and the deployment template."""

    name: Slug
    line: Slug  # successive releases of one product share it
    components: tuple[Component, ...]  # sorted by name
    template: Digest | None  # Tree: the author's files
    compose: Digest | None = None  # ComposeProject: those files read, when they are a Compose project
    source: Pairs  # repository, commit, build: as CI said
    created_at: Instant
    created_by: ActorId
    nonce: Nonce


class FreezeWindow(Part, frozen=True, kw_only=True):
    """Captured as UTC instants; ``start`` is in, ``end`` is out."""

    start: Instant
    end: Instant
    reason: Text
    exceptions: tuple[Slug, ...]  # logins who may override


class SecretReference(Part, frozen=True, kw_only=True):
    """A secret by name and where it comes from; its value never enters an object."""

    name: Slug
    source: Name  # "env:DATABASE_URL", "file:/run/secrets/db"


class Environment(Record, frozen=True, kw_only=True, tag="environment/1"):
    """Where releases go: order, what is demanded, what the targets get."""

    name: Slug
    order: Count
    after: str  # environment that must have deployed the release before; empty = none
    production: bool
    required_approvals: Count
    approver_groups: tuple[Slug, ...]  # one approval of each, within the required number
    separation_of_duties: bool
    personal_key_required: bool
    freeze_windows: tuple[FreezeWindow, ...]
    soak_seconds: Count
    variables: Pairs
    secrets: tuple[SecretReference, ...]
    allowed_bind_paths: tuple[str, ...]
    targets: tuple[Digest, ...]  # Target records, sorted
    health_timeout_seconds: Count
    retention_days: Count
    created_by: ActorId
    strategy: Strategy = "all_at_once"
    batch_size: Count = 1  # targets at a time, for rolling


class Target(Record, frozen=True, kw_only=True, tag="target/1"):
    """One host. ``settings`` are its kind's, checked by the targets catalog; credentials are references."""

    name: Slug
    type: Slug  # docker_host, compose_host, directory
    environment: Slug
    platform: str
    settings: Pairs
    nonce: Nonce
