"""The Door: the same calls, in this process on a home, or over HTTP. Commands are written once, against this.

``open_door`` chooses: a server that the settings name; else the home's socket while ``stella serve`` holds it; else
the home itself, in this process.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from api.calls.bundles import BundleImported
from api.calls.call import Ask, Call
from api.own_identity import token_of
from api.own_key import key_of
from api.settings import Settings
from cas.digest import Digest
from cas.problems import HomeLocked

if TYPE_CHECKING:
    from api.calls.feeds import Feed, FeedImported

Q = TypeVar("Q", bound=Ask)
A = TypeVar("A")


class Door(Protocol):
    """Where calls go."""

    def ask(self, call: Call[Q, A], request: Q) -> A:
        """Ask, and wait for the answer.

        Raises: the call's problems, auth.*, api.*
        """
        ...

    def read(self, path: str, sink: Callable[[bytes], Any]) -> int:
        """Stream the bytes at a path below /api/v1 into ``sink``; give how many they were."""
        ...

    def object(self, digest: Digest) -> bytes:
        """Give an object's bytes, verified.

        Raises: cas.object_missing
        """
        ...

    def export(self, asked: Mapping[str, str], to: Path) -> int:
        """Write a signed bundle to a file that must not exist; give its size.

        Raises: cas.entry_missing, bundle.*
        """
        ...

    def bring(self, bundle: Path, root: str) -> BundleImported:
        """Bring a bundle in.

        Raises: bundle.*
        """
        ...

    def feed(self, feed: "Feed") -> "FeedImported":
        """Import advisories, read one at a time.

        Raises: feed.refused, evidence.contended, api.body_too_large
        """
        ...

    @property
    def place(self) -> str:
        """Where this door leads, for people."""
        ...


@contextmanager
def open_door(settings: Settings, *, writable: bool = True) -> Iterator[Door]:
    """Open the door that the settings lead to.

    Raises: home.missing, cas.home_locked, api.server_unreachable, keys.*
    """
    if settings.server:
        with _client(settings, settings.server) as door:
            yield door
    elif settings.socket.exists() and _alive(settings.socket):
        with _client(settings, f"unix:{settings.socket}") as door:
            yield door
    else:
        with _home(settings, writable=writable) as door:
            yield door


def _alive(path: Path) -> bool:
    from api.client import connects  # noqa: PLC0415

    return connects(path)


@contextmanager
def _client(settings: Settings, server: str) -> Iterator[Door]:
    from api.client import Client  # noqa: PLC0415 - each door is loaded when it is opened

    with Client(server, token=token_of(settings, server), key=key_of(settings)) as client:
        yield client


@contextmanager
def _home(settings: Settings, *, writable: bool) -> Iterator[Door]:
    from api.home_door import HomeDoor  # noqa: PLC0415

    try:
        door = HomeDoor(settings, writable=writable)
    except HomeLocked:
        if not settings.socket.exists() or not _alive(settings.socket):
            raise
        with _client(settings, f"unix:{settings.socket}") as client:  # serve began meanwhile
            yield client
        return
    try:
        yield door
    finally:
        door.close()
