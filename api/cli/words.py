"""What people write on a command line, read into requests. Touches files only where a command names them."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cas.records.base import Pairs

if TYPE_CHECKING:
    from api.calls.releases import ComponentAsk, TemplateFile


def components_of(text: str, registry: str, layout: str) -> "tuple[ComponentAsk, ...]":
    """Read ``api:v2.3.1,worker=host/repository:tag``; a bare ``name:tag`` is looked up in the registry or layout."""
    from api.calls.releases import ComponentAsk

    found = []
    for word in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, reference = word.partition("=")
        repository = ""
        if not equals:
            name, colon, tag = word.partition(":")
            if not colon or not tag:
                raise typer.BadParameter(f"{word!r} is neither name:tag nor name=reference", param_hint="--components")
            reference = f"oci:{Path(layout).absolute()}:{word}" if layout else f"{registry.rstrip('/')}/{word}"
            repository = name if layout else ""  # a layout has no repositories: the author's Compose file says it so
            if not layout and not registry:
                raise typer.BadParameter(f"{word!r} needs --registry or --layout", param_hint="--components")
        found.append(ComponentAsk(name=name, reference=reference, repository=repository))
    if not found:
        raise typer.BadParameter("no component", param_hint="--components")
    return tuple(found)


def pairs_of(words: list[str], option: str) -> Pairs:
    """Read ``name=value`` words into sorted pairs."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or name in found:
            raise typer.BadParameter(f"{word!r} is not a new name=value", param_hint=option)
        found[name] = value
    return tuple(sorted(found.items()))


def template_of(folder: Path) -> "tuple[TemplateFile, ...]":
    """Read the deployment template's folder."""
    from api.calls.releases import TemplateFile
    from pipeline.operations.capture import read_folder

    return tuple(
        TemplateFile(path=path, data=file.data, executable=file.executable)
        for path, file in sorted(read_folder(folder).items())
    )


def read_file(path: Path, *, most: int = 64 << 20) -> bytes:
    """Read a file that a command names, with a bound."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
    if len(data) > most:
        raise typer.BadParameter(f"{path}: larger than {most} bytes")
    return data
