"""Group commit: many writers, one sync. Knows batches and threads; must not know what a batch holds.

Self-clocking, without a timer: what queues up during one commit makes the next. Whoever waits first and finds nobody
committing commits for all, in its own thread (a single client pays no hand-over); else a committer thread does.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar


class Batch(Protocol):
    """What one commit makes durable together. ``done`` is resolved, or failed, when it ends."""

    done: "Future[None]"


B = TypeVar("B", bound=Batch)
R = TypeVar("R")


class Waiting(Future[R]):
    """A future whose waiter may do the work itself."""

    def __init__(self, lead: Callable[[], None]) -> None:
        super().__init__()
        self._lead = lead

    def cancel(self) -> bool:
        """Never: others may wait for the same commit, and what is written is written."""
        return False

    def result(self, timeout: float | None = None) -> R:
        """Commit here when nobody else is at it; then wait."""
        if not self.done():
            self._lead()
        return super().result(timeout)


class GroupCommit(Generic[B]):
    """One open batch, one commit at a time.

    ``lock`` guards ``batch``: hold it while adding. ``perform`` makes a batch durable and tells its waiters, also of
    failure; it must not raise. A batch is taken and performed by one thread at a time, in order.
    """

    def __init__(self, fresh: Callable[[], B], perform: Callable[[B], None]) -> None:
        self.lock = threading.Lock()
        self.batch = fresh()
        self._fresh = fresh
        self._perform = perform
        self._leading = threading.Lock()
        self._wake = threading.Event()
        self._due = False  # somebody asked, and no batch has been taken since
        self._closing = False
        self._thread: threading.Thread | None = None

    def lead(self) -> None:
        """Commit what is queued, in this thread, unless somebody is at it: then have it done right after."""
        if self._leading.acquire(blocking=False):
            try:
                self._round()
            finally:
                self._leading.release()
        else:
            self.nudge()

    def nudge(self) -> None:
        """Have what is queued committed soon, without waiting."""
        if self._thread is None:
            with self.lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="group-commit", daemon=True)
                    self._thread.start()
        self._due = True
        if not self._wake.is_set():
            self._wake.set()

    def settle(self) -> None:
        """Wait until everything queued before this call is durable.

        Raises: what failed the batch
        """
        with self.lock:
            done = self.batch.done
        while not done.done():
            if self._leading.acquire(blocking=False):
                try:
                    self._round()
                finally:
                    self._leading.release()
            else:
                self.nudge()
                break
        done.result()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep commits from happening meanwhile."""
        with self._leading:
            yield

    def close(self) -> None:
        """Commit what is queued and end the committer thread."""
        self._closing = True
        if self._thread is not None:
            self._wake.set()
            self._thread.join()
        with self._leading:
            self._round()

    def _round(self) -> None:
        self._due = False
        with self.lock:
            batch, self.batch = self.batch, self._fresh()
        self._perform(batch)

    def _serve(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            with self._leading:
                if self._due:
                    self._round()
