"""A bar for work that takes more than a second. Loads Rich only then."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def after_a_second(text: str) -> Iterator[Callable[[str], None]]:
    """Draw a moving bar on standard error from the second second on; what is given changes its text."""
    done = threading.Event()
    shown = [text]
    drawer = threading.Thread(target=_draw, args=(shown, done), daemon=True)
    drawer.start()
    try:
        yield lambda other: shown.__setitem__(0, other)
    finally:
        done.set()
        drawer.join()


def _draw(shown: list[str], done: threading.Event) -> None:
    if done.wait(1.0):
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task(shown[0], total=None)
        while not done.wait(0.2):
            bar.update(task, description=shown[0])
