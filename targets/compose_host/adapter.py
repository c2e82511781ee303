"""Docker Compose v2 on a host, as a program with an argument list; the engine is looked at over its own API."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.deploy import Observation, Receipt, Step
from cas.records.release import Target
from targets.compose_host.plan import ENV, LOCK, Settings
from targets.contract import World
from targets.directory.adapter import SEARCH, Folder, apply_file, finish_files, run_hook, undo_file
from targets.engine import inspection
from targets.engine.adapter import Engine, connected, reference_of
from targets.problems import DigestMismatch, EngineRefused, Unreachable
from targets.receipts import Report, arguments, attempt, redacted
from targets.settings import settings_of

GRACE_SECONDS: Final = 30


class Hands:
    """The engine, the folder and the Compose program of one target while a step is done."""

    def __init__(self, target: Target, settings: Settings, project: str, world: World, engine: Engine) -> None:
        self.target = target
        self.settings = settings
        self.project = project
        self.folder = Folder(settings.directory, project)
        self.world = world
        self.engine = engine

    def reference(self, repository: str, digest: str, *, kept: bool) -> str:
        """Say where an image is pulled from."""
        return reference_of(repository, digest, self.settings.registry or self.world.registry(), kept=kept)

    def compose(self, files: Sequence[str], command: Sequence[str], given: Mapping[str, str], report: Report) -> None:
        """Run Compose; only what the lock needs is in its environment; output is captured, secrets covered.

        Raises: target.engine_refused, target.unreachable when the program is not there
        """
        secrets = {name[7:]: self.world.secret(source) for name, source in given.items() if name.startswith("secret:")}
        argv = self.settings.compose.split() if self.settings.compose == "docker compose" else [self.settings.compose]
        argv += ["--progress", "plain", "--project-name", self.project, "--project-directory", str(self.folder.path)]
        if (self.folder.path / ENV).is_file():
            argv += ["--env-file", str(self.folder.path / ENV)]
        for file in files:
            argv += ["--file", file]
        seconds = int(given["seconds"]) + GRACE_SECONDS
        try:
            done = subprocess.run(  # noqa: S603 - an argument list, no shell; the program is the target's setting
                [*argv, *command],
                env={"PATH": SEARCH, "HOME": "/nonexistent", **self._engine(), **secrets},
                cwd=self.folder.path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            report.log += redacted(error.output or b"", tuple(secrets.values()))
            raise EngineRefused(command=command[0], reason="deadline", seconds=seconds) from error
        except OSError as error:
            raise Unreachable(program=argv[0], reason=error.strerror or "") from error
        report.log += redacted(done.stdout, tuple(secrets.values()))
        if done.returncode:
            raise EngineRefused(command=f"compose {command[0]}", exit_code=done.returncode)

    def _engine(self) -> dict[str, str]:
        settings = self.settings
        found = {"DOCKER_HOST": settings.url}
        if settings.tls_certificate:
            found |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(Path(settings.tls_certificate).parent)}
        return found


def pull(hands: Hands, step: Step, report: Report) -> None:
    """``image.pull``: by digest, verified."""
    given = arguments(step)
    reference = hands.reference(given["repository"], given["digest"], kept=given["kept"] == "true")
    hands.engine.pull(given, reference, report)


def check(hands: Hands, step: Step, report: Report) -> None:
    """``compose.check``: Compose itself reads the lock, with every variable, before anything is stopped."""
    assert step.content is not None
    with _beside(hands, ".yml", hands.world.get(step.content)) as lock:
        hands.compose([lock], ["config", "--quiet"], arguments(step), report)
    report.result = "unchanged"


def restore_point(hands: Hands, step: Step, report: Report) -> None:
    """``compose.restore_point``: nothing is done; undoing it runs what ran before."""
    del hands, step
    report.result = "done"


def restore(hands: Hands, step: Step, report: Report) -> None:
    """Run the earlier lock again, whose files are back in place; without one, take ours down, volumes stay."""
    given = arguments(step)
    assert step.content is not None
    ran = msgspec.json.decode(given["running"])
    if not given["before"]:
        with _beside(hands, ".yml", hands.world.get(step.content)) as lock:
            hands.compose([lock], ["down", "--remove-orphans"], given, report)
    else:
        more = () if given["stood"] == "running" else ("--no-start",)
        with _beside(hands, ".json", msgspec.json.encode(ran)) as override:
            _up(hands, [str(hands.folder.path / LOCK), override], given, report, more)
    report.result = "undone"


def up(hands: Hands, step: Step, report: Report) -> None:
    """``compose.up``: run the lock; images come from where they were pulled, and never from anywhere now."""
    given = arguments(step)
    assert step.content is not None
    override: dict[str, Any] = msgspec.json.decode(hands.world.get(step.content))
    for name, service in override["services"].items():
        repository, digest = service["image"].rsplit("@", 1)
        service["image"] = hands.reference(repository, digest, kept=given[f"kept:{name}"] == "true")
    with _beside(hands, ".json", msgspec.json.encode(override, order="sorted")) as laid_over:
        more = ["--force-recreate"] if given["recreate"] == "true" else []
        _up(hands, [str(hands.folder.path / LOCK), laid_over], given, report, more)


def _up(hands: Hands, files: Sequence[str], given: Mapping[str, str], report: Report, more: Sequence[str] = ()) -> None:
    detached = () if "--no-start" in more else ("--detach",)
    command = ["up", *detached, "--no-build", "--pull", "never", "--remove-orphans", *more]
    hands.compose(files, command, given, report)


class _beside:  # noqa: N801 - used as a function
    """A file that lives as long as a command needs it, outside the project."""

    def __init__(self, hands: Hands, suffix: str, data: bytes) -> None:
        hands.folder.path.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.NamedTemporaryFile(suffix=suffix, prefix="stella-")  # noqa: SIM115 - closed in __exit__
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> str:
        return self._file.name

    def __exit__(self, *_: object) -> None:
        self._file.close()


def await_health(hands: Hands, step: Step, report: Report) -> None:
    """``health.wait``; when it fails, the receipt holds the last lines of the containers."""
    given = arguments(step)
    names = given["names"].split()
    report.result = "unchanged"
    try:
        report.outputs |= hands.engine.await_health(
            names, frozenset(given["ends"].split()), int(given["seconds"]), hands.settings.settle_seconds
        )
    except BaseException:
        report.log = hands.engine.logs(names)
        raise


def verify(hands: Hands, step: Step, report: Report) -> None:
    """``container.verify``: what runs under the name answers to the pinned digest and was made from our lock."""
    given = arguments(step)
    found = hands.engine.container(given["name"])
    report.result = "unchanged"
    if found is None or found.image_digest != given["digest"]:
        raise DigestMismatch(container=given["name"], expected=given["digest"], found=found and found.image_digest)
    if dict(found.labels).get(inspection.SPEC) != given["spec"]:
        raise DigestMismatch(container=given["name"], expected=given["spec"], found="another specification")
    report.outputs |= {"id": found.id, "config_hash": found.config_hash, "digest": found.image_digest}


def hook(hands: Hands, step: Step, report: Report) -> None:
    """``script.run``: only where the settings say so."""
    if hands.settings.hooks == "run":
        run_hook(hands.folder, step, hands.world, report, {"DOCKER_HOST": hands.settings.url})
    else:
        report.result = "unchanged"
        report.outputs["skipped"] = "hooks"


def nothing(hands: Hands, step: Step, report: Report) -> None:
    """Take nothing back: the restore point does."""
    del hands, step
    report.result = "undone"


Do = Callable[[Hands, Step, Report], None]
ACTIONS: Final[Mapping[str, tuple[Do, Do]]] = {
    "image.pull": (pull, nothing),
    "file.write": (
        lambda hands, step, report: apply_file(hands.folder, step, hands.world, report),
        lambda hands, step, report: undo_file(hands.folder, step, hands.world, report),
    ),
    "file.remove": (
        lambda hands, step, report: apply_file(hands.folder, step, hands.world, report),
        lambda hands, step, report: undo_file(hands.folder, step, hands.world, report),
    ),
    "compose.check": (check, nothing),
    "compose.restore_point": (restore_point, restore),
    "compose.up": (up, nothing),
    "health.wait": (await_health, nothing),
    "script.run": (hook, nothing),
    "container.verify": (verify, nothing),
}


class ComposeHostAdapter:
    """Touches one host through Compose. See targets.contract.Adapter."""

    def observe(self, target: Target, digest: Digest, project: str, paths: Sequence[str], world: World) -> Observation:
        """See Adapter."""
        settings = settings_of(target, Settings)
        files = Folder(settings.directory, project).observe(paths, world)
        with connected(target, settings.url, _tls(settings)) as engine:
            return engine.observe(digest, project, files, world)

    def apply(self, target: Target, project: str, plan: Digest, step: Step, world: World) -> Receipt:
        """See Adapter."""
        return self._do(target, project, plan, step, world, undo=False)

    def undo(self, target: Target, project: str, plan: Digest, step: Step, world: World) -> Receipt:
        """See Adapter."""
        return self._do(target, project, plan, step, world, undo=True)

    def finish(
        self, target: Target, project: str, files: Mapping[str, bytes | None], world: World
    ) -> Iterator[tuple[str, Digest]]:
        """See Adapter."""
        del world
        return finish_files(Folder(settings_of(target, Settings).directory, project), files)

    def _do(self, target: Target, project: str, plan: Digest, step: Step, world: World, *, undo: bool) -> Receipt:
        def work(report: Report) -> None:
            settings = settings_of(target, Settings)
            with connected(target, settings.url, _tls(settings)) as engine:
                ACTIONS[step.action][undo](Hands(target, settings, project, world, engine), step, report)

        return attempt(world, plan, step, work)


def _tls(settings: Settings) -> tuple[str, str, str]:
    return settings.tls_ca, settings.tls_certificate, settings.tls_key
