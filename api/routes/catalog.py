"""Who performs each call. A new resource adds its line; tests hold that every call has exactly one handler."""

from api.routes import (
    deployments,
    environments,
    evidence,
    feeds,
    health,
    log,
    policies,
    promotions,
    releases,
    replays,
    tokens,
    trust,
    verdicts,
)
from api.routes.handler import AnyHandler

HANDLERS: tuple[AnyHandler, ...] = (
    *health.HANDLERS,
    *evidence.HANDLERS,
    *feeds.HANDLERS,
    *releases.HANDLERS,
    *environments.HANDLERS,
    *policies.HANDLERS,
    *verdicts.HANDLERS,
    *promotions.HANDLERS,
    *deployments.HANDLERS,
    *replays.HANDLERS,
    *log.HANDLERS,
    *trust.HANDLERS,
    *tokens.HANDLERS,
)
BY_NAME: dict[str, AnyHandler] = {handler.call.name: handler for handler in HANDLERS}
