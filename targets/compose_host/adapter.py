"""Docker Compose v2 on a host, as a program with an argument list; the engine is looked at over its own API."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from cas.records.deploy import Step
from targets.compose_host.plan import ENV, LOCK, Settings
from targets.directory.adapter import SEARCH
from targets.engine.host.adapter import ALIKE, Actions, EngineHostAdapter, Hands, nothing
from targets.problems import EngineRefused, Unreachable
from targets.receipts import Report, arguments, redacted

GRACE_SECONDS: Final = 30


class ComposeHands(Hands):
    """Hands that run the Compose program too."""

    def compose(self, files: Sequence[str], command: Sequence[str], given: Mapping[str, str], report: Report) -> None:
        """Run Compose; only what the lock needs is in its environment; output is captured, secrets covered.

        Raises: target.engine_refused, target.unreachable when the program is not there
        """
        secrets = {name[7:]: self.world.secret(source) for name, source in given.items() if name.startswith("secret:")}
        argv = self.settings.compose.split() if self.settings.compose == "docker compose" else [self.settings.compose]
        argv += ["--progress", "plain", "--project-name", self.project, "--project-directory", str(self.folder.path)]
        if self.folder.digest_of(ENV) is not None:
            argv += ["--env-file", str(self.folder.path / ENV)]
        for file in files:
            argv += ["--file", file]
        seconds = int(given["seconds"]) + GRACE_SECONDS
        try:
            done = subprocess.run(  # noqa: S603 - an argument list, no shell; the program is the target's setting
                [*argv, *command],
                env={"PATH": SEARCH, "HOME": "/nonexistent", **self.environment(), **secrets},
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


def check(hands: ComposeHands, step: Step, report: Report) -> None:
    """``compose.check``: Compose itself reads the lock, with every variable, before anything is stopped."""
    assert step.content is not None
    with _beside(hands, ".yml", hands.world.get(step.content)) as lock:
        hands.compose([lock], ["config", "--quiet"], arguments(step), report)
    report.result = "unchanged"


def restore_point(hands: ComposeHands, step: Step, report: Report) -> None:
    """``compose.restore_point``: nothing is done; undoing it runs what ran before."""
    del hands, step
    report.result = "done"


def restore(hands: ComposeHands, step: Step, report: Report) -> None:
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


def up(hands: ComposeHands, step: Step, report: Report) -> None:
    """``compose.up``: run the lock; images come from where they were pulled, and never from anywhere now."""
    given = arguments(step)
    assert step.content is not None
    override: dict[str, Any] = msgspec.json.decode(hands.world.get(step.content))
    for name, service in override["services"].items():
        repository, digest = service["image"].rsplit("@", 1)
        service["image"] = hands.reference(repository, digest, given[f"kept:{name}"])
    with _beside(hands, ".json", msgspec.json.encode(override, order="sorted")) as laid_over:
        more = ["--force-recreate"] if given["recreate"] == "true" else []
        _up(hands, [str(hands.folder.path / LOCK), laid_over], given, report, more)


def _up(
    hands: ComposeHands, files: Sequence[str], given: Mapping[str, str], report: Report, more: Sequence[str] = ()
) -> None:
    detached = () if "--no-start" in more else ("--detach",)
    command = ["up", *detached, "--no-build", "--pull", "never", "--remove-orphans", *more]
    hands.compose(files, command, given, report)


class _beside:  # noqa: N801 - used as a function
    """A file that lives as long as a command needs it, outside the project."""

    def __init__(self, hands: ComposeHands, suffix: str, data: bytes) -> None:
        hands.folder.path.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.NamedTemporaryFile(suffix=suffix, prefix="stella-")  # noqa: SIM115 - closed in __exit__
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> str:
        return self._file.name

    def __exit__(self, *_: object) -> None:
        self._file.close()


class ComposeHostAdapter(EngineHostAdapter):
    """Touches one host through Compose. See targets.contract.Adapter."""

    settings = Settings
    hands = ComposeHands
    actions: ClassVar[Actions] = {
        **ALIKE,
        "compose.check": (check, nothing),
        "compose.restore_point": (restore_point, restore),
        "compose.up": (up, nothing),
    }
