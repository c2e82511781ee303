"""Every problem code there is, found by importing the project: for the reference and the golden file."""

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from api.problems import STATUS, status_of
from cas.problems import Problem

_PACKAGES: Final = ("cas", "policy", "targets", "pipeline", "replay", "api")
_NOT: Final = ("api.remote", "cas.problem")  # what stands for another code, and the base class


@dataclass(frozen=True, slots=True)
class Listed:
    """A code and what the doors say about it."""

    code: str
    status: int
    category: str
    title: str
    remedy: str
    module: str


def listed() -> tuple[Listed, ...]:
    """List every problem, sorted by code."""
    for name in _PACKAGES:
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith(("replay.verify", "cli.main")):
                import_module(module.name)
    found = [one for one in _below(Problem) if one.code not in _NOT and one.__module__.split(".")[0] in _PACKAGES]
    return tuple(
        Listed(one.code, _status(one), one.category.value, one.title, one.remedy, one.__module__)
        for one in sorted(found, key=lambda one: (one.code, one.__module__))
    )


def _status(kind: type[Problem]) -> int:
    made = Problem()
    made.code, made.category = kind.code, kind.category  # type: ignore[misc]  # a stand-in of that code
    return status_of(made) or STATUS[kind.category]


def _below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for one in kind.__subclasses__():
        if "code" in vars(one):  # others only give an inherited code another remedy
            yield one
        yield from _below(one)
