"""A bar for work that takes more than a second. Loads Rich only then."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def after_a_second(text: str) -> Iterator[None]:
    """Draw a moving bar on standard error from the second second on."""
    done = threading.Event()
    drawer = threading.Thread(target=_draw, args=(text, done), daemon=True)
    drawer.start()
    try:
        yield
    finally:
        done.set()
        drawer.join()


def _draw(text: str, done: threading.Event) -> None:
    if done.wait(1.0):
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(TextColumn(text), BarColumn(), TimeElapsedColumn(), console=console, transient=True) as bar:
        bar.add_task(text, total=None)
        done.wait()
