"""Every store and log that the suites are run over. A newcomer adds a line: how to open one in a folder."""

from contextlib import contextmanager

from cas.adapters.home import Home
from cas.adapters.memory import MemoryLog, MemoryStore
from cas.adapters.oci_layout import OciLayout
from cas.layers import ReadThrough, Sealed, Tracing, Verified


@contextmanager
def memory(folder):
    yield MemoryStore(), MemoryLog()


@contextmanager
def home(folder):
    with Home.open(folder / "home") as opened:
        yield opened.store, opened.log


@contextmanager
def home_sealed(folder):
    """A home that seals after every commit: packs and log files instead of the journal."""
    with Home.open(folder / "home") as opened:
        yield _SealingStore(opened), _SealingLog(opened)


class _SealingStore:
    def __init__(self, opened):
        self._opened = opened

    def __getattr__(self, name):
        if name not in {"put", "write"}:
            self._opened.seal()
        return getattr(self._opened.store, name)


class _SealingLog:
    def __init__(self, opened):
        self._opened = opened

    def __getattr__(self, name):
        if name != "append":
            self._opened.seal()
        return getattr(self._opened.log, name)


OPENERS = (("memory", memory), ("home", home), ("home, sealed", home_sealed))


@contextmanager
def oci_layout(folder):
    with OciLayout(folder / "layout", writable=True) as opened:
        yield opened, None


def layer(make):
    @contextmanager
    def opened(folder):
        yield make(MemoryStore()), None

    return opened


STORES = (
    *OPENERS,
    ("oci layout", oci_layout),
    ("verified", layer(Verified)),
    ("read-through", layer(lambda near: ReadThrough(near, MemoryStore()))),
    ("read-through, layered", layer(lambda near: ReadThrough(near, MemoryStore(), keep=False))),
    ("sealed", layer(lambda scratch: Sealed(MemoryStore(), ("sha256:" + "0" * 64,), scratch))),
    ("tracing", layer(Tracing)),
)
"""What is a store but no log."""
