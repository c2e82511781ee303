"""Performing a call for somebody: the same few steps at every door. Must not know HTTP, argv or any call."""

from typing import Any

from api.calls.call import AnyCall, Ask
from api.routes.handler import AnyHandler
from api.visit import Visit


def perform(handler: AnyHandler, visit: Visit, ask: Ask) -> Any:
    """Check that the asker may, then do it.

    Raises: auth.* problems, and what the operation raises
    """
    visit.asker.check(handler.call)
    visit.asker.reach(environment=_named(ask, "environment"), components=_components(handler.call, ask))
    return handler.perform(visit, ask)


def _named(ask: Ask, name: str) -> str:
    value = getattr(ask, name, "")
    return value if isinstance(value, str) else ""


def _components(call: AnyCall, ask: Ask) -> tuple[str, ...]:
    if call.method == "GET":
        return ()
    return tuple(str(getattr(item, "name", item)) for item in getattr(ask, "components", ()) or ())
