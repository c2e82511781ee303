"""Reading plain words without a validation engine: what needs no judging is taken as it stands, the rest is Typer's.

Typer reads every parameter through pydantic, whose start costs more than most commands. Texts, paths that may be read,
names of a choice and defaults need none of it; a word that is anything else goes the usual way, with its messages.
"""

import os
from enum import Enum
from pathlib import Path
from typing import Any, Final

_OTHER: Final = object()  # not plain: Typer reads it


def plainly(command: Any) -> Any:
    """Let a command and its sub-commands read plain words plainly."""
    for param in command.params:
        _plain(param)
    help_option = command.get_help_option
    command.get_help_option = lambda context: _plain(help_option(context))  # made when it is asked for
    for inner in getattr(command, "commands", {}).values():
        plainly(inner)
    return command


def _plain(param: Any) -> Any:
    usual = getattr(param, "get_runtime_param", None)
    if usual is not None and "get_runtime_param" not in vars(param):
        param.get_runtime_param = _Plain(usual).get
    return param


class _Plain:
    """Stands where Typer's reader of one parameter stands, and asks that one only when it must."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def get(self) -> "_Plain":
        """Give what reads the parameter."""
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Read a value, as Typer's reader would."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        read = _several(value, param) if several else _one(value, param.type_descriptor.annotation, param)
        return self._usual().coerce(value, param=param, ctx=ctx) if read is _OTHER else read


def _several(value: Any, param: Any) -> Any:
    kinds = {list[str]: str, list[Path]: Path}
    kind = kinds.get(param.type_descriptor.annotation)
    if kind is None or not isinstance(value, list | tuple):
        return _OTHER
    read = [_one(item, kind, param) for item in value]
    return _OTHER if _OTHER in read else read


def _one(value: Any, kind: Any, param: Any) -> Any:
    if kind is str:
        return value if isinstance(value, str) else _OTHER
    if kind is Path and isinstance(value, str | Path):
        return _path(Path(value), param.type_descriptor.parameter_info)
    if kind is int:
        return value if type(value) is int and value == param.default else _OTHER
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value) if value in list(kind) else _OTHER
    return _OTHER


def _path(path: Path, wanted: Any) -> Any:
    """Take a path of which nothing is demanded but that what is there can be read."""
    demands = wanted.exists or wanted.writable or wanted.resolve_path or wanted.allow_dash or wanted.path_type
    if demands or not (wanted.file_okay and wanted.dir_okay) or wanted.parser is not None:
        return _OTHER
    return path if not path.exists() or os.access(path, os.R_OK) else _OTHER
