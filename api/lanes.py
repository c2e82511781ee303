"""Where the synchronous core runs: a sized executor, with a narrow lane for large bodies."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
LARGE: Final = 1 << 20


class Lanes:
    """Runs plain functions off the event loop. Large bodies wait on disk for their turn, not in memory."""

    def __init__(self, threads: int, large: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="stella")
        self._large = asyncio.Semaphore(large)

    async def run(self, work: Callable[[], T], size: int = 0) -> T:
        """Do the work on the executor; in the narrow lane when what it works on is large."""
        loop = asyncio.get_running_loop()
        if size <= LARGE:
            return await loop.run_in_executor(self._executor, work)
        async with self._large:
            return await loop.run_in_executor(self._executor, work)

    async def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=False)
