"""Engines: what computes for a stage outside this process. Must not know any engine, nor how one is run.

An engine is a function of bytes: the same version gives the same answer to the same request, or none. Stages name the
engines and versions they rely on; whoever runs a stage hands the engines in, as wiring and replay do.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from cas.problems import Category, Problem


class EngineProblem(Problem):
    """An engine could not be asked, or was stopped: this says nothing about what it would have answered.

    Replay reports it as "cannot rerun", whatever the code.
    """


class EngineAbsent(EngineProblem):
    """A stage needs an engine that is not here, or not in the version the stage names."""

    code = "stage.engine_absent"
    category = Category.UNSUPPORTED
    title = "The engine that computes this is not installed"
    remedy = "Install the engine in the version named, then repeat."


class Engine(Protocol):
    """Computes an answer from a request, with no other input."""

    def answer(self, request: bytes) -> bytes:
        """Give the answer.

        Raises: an EngineProblem when the engine is absent or was stopped, other Problems for what the request caused
        """
        ...


Engines: TypeAlias = Mapping[str, Engine]
NO_ENGINES: Final[Engines] = MappingProxyType({})


def installed(package: str) -> str:
    """Give the version of an installed engine; empty when it is not here."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - heavy, and most stages have none

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
