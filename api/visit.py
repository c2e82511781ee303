"""A Visit: somebody at a door of an instance, with what they may do. Must not know how they came in."""

from dataclasses import dataclass

from api.asker import Asker
from api.instance import Instance
from pipeline.effects import Caller, Effects


@dataclass(frozen=True, slots=True)
class Visit:
    """One request being answered. ``effects`` are the instance's, perhaps with an idempotency key in the log's path."""

    instance: Instance
    effects: Effects
    asker: Asker
    local: bool = False  # on this machine, as the user who holds the home

    @property
    def caller(self) -> Caller:
        """Who acts, as operations know it."""
        return self.asker.caller


def enter(instance: Instance, asker: Asker, *, local: bool) -> Visit:
    """Let somebody in. ``local``: on this machine, as the user who holds the home."""
    return Visit(instance, instance.effects, asker, local)
