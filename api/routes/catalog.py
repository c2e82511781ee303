"""Who performs each call. A new resource adds its line; tests hold that every call has exactly one handler.

A resource is loaded when one of its calls is asked for, so that a command pays for its own operations only.
"""

from importlib import import_module
from typing import Final

from api.routes.handler import AnyHandler

RESOURCES: Final = (
    ("health", ("health",)),
    ("evidence_shown", ("evidence",)),
    ("evidence", ("evidence",)),
    ("feeds", ("feed",)),
    ("matches", ("match",)),
    ("releases", ("release",)),
    ("drafts", ("draft",)),
    ("environments", ("environment", "target")),
    ("policies", ("policy",)),
    ("policy_life", ("policy",)),
    ("waivers", ("waiver",)),
    ("verdicts", ("gate", "verdict")),
    ("unknowns", ("unknown",)),
    ("evaluations", ("evaluation",)),
    ("vex", ("vex",)),
    ("vex_providers", ("vex_provider",)),
    ("promotions", ("promotion",)),
    ("break_glass", ("break_glass",)),
    ("deployments", ("deployment", "drift", "status")),
    ("line", ("line",)),
    ("replays", ("replay",)),
    ("search", ("search",)),
    ("log", ("log",)),
    ("trust", ("trust",)),
    ("tokens", ("token",)),
)
"""Module beside this one, and what the names of its calls begin with."""


def every_handler() -> tuple[AnyHandler, ...]:
    """Give the handler of every call, loading every resource."""
    return tuple(handler for module, _ in RESOURCES for handler in _handlers(module))


def handler_of(name: str) -> AnyHandler:
    """Give the handler of a call by its name, loading its resource only.

    A name that no call has is a fault of this program, and ends as one.
    """
    noun = name.partition(".")[0]
    modules = (module for module, nouns in RESOURCES if noun in nouns)
    return next(handler for module in modules for handler in _handlers(module) if handler.call.name == name)


def _handlers(module: str) -> tuple[AnyHandler, ...]:
    found: tuple[AnyHandler, ...] = import_module(f"api.routes.{module}").HANDLERS
    return found
