"""Files of a project in a folder: looked at, written atomically, put back. The other adapters use it for theirs."""

import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cas import digest
from cas.digest import Digest
from cas.records.deploy import Observation, ObservedFile, Receipt, Step
from cas.records.release import Target
from targets.contract import World
from targets.directory.plan import Settings
from targets.directory.problems import FolderFailed, of_error
from targets.problems import EngineRefused, FilesTooLarge, HookFailed, PathUnsafe
from targets.receipts import Report, arguments, attempt
from targets.settings import settings_of

MAX_FILES = 4096
MAX_BYTES = 256 << 20
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW  # not blocking: a pipe may have no writer
STAGED = ".stella-"  # names of files being written


class Folder:
    """One project's folder. Links are never followed, and nothing outside is ever written."""

    def __init__(self, directory: str, project: str) -> None:
        self.path = Path(directory) / project

    def observe(self, paths: Sequence[str], world: World) -> tuple[ObservedFile, ...]:
        """Keep and list the files of these paths, absent ones too, bounded in count and size.

        Raises: target.files_too_large, target.path_unsafe, target.folder_*
        """
        if len(paths) > MAX_FILES:
            raise FilesTooLarge(path=str(self.path), files=MAX_FILES)
        found, left = [], MAX_BYTES
        for name in sorted(set(paths)):
            data = self._read(name, left)
            left -= len(data or b"")
            found.append(ObservedFile(path=name, digest=None if data is None else world.put(data)))
        return tuple(found)

    def _read(self, name: str, limit: int) -> bytes | None:
        path = self._inside(name)
        try:
            with open(path, "rb", opener=_opened) as source:
                data = source.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None  # the file is not there; what is in its place is told by the step that wants to write it
        except OSError as error:
            raise of_error(_blamed(path, error), error) from error
        if len(data) > limit:
            raise FilesTooLarge(path=str(path), bytes=MAX_BYTES)
        return data

    def write(self, name: str, data: bytes, mode: int) -> None:
        """Write a file so that a reader sees the old bytes or the new ones, never half.

        Raises: target.path_unsafe, target.folder_*
        """
        path = self._inside(name)
        staged = path.with_name(STAGED + digest.of_bytes(name.encode())[7:23])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("wb") as out:
                out.write(data)
                out.flush()
                os.fchmod(out.fileno(), mode)
                os.fsync(out.fileno())
            staged.replace(path)
            self._sync(path.parent)
        except OSError as error:
            with suppress(OSError):
                staged.unlink()  # half a file holds room on a full disk that putting back the old ones needs
            raise of_error(_blamed(path, error), error) from error

    def remove(self, name: str) -> None:
        """Remove a file if it is there.

        Raises: target.path_unsafe, target.folder_*
        """
        path = self._inside(name)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return  # as for reading: below a file there is nothing
        except OSError as error:
            raise of_error(_blamed(path, error), error) from error

    def make(self) -> None:
        """Make the folder if it is not there.

        Raises: target.folder_*
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise of_error(_blamed(self.path, error), error) from error

    def digest_of(self, name: str) -> Digest | None:
        """Name a file's bytes, or give None when it is absent.

        Raises: target.path_unsafe, target.folder_*, target.files_too_large
        """
        data = self._read(name, MAX_BYTES)
        return None if data is None else digest.of_bytes(data)

    def _inside(self, name: str) -> Path:
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or ".." in parts or "\x00" in name:
            raise PathUnsafe(path=name[:200])
        path = self.path
        for part in parts:
            path /= part
            try:
                linked = path.is_symlink()
            except OSError as error:
                raise of_error(path, error) from error
            if linked:
                raise PathUnsafe(path=name[:200])
        return path

    @staticmethod
    def _sync(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _opened(path: str, _flags: int) -> int:
    """Open a plain file to be read; a pipe or a device in its place is no file, and must not hold us."""
    handle = os.open(path, _READ)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise FileNotFoundError(path)


def _blamed(path: Path, error: OSError) -> Path:
    """Give the path to look at: when something on the way is no folder, that and not what should be below it."""
    if not isinstance(error, NotADirectoryError | FileExistsError):
        return path
    try:
        return next((one for one in path.parents if one.exists() and not one.is_dir()), path)
    except OSError:  # we may not look
        return path


def apply_file(folder: Folder, step: Step, world: World, report: Report) -> None:
    """Do a ``file.write`` or ``file.remove`` step."""
    given = arguments(step)
    if step.action == "file.remove":
        report.result = "unchanged" if folder.digest_of(given["path"]) is None else "done"
        folder.remove(given["path"])
        return
    assert step.content is not None
    if folder.digest_of(given["path"]) == step.content:
        report.result = "unchanged"
    else:
        folder.write(given["path"], world.get(step.content), int(given["mode"], 8))
    report.outputs["sha256"] = step.content


def undo_file(folder: Folder, step: Step, world: World, report: Report) -> None:
    """Put the old bytes back, or take the new file away where there was none.

    Where the old state stands already nothing is written: a full or read-only disk that took nothing keeps the old.
    """
    given = arguments(step)
    report.result = "undone"
    if folder.digest_of(given["path"]) == (given["before"] or None):
        return
    if given["before"]:
        folder.write(given["path"], world.get(given["before"]), int(given.get("mode", "0644"), 8))
    else:
        folder.remove(given["path"])


def finish_files(folder: Folder, files: Mapping[str, bytes | None]) -> Iterator[tuple[str, Digest]]:
    """Write sealed files whose bytes differ, each one atomically, checked by reading back; remove those of None.

    Raises: target.path_unsafe, target.folder_*
    """
    for name, data in sorted(files.items()):
        if data is None:
            folder.remove(name)
            continue
        wanted = digest.of_bytes(data)
        if folder.digest_of(name) != wanted:
            folder.write(name, data, 0o644)
            if folder.digest_of(name) != wanted:
                raise FolderFailed(path=str(folder.path / name), reason="read back other bytes")
        yield name, wanted


def run_hook(folder: Folder, step: Step, world: World, report: Report, more: Mapping[str, str]) -> None:
    """Do a ``script.run`` step: ``/bin/sh`` on the script's own bytes, in the project's folder, output captured.

    It sees a clean environment: a path, what it is told of the deployment, and ``more``; never our variables.

    Raises: target.hook_failed, target.folder_*, target.engine_refused
    """
    assert step.content is not None
    given = arguments(step)
    told = {f"STELLA_{name.upper()}": value for name, value in given.items() if name not in {"seconds", "hook"}}
    folder.make()
    try:
        with tempfile.NamedTemporaryFile(prefix="stella-hook-") as script:
            script.write(world.get(step.content))
            script.flush()
            code, report.log = _run(["/bin/sh", script.name, given["hook"]], folder.path, {**told, **more}, given)
    except OSError as error:
        raise EngineRefused(path=str(folder.path), reason=error.strerror or "") from error
    report.outputs["exit_code"] = str(code)
    if code:
        raise HookFailed(hook=given["hook"], exit_code=code)


def _run(argv: list[str], where: Path, environment: Mapping[str, str], given: Mapping[str, str]) -> tuple[int, bytes]:
    """Run a program in a session of its own, all of which ends at the deadline."""
    with subprocess.Popen(  # noqa: S603 - an argument list, no shell of ours
        argv,
        cwd=where,
        env={"PATH": SEARCH, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        try:
            output, _ = child.communicate(timeout=int(given["seconds"]))
        except subprocess.TimeoutExpired as error:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise HookFailed(hook=given["hook"], reason="deadline", seconds=given["seconds"]) from error
        return child.returncode, output


class DirectoryAdapter:
    """Touches one folder. See targets.contract.Adapter."""

    def _folder(self, target: Target, project: str) -> Folder:
        return Folder(settings_of(target, Settings).directory, project)

    def observe(self, target: Target, digest: Digest, project: str, paths: Sequence[str], world: World) -> Observation:
        """See Adapter."""
        return Observation(
            target=digest,
            platform=target.platform,
            engine=(("name", "directory"),),
            containers=(),
            images=(),
            files=self._folder(target, project).observe(paths, world),
            observed_at=world.now(),
        )

    def apply(self, target: Target, project: str, plan: Digest, step: Step, world: World) -> Receipt:
        """See Adapter."""
        folder = self._folder(target, project)
        return attempt(world, plan, step, lambda report: apply_file(folder, step, world, report))

    def undo(self, target: Target, project: str, plan: Digest, step: Step, world: World) -> Receipt:
        """See Adapter."""
        folder = self._folder(target, project)
        return attempt(world, plan, step, lambda report: undo_file(folder, step, world, report))

    def finish(
        self, target: Target, project: str, files: Mapping[str, bytes | None], world: World
    ) -> Iterator[tuple[str, Digest]]:
        """See Adapter."""
        del world
        return finish_files(self._folder(target, project), files)
