"""Where the synchronous core runs, and how much may wait for it: a sized executor, a narrow lane for large bodies.

Everything that waits is counted; what comes beyond a bound is told to come again, before its body is held.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from litestar.types import ASGIApp, Receive, Scope, Send

from api.problems import TooMany
from api.settings import Settings

T = TypeVar("T")
LARGE: Final = 1 << 20


class Bound:
    """So much at the same time, counted on the event loop."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self.held = 0

    def take(self, count: int = 1) -> Callable[[], None]:
        """Take a place (or as many bytes); give how to give it back, which may be done more than once.

        Raises: api.too_many
        """
        if self.held + count > self._most:
            raise TooMany(what=self._what, most=self._most)
        self.held += count
        given = [count]

        def back() -> None:
            if given:
                self.held -= given.pop()

        return back

    @contextmanager
    def taken(self, count: int = 1) -> Iterator[None]:
        """Hold a place for the length of a ``with`` block.

        Raises: api.too_many
        """
        back = self.take(count)
        try:
            yield
        finally:
            back()


class Lanes:
    """Runs plain functions off the event loop. Large bodies wait on disk for their turn, not in memory.

    ``requests``: asked at the same time; ``memory``: bytes of JSON bodies; ``large``: bodies that are moved.
    """

    def __init__(self, settings: Settings) -> None:
        self._executor = ThreadPoolExecutor(settings.executor_threads, thread_name_prefix="stella")
        self._turn = asyncio.Semaphore(settings.large_bodies)
        self.requests = Bound("requests", settings.requests)
        self.memory = Bound("bytes of request bodies", settings.limits.bodies)
        self.large = Bound("large bodies", settings.large_waiting)

    async def run(self, work: Callable[[], T], size: int = 0) -> T:
        """Do the work on the executor; in the narrow lane when what it works on is large."""
        loop = asyncio.get_running_loop()
        if size <= LARGE:
            return await loop.run_in_executor(self._executor, work)
        async with self._turn:
            return await loop.run_in_executor(self._executor, work)

    def bounded(self, app: ASGIApp) -> ASGIApp:
        """Count every request from its first byte to its last (ASGI middleware)."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            with self.requests.taken():
                await app(scope, receive, send)

        return counted

    async def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=False)
