"""A host with a Docker engine and a folder: the steps that every kind on it does alike, and the frame around any step.

A kind gives its own steps, its settings and its hands; a new engine kind is these three.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from cas.digest import Digest
from cas.problems import Fault
from cas.records.deploy import Observation, Receipt, Step
from cas.records.release import Target
from targets.contract import World
from targets.directory.adapter import Folder, apply_file, finish_files, run_hook, undo_file
from targets.engine import inspection
from targets.engine.adapter import Engine, connected, reference_of
from targets.engine.settings import EngineSettings, faults
from targets.problems import DigestMismatch, SettingsInvalid
from targets.receipts import Report, arguments, attempt
from targets.settings import settings_of

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private folder is made below it: keys need not touch a disk


class Hands:
    """The engine, the folder and the settings of one target while a step is done.

    ``certificates`` is the folder that holds ca.pem, cert.pem and key.pem while this lasts; None without TLS.
    """

    def __init__(  # noqa: PLR0917 - what a step may touch
        self, target: Target, settings: Any, project: str, world: World, engine: Engine, certificates: Path | None
    ) -> None:
        self.target = target
        self.settings = settings
        self.project = project
        self.folder = Folder(settings.directory, project)
        self.world = world
        self.engine = engine
        self.api = engine.api
        self._certificates = certificates

    def reference(self, repository: str, digest: str, kept: str) -> str:
        """Say where an image is pulled from."""
        registry = self.settings.registry or self.world.registry()
        return reference_of(repository, digest, registry, kept=kept == "true")

    def environment(self) -> dict[str, str]:
        """Tell a program that speaks to the engine itself where that is, as Docker's own tools are told."""
        url = self.settings.url
        found = {"DOCKER_HOST": "tcp" + url[5:] if url.startswith("https:") else url}
        if self._certificates is not None:
            found |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self._certificates)}
        return found


def pull(hands: Hands, step: Step, report: Report) -> None:
    """``image.pull``: by digest, verified."""
    given = arguments(step)
    reference = hands.reference(given["repository"], given["digest"], given["kept"])
    hands.engine.pull(given, reference, report)


def await_health(hands: Hands, step: Step, report: Report) -> None:
    """``health.wait``; when it fails, the receipt holds the last lines of the containers, secrets covered."""
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
    """``container.verify``: what runs under the name answers to the pinned digest and was made from our specification.

    Raises: target.digest_mismatch
    """
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
        run_hook(hands.folder, step, hands.world, report, hands.environment())
    else:
        report.result = "unchanged"
        report.outputs["skipped"] = "hooks"


def write(hands: Hands, step: Step, report: Report) -> None:
    """``file.write`` and ``file.remove``."""
    apply_file(hands.folder, step, hands.world, report)


def unwrite(hands: Hands, step: Step, report: Report) -> None:
    """Put the old bytes back."""
    undo_file(hands.folder, step, hands.world, report)


def nothing(hands: Hands, step: Step, report: Report) -> None:
    """Take nothing back: an image, a network or a volume that nobody uses does no harm, and a look changed nothing."""
    del hands, step
    report.result = "undone"


Do = Callable[[Any, Step, Report], None]
Actions = Mapping[str, tuple[Do, Do]]
ALIKE: Final[Actions] = {
    "image.pull": (pull, nothing),
    "file.write": (write, unwrite),
    "file.remove": (write, unwrite),
    "health.wait": (await_health, nothing),
    "script.run": (hook, nothing),
    "container.verify": (verify, nothing),
}
"""Action of a step: how it is done, how it is undone."""


@contextmanager
def certificates(settings: EngineSettings, world: World) -> Iterator[Path | None]:
    """Lay what the TLS references lead to into a private folder, named as Docker's tools want it, while it is needed.

    Raises: target.secret_missing
    """
    if not settings.tls_certificate:
        yield None
        return
    texts = {
        "ca.pem": world.secret(settings.tls_ca),
        "cert.pem": world.secret(settings.tls_certificate),
        "key.pem": world.secret(settings.tls_key),
    }
    where = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="stella-tls-", dir=where) as made:  # mode 0700
        for name, text in texts.items():
            with (Path(made) / name).open("x", encoding="utf-8") as out:
                os.fchmod(out.fileno(), 0o600)
                out.write(text + "\n")
        yield Path(made)


class EngineHostAdapter:
    """Touches one engine and one folder; see targets.contract.Adapter. A kind says what is its own."""

    settings: ClassVar[type[EngineSettings]]
    actions: ClassVar[Actions]
    hands: ClassVar[type[Hands]] = Hands

    def observe(self, target: Target, digest: Digest, project: str, paths: Sequence[str], world: World) -> Observation:
        """See Adapter."""
        with self._open(target, project, world) as hands:
            return hands.engine.observe(digest, project, hands.folder.observe(paths, world), world)

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
        return finish_files(Folder(settings_of(target, self.settings).directory, project), files)

    def _do(self, target: Target, project: str, plan: Digest, step: Step, world: World, *, undo: bool) -> Receipt:
        def work(report: Report) -> None:
            with self._open(target, project, world) as hands:
                self.actions[step.action][undo](hands, step, report)

        return attempt(world, plan, step, work)

    @contextmanager
    def _open(self, target: Target, project: str, world: World) -> Iterator[Hands]:
        """Reach the engine as the settings say.

        Raises: target.settings_invalid, target.secret_missing, target.unreachable, target.untrusted
        """
        settings = settings_of(target, self.settings)
        wrong: tuple[Fault, ...] = tuple(faults(dict(target.settings)))
        if wrong:
            raise SettingsInvalid(target=target.name, faults=wrong)
        with certificates(settings, world) as folder, connected(target, settings.url, folder) as engine:
            yield self.hands(target, settings, project, world, engine, folder)
