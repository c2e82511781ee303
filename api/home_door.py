"""The door of a home in this process: calls go straight to their handlers. Whoever holds the files is the owner."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from api.asker import Asker
from api.auth import asker_of, person_by_key
from api.calls.bundles import BundleImported
from api.calls.call import Ask, Call
from api.calls.feeds import IMPORT as IMPORT_FEED
from api.calls.feeds import Feed, FeedImported
from api.calls.moved import EXPORT, IMPORT
from api.instance import Instance
from api.own_key import key_of
from api.perform import perform
from api.problems import NotFound
from api.settings import Settings
from api.visit import enter
from api.wiring import open_instance
from cas.digest import Digest

Q = TypeVar("Q", bound=Ask)
A = TypeVar("A")


class HomeDoor:
    """See Door."""

    def __init__(self, settings: Settings, *, writable: bool = True) -> None:
        self.instance: Instance = open_instance(settings, writable=writable)
        try:
            self._asker = self._whose(settings)
        except BaseException:
            self.instance.close()
            raise

    def _whose(self, settings: Settings) -> Asker:
        """Say who asks: the person whose key this process could open, else whoever holds the home."""
        key = key_of(settings)
        if key is None:
            return self.instance.owner
        return asker_of(*person_by_key(self.instance.effects, key.key.id))

    @property
    def place(self) -> str:
        """See Door."""
        return str(self.instance.settings.root)

    def ask(self, call: Call[Q, A], request: Q) -> A:
        """See Door."""
        from api.routes.catalog import handler_of  # noqa: PLC0415 - loads the operations

        visit = enter(self.instance, self._asker, local=True)
        answer: A = perform(handler_of(call.name), visit, request)
        return answer

    def read(self, path: str, sink: Callable[[bytes], Any]) -> int:
        """See Door."""
        from api.routes.bytes_at import bytes_at  # noqa: PLC0415

        visit = enter(self.instance, self._asker, local=True)
        found = bytes_at(visit, path)
        if found is None:
            raise NotFound(path=path)
        size = 0
        for chunk in found:
            sink(chunk)
            size += len(chunk)
        return size

    def object(self, digest: Digest) -> bytes:
        """See Door."""
        return self.instance.effects.store.get(digest)

    def export(self, asked: Mapping[str, str], to: Path) -> int:
        """See Door."""
        from api.routes.bundles import export  # noqa: PLC0415

        self._asker.check(EXPORT)
        return export(enter(self.instance, self._asker, local=True), asked, to)

    def bring(self, bundle: Path, root: str) -> BundleImported:
        """See Door."""
        from api.routes.bundles import bring  # noqa: PLC0415

        self._asker.check(IMPORT)
        return bring(enter(self.instance, self._asker, local=True), bundle, root)

    def feed(self, feed: Feed) -> FeedImported:
        """See Door."""
        from api.routes.feeds import imported  # noqa: PLC0415

        self._asker.check(IMPORT_FEED)
        return imported(enter(self.instance, self._asker, local=True), feed)

    def close(self) -> None:
        """Let go of the home."""
        self.instance.close()
