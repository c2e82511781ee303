"""Health: open to everybody; says nothing that a stranger should not know."""

from api.calls.health import HEALTH, Health, Healthy
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit


def health(visit: Visit, _ask: Health) -> Healthy:
    """Tell that the instance answers."""
    instance = visit.instance
    return Healthy(
        status="ok" if instance.writable else "read_only",
        version=instance.version,
        origin=instance.origin,
        log_size=visit.effects.log.head().size,
        writable=instance.writable,
        caller="" if visit.asker.kind == "nobody" else visit.caller.login,
        now=visit.effects.clock.now(),
    )


HANDLERS: tuple[AnyHandler, ...] = (Handler(HEALTH, health),)
