"""Folders of this machine that an image is read from: only who holds them may name one."""

from api.asker import OutOfBounds
from api.visit import Visit
from pipeline.operations.images import split_layout


def refuse_layout(visit: Visit, reference: str) -> None:
    """Only who holds this machine's files may name a folder on it.

    Raises: auth.out_of_bounds
    """
    location, _ = split_layout(reference)
    if location and not visit.local:
        raise OutOfBounds(reference=reference[:200], reason="a layout on the server's disk")
