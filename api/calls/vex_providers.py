"""VEX providers: configured, their artifacts handed over, pulled. No answer holds an artifact's bytes or a secret."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from api.calls.evidence import EvidenceReceipt, NotTaken
from cas.digest import Digest
from cas.records.base import Instant, Slug
from cas.records.vex_provider import VexProvider, VexPull
from pipeline.vex_config import ArtifactRef

Text = Annotated[str, msgspec.Meta(max_length=65536)]
Texts = Annotated[tuple[Text | ArtifactRef, ...], msgspec.Meta(max_length=512)]
FieldName = Annotated[str, msgspec.Meta(max_length=80)]


class ConfigureVexProvider(Ask, frozen=True, kw_only=True):
    """Fields that are given replace those that stand, cleared ones go, the rest stays.

    A field is a scalar (text or flag), a list of strings (an array, lines, or a JSON text), a reference to an artifact
    (``{"artifactId": …}`` or its id), or a list of those.
    """

    id: Slug
    fields: dict[FieldName, bool | Text | ArtifactRef | Texts] = msgspec.field(default_factory=dict)
    clear: Annotated[tuple[FieldName, ...], msgspec.Meta(max_length=32)] = ()


class ShowVexProvider(Ask, frozen=True, kw_only=True):
    """By id."""

    id: Slug


class ListVexProviders(PageAsk, frozen=True, kw_only=True):
    """All that are configured."""


class VexProviderView(Answer, frozen=True, kw_only=True):
    """A provider as it stands, and its newest pull.

    ``vouched``: the instance's own trust knows the signer that is expected, so what it signs counts in verdicts.
    """

    digest: Digest
    provider: VexProvider
    vouched: bool
    pull: VexPull | None


class VexProvidersPage(Answer, frozen=True, kw_only=True):
    """A page of providers."""

    items: tuple[VexProviderView, ...]
    next_cursor: str


class UploadVexArtifact(Ask, frozen=True, kw_only=True):
    """A file for a field of the configuration: ``keys``, ``tuf_root`` or ``ca``; 1 MiB at most."""

    id: Slug
    key: Annotated[str, msgspec.Meta(max_length=80)]
    data: bytes  # base64 in JSON
    name: Annotated[str, msgspec.Meta(max_length=255)] = ""


class VexArtifactView(Answer, frozen=True, kw_only=True):
    """An artifact, never its bytes."""

    artifact_id: str = msgspec.field(name="artifactId")
    key: str
    name: str
    sha256: Digest
    size: int
    created_by: str
    created_at: Instant


class ListVexArtifacts(Ask, frozen=True, kw_only=True):
    """The artifacts of a provider."""

    id: Slug


class VexArtifacts(Answer, frozen=True, kw_only=True):
    """Artifacts, oldest first: a provider has few."""

    items: tuple[VexArtifactView, ...]


class NameVexArtifact(Ask, frozen=True, kw_only=True):
    """One artifact of a provider."""

    id: Slug
    artifact: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class PullVexProvider(Ask, frozen=True, kw_only=True):
    """Fetch what is attached to the provider's images; ``layout`` is an OCI layout's folder on this machine instead."""

    id: Slug
    layout: Annotated[str, msgspec.Meta(max_length=4096)] = ""


class VexPulled(Answer, frozen=True, kw_only=True):
    """What was found. ``pull`` says how each statement stands by the provider; ``receipts``, how it stands here."""

    digest: Digest
    pull: VexPull
    receipts: tuple[EvidenceReceipt, ...]
    not_taken: tuple[NotTaken, ...]
    log_size: int


_PROVIDERS = "/excititor/providers"
_ONE = f"{_PROVIDERS}/{{id}}"
_ARTIFACTS = f"{_ONE}/artifacts"

CONFIGURE = Call(
    "vex_provider.configure",
    "POST",
    _ONE,
    ConfigureVexProvider,
    VexProviderView,
    "vex.admin",
    "Configure a provider of VEX; all faults are told at once.",
)
LIST = Call(
    "vex_provider.list", "GET", _PROVIDERS, ListVexProviders, VexProvidersPage, "vex.read", "List providers of VEX."
)
SHOW = Call("vex_provider.show", "GET", _ONE, ShowVexProvider, VexProviderView, "vex.read", "Show a provider of VEX.")
PULL = Call(
    "vex_provider.pull",
    "POST",
    f"{_ONE}/pull",
    PullVexProvider,
    VexPulled,
    "vex.admin",
    "Fetch, verify and admit the VEX beside a provider's images, in one append.",
)
UPLOAD = Call(
    "vex_provider.artifact.upload",
    "POST",
    _ARTIFACTS,
    UploadVexArtifact,
    VexArtifactView,
    "vex.admin",
    "Hand over a public file for a provider's configuration.",
    status=201,
)
ARTIFACTS = Call(
    "vex_provider.artifact.list",
    "GET",
    _ARTIFACTS,
    ListVexArtifacts,
    VexArtifacts,
    "vex.read",
    "List a provider's artifacts.",
)
ARTIFACT = Call(
    "vex_provider.artifact.show",
    "GET",
    f"{_ARTIFACTS}/{{artifact}}",
    NameVexArtifact,
    VexArtifactView,
    "vex.read",
    "Tell of an artifact, without its bytes.",
)
DELETE = Call(
    "vex_provider.artifact.delete",
    "DELETE",
    f"{_ARTIFACTS}/{{artifact}}",
    NameVexArtifact,
    VexArtifactView,
    "vex.admin",
    "Delete an artifact that the configuration does not name.",
)

CALLS = (CONFIGURE, LIST, SHOW, PULL, UPLOAD, ARTIFACTS, ARTIFACT, DELETE)
