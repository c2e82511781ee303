"""Trust: show it, and admit signed changes of it."""

from api.bodies import decoded
from api.calls import trust as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import refs
from cas.records.attest import SigstoreTrust
from pipeline.operations import sigstore_trust, trust


def show(visit: Visit, _ask: calls.ShowTrust) -> calls.TrustView:
    """Show trust root and directory."""
    return _view(visit, trust.current(visit.effects))


def change_root(visit: Visit, ask: calls.ChangeTrust) -> calls.TrustView:
    """Admit the next trust root."""
    return _view(visit, trust.change_root(visit.effects, visit.caller, decoded(ask.envelope)))


def change_directory(visit: Visit, ask: calls.ChangeTrust) -> calls.TrustView:
    """Admit the next directory."""
    return _view(visit, trust.change_directory(visit.effects, visit.caller, decoded(ask.envelope)))


def show_sigstore(visit: Visit, _ask: calls.ShowSigstore) -> calls.SigstoreView:
    """Show the trusted Sigstore instances."""
    found = sigstore_trust.current(visit.effects)
    return calls.SigstoreView(
        digest=visit.effects.log.ref(refs.SIGSTORE) or "",
        trust=found or SigstoreTrust(version=0, roots=(), previous=None),
    )


def change_sigstore(visit: Visit, ask: calls.ChangeSigstore) -> calls.SigstoreView:
    """Admit the next record of trusted Sigstore instances."""
    sigstore_trust.change(visit.effects, visit.caller, decoded(ask.envelope), ask.roots)
    return show_sigstore(visit, calls.ShowSigstore())


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
    Handler(calls.SHOW_SIGSTORE, show_sigstore),
    Handler(calls.CHANGE_SIGSTORE, change_sigstore),
)
