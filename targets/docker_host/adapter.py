"""Containers on a Docker engine, one step at a time: create beside the old, swap, await, and take back."""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from docker.errors import NotFound

from cas.records.deploy import Step
from targets import interpolate
from targets.docker_host.plan import Settings
from targets.engine import inspection
from targets.engine.host.adapter import ALIKE, Actions, EngineHostAdapter, Hands, nothing
from targets.problems import EngineRefused
from targets.receipts import Report, arguments

RUNNING: Final = ("running", "restarting", "paused")
STOP_SECONDS: Final = 10


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


def remove(hands: Hands, step: Step, report: Report) -> None:
    """``container.remove``: an old one, now that all stands."""
    name = arguments(step)["name"]
    report.result = "unchanged" if hands.engine.inspect(name) is None else "done"
    _remove(hands, name)


class DockerHostAdapter(EngineHostAdapter):
    """Touches one Docker engine, whose containers we make ourselves. See targets.contract.Adapter."""

    settings = Settings
    actions: ClassVar[Actions] = {
        **ALIKE,
        "network.create": (make_network, nothing),
        "volume.create": (make_volume, nothing),
        "container.create": (create, uncreate),
        "container.swap": (swap, unswap),
        "container.retire": (retire, unretire),
        "container.remove": (remove, nothing),
    }
