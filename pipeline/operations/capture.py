"""Capturing a folder as a Tree: read once, bounded, checked before anything of it is kept."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cas import digest
from cas.problems import Category, Fault, Problem
from cas.records.release import Tree, TreeEntry

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 16
_LEFT_OUT: Final = frozenset({".git", ".hg", ".svn", "__pycache__", ".DS_Store"})
_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


class TemplateInvalid(Problem):
    """A deployment template cannot be captured; ``faults`` lists why."""

    code = "template.invalid"
    category = Category.INVALID
    title = "The deployment template cannot be captured"
    remedy = "Keep plain files with plain names in it: no links, no private keys."


class TemplateTooLarge(Problem):
    """A template has too many files, or too large ones."""

    code = "template.too_large"
    category = Category.TOO_LARGE
    title = "The deployment template is too large"
    remedy = "Keep it to Compose files, configuration and hook scripts: 2,000 files and 64 MiB in all."


@dataclass(frozen=True, slots=True)
class CapturedFile:
    """A file's bytes, and whether it may be executed."""

    data: bytes
    executable: bool


def read_folder(root: Path) -> dict[str, CapturedFile]:
    """Read a folder's files by relative POSIX path; version control folders are left out.

    Raises: template.invalid, template.too_large
    """
    found: dict[str, CapturedFile] = {}
    faults: list[Fault] = []
    total = 0
    try:
        for folder, inner, names in os.walk(root, onerror=_refuse):
            inner[:] = sorted(name for name in inner if name not in _LEFT_OUT)
            here = Path(folder)
            faults += [_link(here / name, root) for name in inner if (here / name).is_symlink()]
            for name in sorted(set(names) - _LEFT_OUT):
                captured = _file(here / name, MAX_BYTES - total)
                path = (here / name).relative_to(root).as_posix()
                if captured is None:
                    faults.append(_link(here / name, root))
                    continue
                total += len(captured.data)
                found[path] = captured
                if len(found) > MAX_FILES or path.count("/") >= MAX_DEPTH:
                    raise TemplateTooLarge(path=str(root), limit=f"{MAX_FILES} files, {MAX_DEPTH} levels")
    except OSError as error:
        raise TemplateInvalid(path=str(root), reason=error.strerror) from error
    faults += check(found)
    if faults or not found:
        raise TemplateInvalid(path=str(root), files=len(found), faults=tuple(faults))
    return found


def check(files: Mapping[str, CapturedFile]) -> list[Fault]:
    """Find names that no target, checksum file or other system can carry, and private keys."""
    faults = []
    folded: dict[str, str] = {}
    for path, captured in files.items():
        parts = path.split("/")
        plain = (
            path.isprintable()
            and "\\" not in path
            and "\ufffd" not in path
            and len(path.encode(errors="replace")) <= 255
        )
        if not plain or any(part in {"", ".", ".."} or part != part.strip() for part in parts):
            faults.append(Fault(f"/{_shown(path)}", "template.name_invalid", "not a plain relative name"))
        if folded.setdefault(path.casefold(), path) != path:
            faults.append(Fault(f"/{_shown(path)}", "template.name_twice", "differs from another name by case only"))
        if _PRIVATE_KEY.search(captured.data):
            faults.append(Fault(f"/{_shown(path)}", "template.secret_captured", "holds a private key"))
    return faults


def tree_of(files: Mapping[str, CapturedFile]) -> Tree:
    """Name files as a Tree, sorted by path."""
    return Tree(
        entries=tuple(
            TreeEntry(
                path=path,
                digest=digest.of_bytes(files[path].data),
                size=len(files[path].data),
                executable=files[path].executable,
            )
            for path in sorted(files)
        )
    )


def _shown(path: str) -> str:
    return path.encode("ascii", "backslashreplace").decode()[:200]


def _link(path: Path, root: Path) -> Fault:
    return Fault(f"/{_shown(path.relative_to(root).as_posix())}", "template.not_a_file", "a link or a special file")


def _refuse(error: OSError) -> None:
    raise error


def _file(path: Path, room: int) -> CapturedFile | None:
    """Read one file without following a link; None when it is no plain file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return None
        data = file.read(room + 1)
        if len(data) > room:
            raise TemplateTooLarge(path=str(path), limit=f"{MAX_BYTES} bytes")
        return CapturedFile(data, bool(found.st_mode & stat.S_IXUSR))
