"""The root key, as commands that change trust need it."""

from pathlib import Path
from typing import Any

from api.cli.output import Screen


def root_signer(out: Screen, path: Path | None) -> Any:
    """Read the root key: the file named, or the home's own."""
    from api.cli.key import ask_passphrase
    from pipeline.adapters.keys import load_signer

    return load_signer(
        path or out.settings.root / "keys" / "root.pem", purposes=("root",), ref="root", passphrase=ask_passphrase
    )
