"""The caller's own key, as the settings name it: it says who asks. Must not know what is asked."""

from pathlib import Path
from typing import Any

from api.settings import Settings


def key_of(settings: Settings) -> Any:
    """Load the key that says who asks; None when the settings name none.

    Raises: keys.*
    """
    if not settings.key:
        return None
    from pipeline.adapters.keys import load_signer  # noqa: PLC0415

    return load_signer(Path(settings.key).expanduser(), purposes=("approve",))
