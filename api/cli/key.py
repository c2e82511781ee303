"""stella key …: keys of people, made and kept on their own machines."""

from enum import Enum
from pathlib import Path

import typer

from api.cli.output import group, screen

APP = group("Make and show keys.")


class Algorithm(str, Enum):
    """What keys may be."""

    ED25519 = "ed25519"
    P256 = "ecdsa-p256"
    RSA = "rsa"


@APP.command()
def generate(
    context: typer.Context,
    path: Path = typer.Argument(help="Where the private key goes (0600); the public one beside it as .pub."),
    algorithm: Algorithm = typer.Option(Algorithm.ED25519, help="The key's algorithm."),
    passphrase: bool = typer.Option(False, "--passphrase", help="Ask for a passphrase and encrypt the key with it."),
) -> None:
    """Make a key pair. The private key never leaves this machine."""
    from pipeline.adapters import keys

    signer = keys.generate(algorithm.value)
    secret = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True) if passphrase else ""
    keys.save_key(path, signer, secret.encode if passphrase else None)
    public = path.with_name(path.name + ".pub")
    public.write_bytes(keys.public_pem(signer))
    _show(context, signer, public)


@APP.command()
def show(context: typer.Context, path: Path = typer.Argument(help="A private key file.")) -> None:
    """Show a key's public side."""
    from pipeline.adapters import keys

    signer = keys.load_signer(path, purposes=("approve",), passphrase=ask_passphrase)
    _show(context, signer, None)


def ask_passphrase() -> bytes:
    """Ask for a key's passphrase on the terminal."""
    secret: str = typer.prompt("Passphrase", hide_input=True, err=True)
    return secret.encode()


def _show(context: typer.Context, signer: object, public: Path | None) -> None:
    from pipeline.adapters.keys import KeySigner

    assert isinstance(signer, KeySigner)
    screen(context).show(
        {"id": signer.key.id, "algorithm": signer.key.algorithm, "spki": signer.key.spki},
        [
            ("id", signer.key.id),
            ("fingerprint", f"sha256:{signer.key.id}"),
            ("algorithm", signer.key.algorithm),
            ("public key", public or signer.key.spki),
        ],
    )
