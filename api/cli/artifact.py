"""stella artifact …: the files a deployment left."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import typer

from api import exit_codes
from api.calls import deployments as calls
from api.cli.output import group, screen, working
from api.cli.words import read_file

if TYPE_CHECKING:
    from api.door import Door

APP = group("List, get, verify, export the files of a deployment.")
_DEPLOYMENT = typer.Argument(help="The deployment's id or digest.")
_PDF = "deployment.evidence.pdf"


@APP.command("list")
def list_all(context: typer.Context, deployment: str = _DEPLOYMENT) -> None:
    """List a deployment's files."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.ARTIFACTS, calls.ShowDeployment(id=deployment))
    rows = [(one.name, one.type, one.size, one.sha256[:12]) for one in found.artifacts]
    out.table(found.artifacts, ("NAME", "TYPE", "SIZE", "SHA256"), rows)
    out.say(f"as PDF too: stella artifact get {deployment} {_PDF}")


@APP.command()
def get(
    context: typer.Context,
    deployment: str = _DEPLOYMENT,
    name: str = typer.Argument(help="The file's name; manifest and deployment.evidence.pdf too."),
    to: Path | None = typer.Option(None, "--out", help="The file to write; it must not exist. Else: standard output."),
) -> None:
    """Give one file's bytes."""
    out = screen(context)
    with out.door(writable=False) as door:
        if to is None:
            stream = typer.get_binary_stream("stdout")
            door.read(_path(deployment, name), stream.write)
            stream.flush()
            return
        size = _fetched(door, deployment, name, to)
    out.show({"path": str(to), "size": size}, [("file", to), ("size", size)])


@APP.command()
def verify(
    context: typer.Context,
    deployment: str = _DEPLOYMENT,
    name: str = typer.Argument(help="The file's name."),
    file: Path | None = typer.Option(None, help="What was found on a target under this name; else what is stored."),
) -> None:
    """Check a file's checksum and signature; exit 2 when it is not what was made."""
    out = screen(context)
    data = read_file(file, most=2 << 20) if file else None
    with out.door(writable=False) as door:
        found = door.ask(calls.VERIFY, calls.VerifyArtifact(id=deployment, name=name, data=data))
    signed = "good" if found.signature.valid else f"bad: {found.signature.reason}"
    out.show(
        found,
        [
            ("valid", found.valid),
            ("checksum", "good" if found.checksum.valid else f"bad: {found.checksum.actual}"),
            ("expected", found.checksum.expected),
            ("signature", f"{signed}, by {found.signature.by} {found.signature.algorithm}".rstrip()),
            ("key", found.signature.keyId),
        ],
    )
    if not found.valid:
        raise typer.Exit(exit_codes.INPUT)


@APP.command()
def export(
    context: typer.Context,
    deployment: str = _DEPLOYMENT,
    to: Path = typer.Option(..., "--out", help="The folder to make; it must not exist."),
    pdf: bool = typer.Option(False, "--pdf", help="The evidence as PDF too."),
) -> None:
    """Write all files into a new folder, whole or not at all; check it with sha256sum -c checksums.sha256."""
    out = screen(context)
    if to.exists() or to.is_symlink():
        raise typer.BadParameter(f"{to}: exists already")
    fresh = to.with_name(f".{to.name}.{os.getpid()}.partial")
    with out.door(writable=False) as door, working("writing files"):
        found = door.ask(calls.ARTIFACTS, calls.ShowDeployment(id=deployment))
        names = [one.name for one in found.artifacts] + ([_PDF] if pdf else [])
        fresh.mkdir(mode=0o700, parents=True)
        try:
            for name in names:
                _fetched(door, deployment, name, _inside(fresh, name))
            fresh.rename(to)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    out.show({"path": str(to), "files": names}, [("folder", to), ("files", names)])


def _path(deployment: str, name: str) -> str:
    return f"/deployment-jobs/{quote(deployment, safe='')}/artifacts/{quote(name, safe='/')}"


def _inside(folder: Path, name: str) -> Path:
    """Give the place of a file below a folder; a name that climbs out is refused."""
    if not name or any(part in {"", ".", ".."} for part in name.split("/")) or "\0" in name:
        raise typer.BadParameter(f"{name!r} is no file's name")
    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _fetched(door: "Door", deployment: str, name: str, to: Path) -> int:
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise typer.BadParameter(f"{to}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            return door.read(_path(deployment, name), file.write)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
