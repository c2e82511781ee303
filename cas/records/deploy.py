"""Deployments: what is wanted, what was seen, what is done step by step, what is left on the target."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Pairs, Part, Record, Slug, Text
from cas.records.release import Strategy

ArtifactType = Literal[
    "compose-lock",
    "version-sticker",
    "evidence",
    "script",
    "script-source",
    "script-compiled",
    "env",
    "config",
    "job",
]


class Deployment(Record, frozen=True, kw_only=True, tag="deployment/1"):
    """A founding record, captured when a decision is spent. ``generator`` is an input, not the running version."""

    decision: Digest
    promotion: Digest
    release: Digest
    environment: Digest
    targets: tuple[Digest, ...]  # Target records, sorted
    deployer: ActorId
    deployer_login: Slug
    started_at: Instant
    generator: Name
    generator_version: Name
    previous: Digest | None  # Deployed record of the same line, before
    nonce: Nonce
    strategy: Strategy = "all_at_once"
    batch_size: Count = 1  # targets at a time, for rolling


class ObservedContainer(Part, frozen=True, kw_only=True):
    """A container as the engine tells it.

    ``config_hash`` covers what we set: image, command, environment names, mounts, ports, labels.
    """

    name: str
    id: str
    component: str
    image: str  # as configured, repository@sha256:…
    image_digest: str  # digest of the manifest or index it was pulled by; empty when unknown
    config_id: str  # image config digest ("image id")
    state: str  # running, exited, …
    health: str  # healthy, unhealthy, starting, none
    restarts: Count
    labels: Pairs
    config_hash: str


class ObservedFile(Part, frozen=True, kw_only=True):
    """A file we look for on the target, with the digest of its bytes, or None when it is absent."""

    path: str
    digest: Digest | None


class Observation(Record, frozen=True, kw_only=True, tag="observation/1"):
    """A target's state as captured by its adapter. Raw file bytes are kept as objects."""

    target: Digest
    platform: str
    engine: Pairs  # name, version, api
    containers: tuple[ObservedContainer, ...]  # sorted by name
    images: tuple[str, ...]  # repository@digest present, sorted
    files: tuple[ObservedFile, ...]  # sorted by path
    observed_at: Instant


class LockService(Part, frozen=True, kw_only=True):
    """One service of the lock: what we pin; ``definition`` is the rest of the author's service as canonical JSON."""

    name: Slug
    component: Slug
    image: str  # repository@sha256:…
    tag: str
    digest: Digest
    platform_digest: str  # empty where the target's platform is unknown
    replicas: Count
    definition: Digest  # canonical JSON of the pinned service


class RenderInput(Record, frozen=True, kw_only=True, tag="render_input/1"):
    """The question of render/1: the lock, env file and scripts of one deployment (same for all its targets)."""

    deployment: Digest


class Artifact(Part, frozen=True, kw_only=True):
    """A file made for or kept with a deployment."""

    name: Name
    type: ArtifactType
    size: Count
    digest: Digest


class Rendered(Record, frozen=True, kw_only=True, tag="rendered/1"):
    """What render/1 made. ``lock_document`` is the canonical JSON of the lock, ``lock`` its YAML bytes."""

    deployment: Digest
    project: Slug  # Compose project name
    lock_document: Digest
    lock: Digest
    services: tuple[LockService, ...]
    artifacts: tuple[Artifact, ...]  # lock, env, configs, scripts; sorted by name
    secrets: tuple[Slug, ...]  # that must be set on the target


class PlanInput(Record, frozen=True, kw_only=True, tag="plan_input/1"):
    """The question of plan/1 for one target."""

    deployment: Digest
    target: Digest
    rendered: Digest
    observation: Digest


class Step(Part, frozen=True, kw_only=True):
    """One step of a plan: data, not code. ``phase`` orders the fleet: everything is prepared before anything stops."""

    id: Slug
    phase: Literal["prepare", "switch", "verify", "finish"]
    action: Slug  # "image.pull", "container.replace", "compose.up", "file.write", "health.wait", …
    arguments: Pairs
    content: Digest | None  # bytes the step needs


class Plan(Record, frozen=True, kw_only=True, tag="plan/1"):
    """What will be done on one target; no steps when it already is as wanted."""

    deployment: Digest
    target: Digest
    observation: Digest
    steps: tuple[Step, ...]


class Receipt(Record, frozen=True, kw_only=True, tag="receipt/1"):
    """What a step did. ``log`` is the digest of captured output; secrets never appear in it."""

    plan: Digest
    step: Slug
    result: Literal["done", "unchanged", "failed", "undone"]
    code: str  # problem code when it failed
    started_at: Instant
    ended_at: Instant
    outputs: Pairs
    log: Digest | None


class StickerComponent(Part, frozen=True, kw_only=True):
    """A component on a version sticker."""

    name: str
    digest: Digest
    semver: str
    tag: str


class StickerInput(Record, frozen=True, kw_only=True, tag="sticker_input/1"):
    """The question of sticker/1: the sticker body of one target of one finished deployment."""

    deployment: Digest
    target: Digest
    completed_at: Instant
    signature_algorithm: str
    signer_key_ref: str
    signer_key_id: str


class StickerBody(Record, frozen=True, kw_only=True, tag="sticker_body/1"):
    """The answer of sticker/1: ``body`` is the canonical JSON that is signed, the sticker without ``signature``."""

    deployment: Digest
    target: Digest
    name: Name  # "targets/<target>/stella.version.json"; on the target itself "stella.version.json"
    body: Digest


class ManifestInput(Record, frozen=True, kw_only=True, tag="manifest_input/1"):
    """The question of manifest/1: every file made for a deployment but manifest and checksums."""

    deployment: Digest
    rendered: Digest
    sealed: Digest | None  # stickers and the release_decision packet
    created_at: Instant
    signature_algorithm: str
    signer_key_ref: str
    signer_key_id: str


class ManifestBody(Record, frozen=True, kw_only=True, tag="manifest_body/1"):
    """The answer of manifest/1: ``body`` is the canonical JSON that is signed, the manifest without ``signature``."""

    deployment: Digest
    artifacts: tuple[Artifact, ...]  # sorted by name
    body: Digest


class Signed(Part, frozen=True, kw_only=True):
    """A captured signature over a body: what seal/1 puts into the file."""

    name: Name
    body: Digest
    type: ArtifactType | Literal["manifest", "packet", "lock"]
    signature: str  # standard base64
    algorithm: str
    key_id: str


class SealInput(Record, frozen=True, kw_only=True, tag="seal_input/1"):
    """The question of seal/1: bodies and captured signatures become files."""

    deployment: Digest
    signed: tuple[Signed, ...]  # sorted by name
    beside: Digest | None = None  # ManifestBody, when the manifest is sealed: checksums cover its artifacts


class Sealed(Record, frozen=True, kw_only=True, tag="sealed/1"):
    """The files of seal/1, by name.

    ``manifest`` and the checksum files list, and are not listed: ``checksums`` covers the deployment's folder,
    ``target_checksums`` what one target receives (target's name, digest).
    """

    deployment: Digest
    artifacts: tuple[Artifact, ...]  # sorted by name
    manifest: Digest | None = None
    checksums: Digest | None = None
    target_checksums: tuple[tuple[str, Digest], ...] = ()


class Outcome(Part, frozen=True, kw_only=True):
    """How one target ended.

    ``not_reached``: nothing was stopped there, what ran runs on. ``restored``: the old containers run again.
    ``failed``: neither; the observation tells. ``code`` is the problem's code on the targets that caused the end.
    """

    target: Digest
    result: Literal["deployed", "unchanged", "restored", "failed", "not_reached"]
    plan: Digest | None
    receipts: tuple[Digest, ...]
    sticker: Digest | None  # signed sticker file
    code: str = ""
    observation: Digest | None = None  # the target as it was left


class DeploymentResult(Record, frozen=True, kw_only=True, tag="deployment_result/1"):
    """How a deployment ended: exactly who runs what."""

    deployment: Digest
    result: Literal["deployed", "failed", "rolled_back"]
    completed_at: Instant
    outcomes: tuple[Outcome, ...]  # sorted by target


class Deployed(Record, frozen=True, kw_only=True, tag="deployed/1"):
    """A member of the head ``deployed/<environment>``: what a line runs there now."""

    line: Slug
    release: Digest
    environment: Digest
    deployment: Digest
    result: Digest
    rendered: Digest
    manifest: Digest
    packet: Digest
    assessment: Digest | None
    completed_at: Instant


class PackInput(Record, frozen=True, kw_only=True, tag="pack_input/1"):
    """The question of pack/1: the evidence packet's body."""

    type: Literal["release_decision", "deployment", "rollback", "ab_promotion"]
    tenant: Slug
    promotion: Digest
    verdict: Digest
    decision: Digest
    result: Digest | None
    manifest: Digest | None
    deployment: Digest | None
    generated_at: Instant
    generator_version: Name
    signature_algorithm: str
    signer_key_ref: str
    signer_key_id: str
    actors: tuple[tuple[str, str], ...]  # (actor id, login), sorted
    manifest_body: Digest | None = None  # ManifestBody behind ``manifest``


class PacketBody(Record, frozen=True, kw_only=True, tag="packet_body/1"):
    """The answer of pack/1: ``body`` is the canonical JSON that is signed, the packet without ``signature``."""

    id: str  # UUIDv8 of the PackInput
    type: str
    promotion: Digest
    content: Digest
    body: Digest


class Drift(Part, frozen=True, kw_only=True):
    """One difference between what should be and what was seen."""

    type: Literal["missing", "corrupted", "mismatch"]
    component: str
    field: str
    expected: str
    actual: str


class DriftInput(Record, frozen=True, kw_only=True, tag="drift_input/1"):
    """The question of drift/1."""

    deployed: Digest
    target: Digest
    observation: Digest
    left: Digest | None = None  # Observation of the target as it was left last; None = as the deployment left it


class DriftReport(Record, frozen=True, kw_only=True, tag="drift_report/1"):
    """Expected sticker and lock against an observation; ``actual_sticker`` is None when it is missing."""

    target: Digest
    expected_sticker: Digest
    actual_sticker: Digest | None
    drifted: bool
    drifts: tuple[Drift, ...]
    detail: Text
