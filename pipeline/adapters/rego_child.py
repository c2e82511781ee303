"""Running Rego in a process of its own: empty environment, limits, a deadline, bounded output. Knows no rule.

Memory is watched from outside (the engine's allocator reserves so much address space that a limit on it says nothing);
whatever ends early is killed with its whole group, and waited for.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from cas.problems import Category
from pipeline.engines import EngineAbsent, EngineProblem

_WORKER: Final = str(Path(__file__).with_name("rego_worker.py"))
_LOOK_SECONDS: Final = 0.005
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_CHUNK: Final = 1 << 16


class RegoStopped(EngineProblem):
    """A rule was stopped at a limit, or its process died: there is no answer."""

    code = "rego.stopped"
    category = Category.TOO_LARGE
    title = "A custom rule was stopped before it answered"
    remedy = "Make the rule do less: no loops over products of lists, no growing strings; then store it anew."


class RegoSilent(EngineProblem):
    """The process that evaluates rules said something that cannot be read."""

    code = "rego.silent"
    category = Category.INTERNAL
    title = "The process that evaluates custom rules gave no answer"
    remedy = "Repeat; if it happens again, check that the engine is installed whole, and report it."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may take."""

    wall_seconds: float = 60.0
    cpu_seconds: int = 20
    memory_bytes: int = 512 << 20
    output_bytes: int = 8 << 20
    input_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class RegoChild:
    """The engine ``regopy``: one process per request."""

    limits: Limits = Limits()

    def answer(self, request: bytes) -> bytes:
        """See Engine. The request is a JSON object; the worker's limits are put into it here.

        Raises: stage.engine_absent, rego.stopped, rego.silent
        """
        if find_spec("regopy") is None:
            raise EngineAbsent(engine="regopy")
        if len(request) > self.limits.input_bytes:
            raise RegoStopped(limit="input", bytes=len(request), allowed=self.limits.input_bytes)
        asked = request[:-1] + b',"cpu_seconds":%d}' % self.limits.cpu_seconds
        with tempfile.TemporaryDirectory(prefix="stella-rego-") as folder, tempfile.TemporaryFile() as given:
            given.write(asked)
            given.seek(0)
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and file, no shell, no foreign argument
                [sys.executable, "-I", "-X", "utf8", _WORKER],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd=folder,
                start_new_session=True,
            )
            try:
                said = self._heard(child)
            finally:
                _end(child)
        return said

    def _heard(self, child: "subprocess.Popen[bytes]") -> bytes:
        """Read until the end, watching time, memory and size."""
        assert child.stdout is not None
        deadline = time.monotonic() + self.limits.wall_seconds
        out = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(child.stdout, selectors.EVENT_READ)
            while True:
                if ready.select(_LOOK_SECONDS):
                    read = os.read(child.stdout.fileno(), _CHUNK)
                    if not read:
                        break
                    out += read
                if len(out) > self.limits.output_bytes:
                    raise RegoStopped(limit="output", allowed=self.limits.output_bytes)
                if _resident(child.pid) > self.limits.memory_bytes:
                    raise RegoStopped(limit="memory", allowed=self.limits.memory_bytes)
                if time.monotonic() > deadline:
                    raise RegoStopped(limit="time", allowed=f"{self.limits.wall_seconds:g} s")
        return self._judged(bytes(out), child.wait())

    def _judged(self, out: bytes, status: int) -> bytes:
        if status == -signal.SIGXCPU or (status == -signal.SIGKILL and not out):
            raise RegoStopped(limit="cpu", allowed=f"{self.limits.cpu_seconds} s")
        if status < 0:
            raise RegoStopped(limit="crash", signal=signal.Signals(-status).name)
        if status or not out:
            raise RegoSilent(status=status)
        try:
            msgspec.json.decode(out)
        except msgspec.DecodeError as error:
            raise RegoSilent(reason="not JSON") from error
        return out


def _resident(pid: int) -> int:
    """Give a process's resident memory; nothing when it has just ended."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    return 0


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Leave nothing of a child: its whole group is killed, and it is waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with suppress(OSError):
        if child.stdout is not None:
            child.stdout.close()
    child.wait()
