"""Bundles: what is asked for becomes roots; replay writes and checks them."""

from collections.abc import Mapping
from pathlib import Path

from api.calls.bundles import BundleImported
from api.names import record_named
from api.problems import RequestInvalid
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.problems import Fault
from replay import scope
from replay.bundle import export as write
from replay.imports import import_bundle


def export(visit: Visit, asked: Mapping[str, str], path: Path) -> int:
    """Write a bundle and give its size.

    Raises: api.request_invalid, cas.entry_missing, bundle.*
    """
    effects = visit.effects
    return write(effects.store, effects.log, effects.server, _roots(visit, asked), path).size


def _roots(visit: Visit, asked: Mapping[str, str]) -> tuple[Digest, ...]:
    """Say what the bundle is about: exactly one of release, promotion, record, period."""
    log, store = visit.effects.log, visit.effects.store
    given = sorted(name for name in ("release", "promotion", "record", "start") if asked.get(name))
    if len(given) != 1:
        fault = Fault("", "bundle.scope", "exactly one of release, promotion, record, or start (with end)")
        raise RequestInvalid(call="bundle.export", faults=(fault,))
    if given == ["release"]:
        return scope.of_release(log, store, asked["release"])
    if given == ["promotion"]:
        return scope.of_promotion(log, store, asked["promotion"])
    if given == ["record"]:
        return (record_named(visit.effects, asked["record"]),)
    return scope.of_period(log, asked["start"], asked.get("end") or "9999-12-31T23:59:59Z")


def bring(visit: Visit, path: Path, root: str) -> BundleImported:
    """Bring a bundle in.

    Raises: bundle.invalid, bundle.signer_not_established
    """
    wanted = digest.parse(root) if root else None
    made = import_bundle(visit.effects, visit.caller, path, root=wanted, demand_root=wanted is not None)
    return BundleImported(
        claim=made.claim_digest,
        origin=made.claim.origin,
        roots=made.claim.roots,
        established=made.established,
        objects=made.objects,
        known=made.known,
    )
