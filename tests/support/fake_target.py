"""A pretend engine: does docker_host's steps in memory, fails or dies where it is told, and notes all it was asked."""

from dataclasses import dataclass, field

import msgspec

from cas import digest
from cas.problems import Problem
from cas.records.base import pairs
from cas.records.deploy import Observation, ObservedContainer, ObservedFile
from targets import interpolate
from targets.engine import inspection
from targets.problems import DigestMismatch, EngineRefused, Unhealthy
from targets.receipts import arguments, attempt


class Killed(BaseException):
    """Our process dies here: no Problem, nothing is caught."""


@dataclass
class Engine:
    """One host's containers, images and files."""

    name: str
    platform: str = "linux/amd64"
    images: set = field(default_factory=set)
    containers: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    made: int = 0

    def running(self):
        """What runs: {container name: pinned digest}."""
        return {name: one["digest"] for name, one in self.containers.items() if one["state"] == "running"}

    def ids(self):
        return {name: one["id"] for name, one in self.containers.items() if one["state"] == "running"}


@dataclass
class Fleet:
    """Engines by target name, and the adapter over them. Give ``adapter`` to Effects."""

    engines: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)  # (host, verb, step id), in order
    failing: dict = field(default_factory=dict)  # (host, step action) → Problem
    failing_once: dict = field(default_factory=dict)
    dying: tuple = ()  # (number of the call, "before" | "after")
    bad_images: set = field(default_factory=set)  # digests whose containers crash

    def adapter(self, target):
        self.engines.setdefault(target.name, Engine(target.name))
        return PretendAdapter(self)

    def steps(self, verb="apply"):
        return [(host, step) for host, what, step in self.asked if what == verb]


class PretendAdapter:
    """See targets.contract.Adapter."""

    def __init__(self, fleet):
        self.fleet = fleet

    def observe(self, target, name, project, paths, world):
        engine = self.fleet.engines[target.name]
        self._fail(target, "observe")
        found = []
        for path in sorted(set(paths)):
            data = engine.files.get(path)
            found.append(ObservedFile(path=path, digest=None if data is None else world.put(data)))
        containers = [_observed(name, one) for name, one in sorted(engine.containers.items())]
        return Observation(
            target=name,
            platform=engine.platform,
            engine=(("name", "pretend"),),
            containers=tuple(containers),
            images=tuple(sorted(engine.images)),
            files=tuple(found),
            observed_at=world.now(),
        )

    def apply(self, target, project, plan, step, world):
        return self._do("apply", target, plan, step, world)

    def undo(self, target, project, plan, step, world):
        return self._do("undo", target, plan, step, world)

    def finish(self, target, project, files, world):
        engine = self.fleet.engines[target.name]
        self.fleet.asked.append((target.name, "finish", "files"))
        for name, data in sorted(files.items()):
            if data is None:
                engine.files.pop(name, None)
                continue
            engine.files[name] = data
            if name == "manifest.json":
                self._fail(target, "finish")
            yield name, digest.of_bytes(data)

    def _do(self, verb, target, plan, step, world):
        engine = self.fleet.engines[target.name]
        self.fleet.asked.append((target.name, verb, step.id))
        number, when = self.fleet.dying or (None, "")
        mine = number is not None and len(self.fleet.asked) == number
        if mine and when == "before":
            raise Killed

        def work(report):
            if verb == "apply":
                self._fail(target, step.action)
            DO[step.action][verb == "undo"](self.fleet, engine, step, world, report)

        receipt = attempt(world, plan, step, work)
        if mine:
            raise Killed
        return receipt

    def _fail(self, target, action):
        key = (target.name, action)
        problem = self.fleet.failing_once.pop(key, None) or self.fleet.failing.get(key)
        if problem is not None:
            raise problem


def _observed(name, one):
    labels = pairs(one["labels"])
    return ObservedContainer(
        name=name,
        id=one["id"],
        component=one["labels"].get(inspection.COMPONENT, ""),
        image=one["image"],
        image_digest=one["digest"],
        config_id="sha256:" + "c" * 64,
        state=one["state"],
        health="none",
        restarts=0,
        labels=labels,
        config_hash=digest.of_bytes(msgspec.json.encode([one["image"], one["environment"], labels], order="sorted")),
    )


def pull(fleet, engine, step, world, report):
    given = arguments(step)
    engine.images.add(f"{given['repository']}@{given['digest']}")


def create(fleet, engine, step, world, report):
    given = arguments(step)
    sources = {name[7:]: source for name, source in step.arguments if name.startswith("secret:")}
    secrets = {name: world.secret(source) for name, source in sources.items()}
    body = msgspec.json.decode(world.get(step.content))
    body = interpolate.throughout(body, lambda text: interpolate.everything(text, secrets))
    if body["Image"] not in engine.images:
        raise EngineRefused(reason="no such image")
    engine.made += 1
    engine.containers[given["staged"]] = {
        "id": digest.of_bytes(f"{engine.name}{engine.made}".encode())[7:],
        "image": body["Image"],
        "digest": body["Image"].split("@")[1],
        "labels": body["Labels"],
        "environment": sorted(one.split("=")[0] for one in body["Env"]),
        "values": body["Env"],
        "state": "created",
    }


def swap(fleet, engine, step, world, report):
    given = arguments(step)
    if given["staged"] in engine.containers:
        _aside(engine, given)
        engine.containers[given["name"]] = engine.containers.pop(given["staged"])
    engine.containers[given["name"]]["state"] = "running"


def _aside(engine, given):
    if given["name"] in engine.containers:
        engine.containers[given["aside"]] = engine.containers.pop(given["name"]) | {"state": "exited"}


def _back(engine, given):
    if given["aside"] in engine.containers:
        engine.containers[given["name"]] = engine.containers.pop(given["aside"]) | {"state": given["was"]}


def unswap(fleet, engine, step, world, report):
    given = arguments(step)
    if given["staged"] not in engine.containers and (given["aside"] in engine.containers or not given["was"]):
        engine.containers.pop(given["name"], None)
    _back(engine, given)
    report.result = "undone"


def health(fleet, engine, step, world, report):
    for name in arguments(step)["names"].split():
        if engine.containers[name]["digest"] in fleet.bad_images:
            raise Unhealthy(container=name, reason="crash_looping")


def verify(fleet, engine, step, world, report):
    given = arguments(step)
    if engine.containers[given["name"]]["digest"] != given["digest"]:
        raise DigestMismatch(container=given["name"])


def write(fleet, engine, step, world, report):
    engine.files[arguments(step)["path"]] = world.get(step.content)


def unwrite(fleet, engine, step, world, report):
    given = arguments(step)
    report.result = "undone"
    if given["before"]:
        engine.files[given["path"]] = world.get(given["before"])
    else:
        engine.files.pop(given["path"], None)


def undone(fleet, engine, step, world, report):
    report.result = "undone"


def uncreate(fleet, engine, step, world, report):
    engine.containers.pop(arguments(step)["staged"], None)
    report.result = "undone"


def unretire(fleet, engine, step, world, report):
    _back(engine, arguments(step))
    report.result = "undone"


DO = {
    "image.pull": (pull, undone),
    "network.create": (lambda *_: None, undone),
    "volume.create": (lambda *_: None, undone),
    "file.write": (write, unwrite),
    "file.remove": (lambda fleet, engine, step, *_: engine.files.pop(arguments(step)["path"], None), unwrite),
    "container.create": (create, uncreate),
    "container.swap": (swap, unswap),
    "container.retire": (lambda fleet, engine, step, *_: _aside(engine, arguments(step)), unretire),
    "container.verify": (verify, undone),
    "container.remove": (
        lambda fleet, engine, step, *_: engine.containers.pop(arguments(step)["name"], None),
        undone,
    ),
    "health.wait": (health, undone),
    "script.run": (lambda *_: None, undone),
}


class Refused(Problem):
    """A failure that a test asked for."""

    code = "target.engine_refused"
