"""Deployments: deploy, resume, roll back, look for drift, read what was left."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Instant, Pairs, Slug
from cas.records.deploy import Drift

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Deploy(Ask, frozen=True, kw_only=True):
    """Deploy an approved promotion, to the end or back to where it began."""

    promotion: Id


class Resume(Ask, frozen=True, kw_only=True):
    """Go on with the deployment that a crash interrupted in this environment."""

    environment: Slug


class RollBack(Ask, frozen=True, kw_only=True):
    """Return to the last good packet, or to the one named, configuration included."""

    environment: Slug
    line: Annotated[str, msgspec.Meta(max_length=128)] = ""
    to: Annotated[str, msgspec.Meta(max_length=128)] = ""  # release name, packet digest; empty: the last good one
    reason: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class TargetOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one target ended; what stands below ``sticker`` is empty where nothing went wrong, but for type and place."""

    target: str
    result: str
    code: str
    receipts: tuple[Digest, ...]
    sticker: Digest | None
    type: str = ""
    at: str = ""  # the target's folder or address, as its settings say
    title: str = ""  # of the code
    remedy: str = ""
    step: str = ""  # what stopped; empty: it was found before any step
    facts: Pairs = ()
    log: Digest | None = None  # what the step's tool printed


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """A command that can be given next, and why."""

    command: str
    why: str


class RolledBackView(Answer, frozen=True, kw_only=True):
    """The promotion that a rollback made; ``deployment`` is null while it waits for approvals or was refused."""

    promotion: str
    state: str
    back_to: str  # release
    deployment: "DeploymentView | None"


class DeploymentView(Answer, frozen=True, kw_only=True):
    """A deployment and how it went; ``result`` is empty while it is under way."""

    id: str
    digest: Digest
    promotion: str
    release: str
    environment: str
    deployer: str
    started_at: Instant
    completed_at: str
    result: str
    result_digest: Digest | None
    manifest: Digest | None
    packet: Digest | None
    outcomes: tuple[TargetOutcome, ...]
    line: str = ""
    purpose: str = ""
    next: tuple[NextStep, ...] = ()  # empty when it ended well


class ListDeployments(PageAsk, frozen=True, kw_only=True):
    """Newest first."""

    environment: str = ""


class DeploymentsPage(Answer, frozen=True, kw_only=True):
    """A page of deployments."""

    items: tuple[DeploymentView, ...]
    next_cursor: str


class ShowDeployment(Ask, frozen=True, kw_only=True):
    """By id or digest."""

    id: Id


class ArtifactLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file made for a deployment."""

    name: str
    type: str
    size: int
    sha256: str


class ArtifactsView(Answer, frozen=True, kw_only=True):
    """Every file, sorted by name; also as PDF: deployment.evidence.pdf."""

    deployment: str
    artifacts: tuple[ArtifactLine, ...]
    total_size: int


class VerifyArtifact(Ask, frozen=True, kw_only=True):
    """Check one file against the manifest, and its signature when it has one.

    ``data``: what was found somewhere under this name (base64 in JSON); absent: what is stored.
    """

    id: Id
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    data: bytes | None = None


class ChecksumView(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes against the signed manifest; for a lock also against the checksum it states itself."""

    valid: bool
    expected: str
    actual: str
    stated: str = ""
    found: str = ""


class SignatureView(msgspec.Struct, frozen=True, kw_only=True):
    """Whose signature speaks for the file: its own, or the manifest's."""

    valid: bool
    by: str
    reason: str = ""
    algorithm: str = ""
    keyId: str = ""  # noqa: N815 - as in the files themselves
    keyRef: str = ""  # noqa: N815


class ArtifactVerified(Answer, frozen=True, kw_only=True):
    """Is this file what was made?"""

    valid: bool
    checksum: ChecksumView
    signature: SignatureView


class CheckDrift(Ask, frozen=True, kw_only=True):
    """Look at the targets of an environment now, for all release lines or one."""

    environment: Slug
    line: Annotated[str, msgspec.Meta(max_length=128)] = ""


class DriftView(msgspec.Struct, frozen=True, kw_only=True):
    """What differs on one target."""

    target: str
    target_digest: Digest
    line: str
    expected_sticker: Digest | None
    actual_sticker: Digest | None
    drifted: bool
    drifts: tuple[Drift, ...]
    report: Digest | None
    problem: str  # code of what kept us from looking; empty: it was looked at
    title: str = ""  # of the problem
    remedy: str = ""
    facts: Pairs = ()
    release: str = ""  # what should run there


class DriftReports(Answer, frozen=True, kw_only=True):
    """A report for each target and release line."""

    environment: str
    drifted: bool
    all_seen: bool  # every target answered: without it "no drift" is no all-clear
    reports: tuple[DriftView, ...]


class Status(Ask, frozen=True, kw_only=True):
    """What runs where, and what waits for whoever asks."""


class RunningLine(msgspec.Struct, frozen=True, kw_only=True):
    """A release line on a target."""

    environment: str
    line: str
    release: str
    target: str
    result: str
    deployment: str
    packet: Digest
    completed_at: Instant


class WaitingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion that is not at its end."""

    id: str
    state: str
    release: str
    environment: str
    requested_by: str
    for_me: bool  # this caller may still approve it


class StatusView(Answer, frozen=True, kw_only=True):
    """What runs where, what failed last, and what waits."""

    origin: str
    log_size: int
    feed: str  # when the advisories were captured; empty: never
    stopped: bool  # the line is stopped somewhere
    running: tuple[RunningLine, ...]
    waiting: tuple[WaitingLine, ...]
    under_way: tuple[str, ...]  # environments that a deployment holds
    deploying: tuple[DeploymentView, ...] = ()  # what holds them, and how to go on when its process has died
    failed: tuple[DeploymentView, ...] = ()  # the newest attempt of each environment and line, when it did not end well


DEPLOY = Call(
    "deployment.start",
    "POST",
    "/deployment-jobs",
    Deploy,
    DeploymentView,
    "deployment:write",
    "Deploy an approved promotion.",
    status=201,
    person=True,
)
RESUME = Call(
    "deployment.resume",
    "POST",
    "/deployment-jobs/resume",
    Resume,
    DeploymentView,
    "deployment:write",
    "Go on with an interrupted deployment.",
)
ROLL_BACK = Call(
    "deployment.rollback",
    "POST",
    "/deployment-jobs/rollback",
    RollBack,
    RolledBackView,
    "deployment:write",
    "Return to an earlier packet.",
    status=201,
    person=True,
)
LIST = Call(
    "deployment.list",
    "GET",
    "/deployment-jobs",
    ListDeployments,
    DeploymentsPage,
    "deployment:read",
    "List deployments.",
)
SHOW = Call(
    "deployment.show",
    "GET",
    "/deployment-jobs/{id}",
    ShowDeployment,
    DeploymentView,
    "deployment:read",
    "Show a deployment.",
)
ARTIFACTS = Call(
    "deployment.artifacts",
    "GET",
    "/deployment-jobs/{id}/artifacts",
    ShowDeployment,
    ArtifactsView,
    "deployment:read",
    "List a deployment's files.",
)
VERIFY = Call(
    "deployment.verify",
    "POST",
    "/deployment-jobs/{id}/artifacts/{name}/verify",
    VerifyArtifact,
    ArtifactVerified,
    "deployment:read",
    "Check a file's checksum and signature.",
    slashes=True,
)
DRIFT = Call(
    "drift.check",
    "POST",
    "/environments/{environment}/drift",
    CheckDrift,
    DriftReports,
    "deployment:read",
    "Compare what runs with what should.",
)
STATUS = Call(
    "status",
    "GET",
    "/status",
    Status,
    StatusView,
    "deployment:read",
    "Tell what runs where, what failed last, and what waits.",
)

CALLS = (DEPLOY, RESUME, ROLL_BACK, LIST, SHOW, ARTIFACTS, VERIFY, DRIFT, STATUS)
