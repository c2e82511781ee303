"""What a kind of target is: settings, a pure plan, an adapter. Must not know any product."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from cas.digest import Digest
from cas.problems import Fault
from cas.records.base import Instant
from cas.records.deploy import Deployment, Observation, Receipt, Rendered, Step
from cas.records.release import Environment, Release, Resolution, Target


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the deployment before left on a target: its lock, and the target as it was then seen."""

    rendered: Rendered
    observation: Observation | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan function may know: records by value, already loaded."""

    deployment: Deployment
    deployment_digest: Digest
    release: Release
    environment: Environment
    target: Target
    target_digest: Digest
    rendered: Rendered
    observation: Observation
    observation_digest: Digest
    resolutions: tuple[Resolution, ...]  # one per component, in the release's order
    baseline: Baseline | None
    read: Callable[[Digest], bytes]  # objects named by the above
    keep: Callable[[bytes], Digest]  # for what a step needs

    @property
    def platform(self) -> str:
        """The target's platform as declared, or as its engine says."""
        return self.target.platform or self.observation.platform


class World(Protocol):
    """What an adapter gets from outside: bytes by digest, the clock, secrets by reference, the home's registry."""

    def get(self, digest: Digest) -> bytes:
        """Give an object's bytes."""
        ...

    def put(self, data: bytes) -> Digest:
        """Keep captured output."""
        ...

    def now(self) -> Instant:
        """Give the instant."""
        ...

    def secret(self, source: str) -> str:
        """Resolve a secret reference; the value must never be kept, logged or raised."""
        ...

    def registry(self) -> str:
        """Give host:port of the home's own /v2/ registry as the target reaches it; empty when it serves none."""
        ...


class Adapter(Protocol):
    """Touches one target. Every method may raise target.* problems; ``apply`` of the same step twice is harmless."""

    def observe(self, target: Target, digest: Digest, project: str, paths: Sequence[str], world: World) -> Observation:
        """Capture the target's state: the project's containers, and the files of these paths, absent ones too.

        The bytes of files found are kept through ``world``; no other file is read.
        """
        ...

    def apply(self, target: Target, project: str, plan: Digest, step: Step, world: World) -> Receipt:
        """Do one step and say what was done; a failure is a Receipt, not an exception."""
        ...

    def undo(self, target: Target, project: str, plan: Digest, step: Step, world: World) -> Receipt:
        """Take one done, or half done, step back: the old containers run again with their old configuration."""
        ...

    def finish(
        self, target: Target, project: str, files: Mapping[str, bytes | None], world: World
    ) -> Iterator[tuple[str, Digest]]:
        """Write the sealed files (sticker, manifest, …) atomically, remove those of None; give (path, digest)."""
        ...


def no_faults(given: Mapping[str, str]) -> Iterator[Fault]:
    """Find nothing wrong with settings taken together."""
    del given
    return iter(())


@dataclass(frozen=True, slots=True)
class TargetKind:
    """A catalog line: the kind's name, its settings, its pure plan, and where its adapter is."""

    name: str
    settings: type[msgspec.Struct]
    plan: Callable[[Wanted], tuple[Step, ...]]
    adapter: str  # "targets.directory.adapter:DirectoryAdapter", imported by wiring only
    asks: str  # one sentence for people
    faults: Callable[[Mapping[str, str]], Iterator[Fault]] = no_faults  # of settings that are each well-formed


AnyTargetKind = Any
