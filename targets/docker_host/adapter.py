"""Containers on a Docker engine, one step at a time: create beside the old, swap, await, and take back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from docker.errors import NotFound

from cas.digest import Digest
from cas.records.deploy import Observation, Receipt, Step
from cas.records.release import Target
from targets import interpolate
from targets.contract import World
from targets.directory.adapter import Folder, apply_file, finish_files, run_hook, undo_file
from targets.docker_host.plan import Settings
from targets.engine import inspection
from targets.engine.adapter import Engine, connected, reference_of
from targets.problems import DigestMismatch, EngineRefused
from targets.receipts import Report, arguments, attempt
from targets.settings import settings_of

RUNNING: Final = ("running", "restarting", "paused")
STOP_SECONDS: Final = 10


class Hands:
    """The engine, the folder and the settings of one target while a step is done."""

    def __init__(self, target: Target, settings: Settings, project: str, world: World, engine: Engine) -> None:
        self.target = target
        self.settings = settings
        self.folder = Folder(settings.directory, project)
        self.world = world
        self.engine = engine
        self.api = engine.api

    def reference(self, repository: str, digest: str, kept: str) -> str:
        """Say where an image is pulled from."""
        registry = self.settings.registry or self.world.registry()
        return reference_of(repository, digest, registry, kept=kept == "true")


def pull(hands: Hands, step: Step, report: Report) -> None:
    """``image.pull``: by digest, verified."""
    given = arguments(step)
    reference = hands.reference(given["repository"], given["digest"], given["kept"])
    hands.engine.pull(given, reference, report)


def make_network(hands: Hands, step: Step, report: Report) -> None:
    """``network.create``: if none has the name."""
    given = arguments(step)
    if hands.api.networks(names=[f"^{given['name']}$"]):
        report.result = "unchanged"
        return
    hands.api.create_network(given["name"], labels={inspection.PROJECT: given["project"]})


def make_volume(hands: Hands, step: Step, report: Report) -> None:
    """``volume.create``: if none has the name."""
    given = arguments(step)
    try:
        hands.api.inspect_volume(given["name"])
        report.result = "unchanged"
    except NotFound:
        hands.api.create_volume(given["name"], labels={inspection.PROJECT: given["project"]})


def create(hands: Hands, step: Step, report: Report) -> None:
    """``container.create``: the new container, not started, under its staged name; a leftover of it is replaced."""
    given = arguments(step)
    assert step.content is not None
    stands = hands.engine.inspect(given["staged"])
    if stands is not None:
        hands.api.remove_container(stands["Id"], force=True, v=False)
    sources = {name[7:]: source for name, source in step.arguments if name.startswith("secret:")}
    secrets = {name: hands.world.secret(source) for name, source in sources.items()}
    body = msgspec.json.decode(hands.world.get(step.content))
    body = interpolate.throughout(body, lambda text: interpolate.everything(text, secrets))
    repository, digest = str(body["Image"]).rsplit("@", 1)
    body["Image"] = hands.reference(repository, digest, given["kept"])
    ends = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    first = dict(sorted(ends.items())[:1])
    if ends:
        body["NetworkingConfig"] = {"EndpointsConfig": first}
    made = hands.api.create_container_from_config(body, given["staged"])
    for name, end in sorted(ends.items()):
        if name not in first:
            hands.api.connect_container_to_network(made["Id"], name, aliases=end["Aliases"])
    report.outputs["id"] = made["Id"]


def uncreate(hands: Hands, step: Step, report: Report) -> None:
    """Take the staged container away."""
    report.result = "undone"
    _remove(hands, arguments(step)["staged"])


def swap(hands: Hands, step: Step, report: Report) -> None:
    """``container.swap``: stop the old, rename it aside, give its name to the new, start the new."""
    given = arguments(step)
    staged = hands.engine.inspect(given["staged"])
    if staged is not None:
        _set_aside(hands, given)
        hands.api.rename(staged["Id"], given["name"])
    hands.api.start(given["name"])
    stands = hands.engine.inspect(given["name"])
    if stands is None or (stands["Config"].get("Labels") or {}).get(inspection.SPEC) != given["spec"]:
        raise EngineRefused(container=given["name"], reason="another container has the name")
    report.outputs["id"] = stands["Id"]


def unswap(hands: Hands, step: Step, report: Report) -> None:
    """Give the old container its name back and run it as it ran; the new one goes.

    The new container holds the name only if its staged name is free and, where there was an old one, that is aside.
    """
    given = arguments(step)
    report.result = "undone"
    aside = hands.engine.inspect(given["aside"])
    if hands.engine.inspect(given["staged"]) is None and (aside is not None or not given["was"]):
        stands = hands.engine.inspect(given["name"])
        if stands is not None:
            report.log = hands.engine.logs([given["name"]])
            _remove(hands, given["name"])
    _bring_back(hands, given)


def retire(hands: Hands, step: Step, report: Report) -> None:
    """``container.retire``: stop one that nobody wants any more, and set it aside."""
    del report
    _set_aside(hands, arguments(step))


def unretire(hands: Hands, step: Step, report: Report) -> None:
    """Bring it back."""
    report.result = "undone"
    _bring_back(hands, arguments(step))


def _set_aside(hands: Hands, given: Mapping[str, str]) -> None:
    stands = hands.engine.inspect(given["name"])
    if stands is not None:
        hands.api.stop(stands["Id"], timeout=stands["Config"].get("StopTimeout") or STOP_SECONDS)
        hands.api.rename(stands["Id"], given["aside"])


def _bring_back(hands: Hands, given: Mapping[str, str]) -> None:
    aside = hands.engine.inspect(given["aside"])
    if aside is not None:
        hands.api.rename(aside["Id"], given["name"])
    if given["was"] in RUNNING and hands.engine.inspect(given["name"]) is not None:
        hands.api.start(given["name"])


def _remove(hands: Hands, name: str) -> None:
    if hands.engine.inspect(name) is not None:
        hands.api.remove_container(name, force=True, v=False)


def await_health(hands: Hands, step: Step, report: Report) -> None:
    """``health.wait``; when it fails, the receipt holds the last lines of the containers, secrets covered."""
    given = arguments(step)
    names = given["names"].split()
    report.result = "unchanged"
    try:
        settle = hands.settings.settle_seconds
        report.outputs |= hands.engine.await_health(
            names, frozenset(given["ends"].split()), int(given["seconds"]), settle
        )
    except BaseException:
        report.log = hands.engine.logs(names)
        raise


def verify(hands: Hands, step: Step, report: Report) -> None:
    """``container.verify``: what runs under the name answers to the pinned digest and was made from our body."""
    given = arguments(step)
    found = hands.engine.container(given["name"])
    report.result = "unchanged"
    if found is None or found.image_digest != given["digest"]:
        raise DigestMismatch(container=given["name"], expected=given["digest"], found=found and found.image_digest)
    if dict(found.labels).get(inspection.SPEC) != given["spec"]:
        raise DigestMismatch(container=given["name"], expected=given["spec"], found="another specification")
    report.outputs |= {"id": found.id, "config_hash": found.config_hash, "digest": found.image_digest}


def remove(hands: Hands, step: Step, report: Report) -> None:
    """``container.remove``: an old one, now that all stands."""
    name = arguments(step)["name"]
    report.result = "unchanged" if hands.engine.inspect(name) is None else "done"
    _remove(hands, name)


def on_files(do: Callable[[Folder, Step, World, Report], None]) -> "Do":
    """Make a file step out of the directory adapter's."""
    return lambda hands, step, report: do(hands.folder, step, hands.world, report)


def hook(hands: Hands, step: Step, report: Report) -> None:
    """``script.run``: only where the settings say so."""
    if hands.settings.hooks == "run":
        run_hook(hands.folder, step, hands.world, report, {"DOCKER_HOST": hands.settings.url})
    else:
        report.result = "unchanged"
        report.outputs["skipped"] = "hooks"


def nothing(hands: Hands, step: Step, report: Report) -> None:
    """Take nothing back: an image, a network or a volume that nobody uses does no harm."""
    del hands, step
    report.result = "undone"


Do = Callable[[Hands, Step, Report], None]
ACTIONS: Final[Mapping[str, tuple[Do, Do]]] = {
    "image.pull": (pull, nothing),
    "network.create": (make_network, nothing),
    "volume.create": (make_volume, nothing),
    "file.write": (on_files(apply_file), on_files(undo_file)),
    "file.remove": (on_files(apply_file), on_files(undo_file)),
    "container.create": (create, uncreate),
    "container.swap": (swap, unswap),
    "container.retire": (retire, unretire),
    "container.verify": (verify, nothing),
    "container.remove": (remove, nothing),
    "health.wait": (await_health, nothing),
    "script.run": (hook, nothing),
}


class DockerHostAdapter:
    """Touches one Docker engine. See targets.contract.Adapter."""

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
