"""An Instance: an open home as operations and doors need it. Must not know concrete adapters: wiring hands them in."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from api.asker import Asker
from api.auth import Doorkeeper, owner_of
from api.settings import Settings
from cas.index import Index
from pipeline.effects import Effects


class OpenIndex(Index, Protocol):
    """An Index that somebody opened."""

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass
class Instance:
    """An open home with everything that operations and doors need of it."""

    settings: Settings
    effects: Effects
    home: Any  # cas.adapters.home.Home; its store and log are in effects
    origin: str
    doorkeeper: Doorkeeper
    writable: bool
    version: str
    open_index: Callable[["Instance"], OpenIndex]
    serving: bool = False
    registry_address: str = ""  # where this process serves /v2/ itself
    stop_registry: Callable[[], None] | None = None
    _index: OpenIndex | None = None
    _opening: threading.Lock = field(default_factory=threading.Lock)

    @property
    def owner(self) -> Asker:
        """Whoever holds the home's files."""
        return owner_of(self.origin)

    def index(self) -> Index:
        """Give the index, opened when it is first asked for; finds apply what it lacks of the log."""
        with self._opening:
            if self._index is None:
                self._index = self.open_index(self)
            return self._index

    @property
    def indexed(self) -> bool:
        """Tell whether the index is open, so that asking it costs no start."""
        return self._index is not None or self.serving

    def close(self) -> None:
        """Let go of the home."""
        if self._index is not None:
            self._index.close()
        if self.stop_registry is not None:
            self.stop_registry()
        if self.home is not None:
            self.home.close()
