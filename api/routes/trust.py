"""Trust: show it, and admit signed changes of it."""

from api.bodies import decoded
from api.calls import trust as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from pipeline.operations import trust


def show(visit: Visit, _ask: calls.ShowTrust) -> calls.TrustView:
    """Show trust root and directory."""
    return _view(visit, trust.current(visit.effects))


def change_root(visit: Visit, ask: calls.ChangeTrust) -> calls.TrustView:
    """Admit the next trust root."""
    return _view(visit, trust.change_root(visit.effects, visit.caller, decoded(ask.envelope)))


def change_directory(visit: Visit, ask: calls.ChangeTrust) -> calls.TrustView:
    """Admit the next directory."""
    return _view(visit, trust.change_directory(visit.effects, visit.caller, decoded(ask.envelope)))


def _view(visit: Visit, now: trust.Trust) -> calls.TrustView:
    return calls.TrustView(
        fingerprint=trust.fingerprint(now.root),
        root_digest=now.root_digest,
        root=now.root,
        directory_digest=now.directory_digest,
        directory=now.directory,
        log_size=visit.effects.log.head().size,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.SHOW, show),
    Handler(calls.CHANGE_ROOT, change_root),
    Handler(calls.CHANGE_DIRECTORY, change_directory),
)
