"""VEX providers: configure, list, show, pull; their artifacts."""

from api import paging
from api.calls import vex_providers as calls
from api.names import who
from api.routes.evidence import not_taken, receipt
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from pipeline.operations import vex_artifacts, vex_providers, vex_pull
from pipeline.operations.collect import Found, LayoutHere
from pipeline.operations.vex_artifacts import Kept
from pipeline.operations.vex_providers import Configured


def configure(visit: Visit, ask: calls.ConfigureVexProvider) -> calls.VexProviderView:
    """Configure a provider."""
    return _view(visit, vex_providers.configure(visit.effects, visit.caller, ask.id, ask.fields, ask.clear))


def list_all(visit: Visit, ask: calls.ListVexProviders) -> calls.VexProvidersPage:
    """List providers."""
    found = vex_providers.every(visit.effects)
    most = visit.instance.settings.limits.page
    items, cursor = paging.page(ask, found, lambda one: one.provider.id, most=most)
    return calls.VexProvidersPage(items=tuple(_view(visit, one) for one in items), next_cursor=cursor)


def show(visit: Visit, ask: calls.ShowVexProvider) -> calls.VexProviderView:
    """Show a provider."""
    return _view(visit, vex_providers.find(visit.effects, ask.id))


def _view(visit: Visit, found: Configured) -> calls.VexProviderView:
    return calls.VexProviderView(
        digest=found.digest,
        provider=found.provider,
        vouched=found.vouched,
        pull=vex_pull.newest(visit.effects, found.provider.id),
    )


def pull(visit: Visit, ask: calls.PullVexProvider) -> calls.VexPulled:
    """Pull a provider; a server reads no layout of its own for a caller from elsewhere."""
    if ask.layout and not visit.local:
        raise LayoutHere(layout=ask.layout[:200])
    made = vex_pull.pull(visit.effects, visit.caller, ask.id, layout=ask.layout)
    return calls.VexPulled(
        digest=made.digest,
        pull=made.pull,
        receipts=tuple(receipt(visit, one) for one in made.receipts),
        not_taken=not_taken(Found("", (), made.skipped)),
        log_size=visit.effects.log.head().size,
    )


def upload(visit: Visit, ask: calls.UploadVexArtifact) -> calls.VexArtifactView:
    """Keep an artifact."""
    kept = vex_artifacts.upload(visit.effects, visit.caller, ask.id, ask.key, ask.data, name=ask.name)
    return _artifact(visit, kept)


def artifacts(visit: Visit, ask: calls.ListVexArtifacts) -> calls.VexArtifacts:
    """List a provider's artifacts."""
    return calls.VexArtifacts(items=tuple(_artifact(visit, one) for one in vex_artifacts.every(visit.effects, ask.id)))


def artifact(visit: Visit, ask: calls.NameVexArtifact) -> calls.VexArtifactView:
    """Tell of one artifact."""
    return _artifact(visit, vex_artifacts.find(visit.effects, ask.id, ask.artifact))


def delete(visit: Visit, ask: calls.NameVexArtifact) -> calls.VexArtifactView:
    """Delete an artifact."""
    return _artifact(visit, vex_artifacts.delete(visit.effects, visit.caller, ask.id, ask.artifact))


def _artifact(visit: Visit, kept: Kept) -> calls.VexArtifactView:
    one = kept.artifact
    return calls.VexArtifactView(
        artifact_id=kept.id,
        key=one.key,
        name=one.name,
        sha256=one.payload,
        size=one.size,
        created_by=who(visit.effects, one.created_by),
        created_at=one.created_at,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.CONFIGURE, configure),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.PULL, pull),
    Handler(calls.UPLOAD, upload),
    Handler(calls.ARTIFACTS, artifacts),
    Handler(calls.ARTIFACT, artifact),
    Handler(calls.DELETE, delete),
)
