"""A SARIF 2.1.0 log as far as facts need it, and what its references lead to. Must not know which tool wrote it.

References that lead nowhere (a rule, extension or thread flow location out of range) and bases or artifacts that
contain themselves are faults: what they were to say cannot be known. A rule id without metadata is none; SARIF allows
it (3.27.5).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.problems import Fault
from pipeline.formats.reports.report import at

_MAX_LEVELS: Final = 16  # of a hierarchical rule id


class Properties(msgspec.Struct, gc=False, rename="kebab"):
    """The property bag, where tools keep what SARIF has no place for."""

    security_severity: str | float | None = None
    tags: tuple[str, ...] | None = ()
    purls: tuple[str, ...] | None = ()
    purl: Any = None
    cve: Any = None
    affected_version: Any = msgspec.field(default=None, name="affected_version")
    fixed_version: Any = msgspec.field(default=None, name="fixed_version")
    image_id: Any = msgspec.field(default=None, name="imageID")
    repo_digests: Any = msgspec.field(default=None, name="repoDigests")

    @property
    def images(self) -> tuple[str, ...]:
        """Give the references of images that a run's properties name."""
        listed = self.repo_digests if isinstance(self.repo_digests, list) else []
        return tuple(each for each in (self.image_id, *listed) if isinstance(each, str))


class Message(msgspec.Struct, gc=False):
    """A message: its text, or the id of a message string of the rule with arguments for it."""

    text: str | None = ""
    markdown: str | None = ""
    id: str | None = ""
    arguments: tuple[str, ...] | None = ()


class ArtifactLocation(msgspec.Struct, gc=False, rename="camel"):
    """Where a file is."""

    uri: str | None = ""
    uri_base_id: str | None = ""
    index: int | None = -1


class Region(msgspec.Struct, gc=False, rename="camel"):
    """A part of a file; its snippet is not read, it may hold a secret."""

    start_line: int | None = 0


class Physical(msgspec.Struct, gc=False, rename="camel"):
    """A place in a file."""

    artifact_location: ArtifactLocation | None = None
    region: Region | None = None


class Logical(msgspec.Struct, gc=False, rename="camel"):
    """A place in a program."""

    name: str | None = ""
    fully_qualified_name: str | None = ""
    index: int | None = -1


class Location(msgspec.Struct, gc=False, rename="camel"):
    """A place."""

    physical_location: Physical | None = None
    logical_locations: tuple[Logical, ...] | None = ()
    message: Message | None = None


class Step(msgspec.Struct, gc=False):
    """A step of a thread flow: a location of its own, or the index of a shared step of the run."""

    location: Location | None = None
    index: int | None = -1


class ThreadFlow(msgspec.Struct, gc=False):
    """Steps in order of execution."""

    locations: tuple[Step, ...] | None = ()


class CodeFlow(msgspec.Struct, gc=False, rename="camel"):
    """A way through the code."""

    thread_flows: tuple[ThreadFlow, ...] | None = ()


class Suppression(msgspec.Struct, gc=False):
    """The tool's own word for not counting a result."""

    kind: str | None = ""
    status: str | None = "accepted"
    justification: str | None = ""


class ComponentReference(msgspec.Struct, gc=False):
    """Which part of the tool."""

    name: str | None = ""
    index: int | None = -1
    guid: str | None = ""


class RuleReference(msgspec.Struct, gc=False, rename="camel"):
    """Which rule of which part of the tool."""

    id: str | None = ""
    index: int | None = -1
    guid: str | None = ""
    tool_component: ComponentReference | None = None


class Result(msgspec.Struct, gc=False, rename="camel"):
    """One result."""

    rule_id: str | None = ""
    rule_index: int | None = -1
    rule: RuleReference | None = None
    level: str | None = None
    kind: str | None = "fail"
    message: Message | None = None
    locations: tuple[Location, ...] | None = ()
    code_flows: tuple[CodeFlow, ...] | None = ()
    suppressions: tuple[Suppression, ...] | None = None
    fingerprints: dict[str, str] | None = None
    partial_fingerprints: dict[str, str] | None = None
    guid: str | None = ""
    baseline_state: str | None = ""
    rank: float | None = -1
    properties: Properties | None = None


class Configuration(msgspec.Struct, gc=False):
    """How a rule reports unless told otherwise."""

    level: str | None = None


class Rule(msgspec.Struct, gc=False, rename="camel"):
    """What a tool looks for."""

    id: str = ""
    name: str | None = ""
    guid: str | None = ""
    short_description: Message | None = None
    full_description: Message | None = None
    help: Message | None = None
    default_configuration: Configuration | None = None
    message_strings: dict[str, Message] | None = None
    properties: Properties | None = None


class Component(msgspec.Struct, gc=False, rename="camel"):
    """A tool's driver or extension."""

    name: str = ""
    version: str | None = ""
    semantic_version: str | None = ""
    guid: str | None = ""
    rules: tuple[Rule, ...] | None = ()


class Tool(msgspec.Struct, gc=False):
    """The tool of a run."""

    driver: Component = msgspec.field(default_factory=Component)
    extensions: tuple[Component, ...] | None = ()


class Override(msgspec.Struct, gc=False):
    """A rule configured for this invocation."""

    descriptor: RuleReference | None = None
    configuration: Configuration | None = None


class Notification(msgspec.Struct, gc=False):
    """What the tool says of its own run."""

    level: str | None = "warning"


class Invocation(msgspec.Struct, gc=False, rename="camel"):
    """How the tool ran."""

    execution_successful: bool | None = None
    start_time_utc: str | None = ""
    end_time_utc: str | None = ""
    tool_execution_notifications: tuple[Notification, ...] | None = ()
    tool_configuration_notifications: tuple[Notification, ...] | None = ()
    rule_configuration_overrides: tuple[Override, ...] | None = ()


class Artifact(msgspec.Struct, gc=False, rename="camel"):
    """A file or image that was looked at."""

    location: ArtifactLocation | None = None
    parent_index: int | None = -1


class External(msgspec.Struct, gc=False):
    """Parts of the run that are kept elsewhere."""

    results: tuple[Any, ...] | None = None


class Run(msgspec.Struct, gc=False, rename="camel"):
    """One run of one tool. ``results`` is None when it is absent: then the run is no scan (3.14.23)."""

    tool: Tool = msgspec.field(default_factory=Tool)
    results: tuple[Result, ...] | None = None
    invocations: tuple[Invocation, ...] | None = ()
    artifacts: tuple[Artifact, ...] | None = ()
    original_uri_base_ids: dict[str, ArtifactLocation] | None = None
    external_property_file_references: External | None = None
    thread_flow_locations: tuple[Step, ...] | None = ()
    properties: Properties | None = None


class Log(msgspec.Struct, gc=False):
    """The document."""

    version: str = ""
    runs: tuple[Run, ...] | None = ()


class BrokenReferenceError(LookupError):
    """A reference leads nowhere."""


class Rules:
    """The rules of a run by index, id and guid, and how its invocations configured them; looked up once for all."""

    def __init__(self, run: Run) -> None:
        self.driver = run.tool.driver
        self.extensions = run.tool.extensions or ()
        self.named: dict[tuple[int, str], Rule] = {}
        self.guids: dict[str, Component] = {}
        self.anywhere: dict[str, Rule] = {}
        for number, component in enumerate((self.driver, *self.extensions)):
            if component.guid:
                self.guids.setdefault(component.guid, component)
            for rule in component.rules or ():
                for name in filter(None, (rule.id, rule.guid)):
                    self.named.setdefault((number, name), rule)
                    self.anywhere.setdefault(name, rule)
        self.levels = {
            each.descriptor.id: each.configuration.level
            for invocation in run.invocations or ()
            for each in invocation.rule_configuration_overrides or ()
            if each.descriptor and each.descriptor.id and each.configuration and each.configuration.level
        }

    def of(self, result: Result) -> Rule | None:
        """Give the rule of a result (3.52): by index in its component, else by id there, else by id anywhere; or None.

        Raises: BrokenReferenceError
        """
        given = result.rule or RuleReference()
        number, component = self._component(given.tool_component)
        index = given.index if given.index is not None and given.index >= 0 else result.rule_index
        if index is not None and index >= 0:
            rules = component.rules or ()
            if index >= len(rules):
                raise BrokenReferenceError(f"rule {index} of {len(rules)}")
            return rules[index]
        name = given.id or result.rule_id or ""
        own = self.named.get((number, given.guid or "")) or self.named.get((number, name))
        return own or self._by_name(name)

    def _component(self, given: ComponentReference | None) -> tuple[int, Component]:
        if given is None:
            return 0, self.driver
        if given.index is not None and given.index >= 0:
            if given.index >= len(self.extensions):
                raise BrokenReferenceError(f"tool extension {given.index} of {len(self.extensions)}")
            return given.index + 1, self.extensions[given.index]
        return 0, self.guids.get(given.guid or "", self.driver)

    def _by_name(self, name: str) -> Rule | None:
        """Find a rule by its id, or by the id that a hierarchical one (3.5.4) begins with."""
        for _ in range(_MAX_LEVELS):
            found = self.anywhere.get(name)
            if found is not None or not name:
                return found
            name = name.rpartition("/")[0]
        return None


def steps_of(run: Run, result: Result) -> tuple[Location, ...]:
    """Give the places of the first thread flow of a result, entry first; empty when it has none.

    Raises: BrokenReferenceError
    """
    flows = [flow for each in result.code_flows or () for flow in each.thread_flows or ()]
    if not flows:
        return ()
    shared = run.thread_flow_locations or ()
    found = []
    for step in flows[0].locations or ():
        location = step.location
        if location is None and step.index is not None and step.index >= 0:
            if step.index >= len(shared):
                raise BrokenReferenceError(f"thread flow location {step.index} of {len(shared)}")
            location = shared[step.index].location
        if location is not None:
            found.append(location)
    return tuple(found)


def uri_of(run: Run, location: ArtifactLocation | None) -> str:
    """Give a file as written, by itself or through the run's artifacts.

    Raises: BrokenReferenceError
    """
    if location is None:
        return ""
    if not location.uri and location.index is not None and location.index >= 0:
        artifacts = run.artifacts or ()
        if location.index >= len(artifacts):
            raise BrokenReferenceError(f"artifact {location.index} of {len(artifacts)}")
        found = artifacts[location.index].location
        return (found.uri or "") if found else ""
    return location.uri or ""


def faults(log: Log) -> Iterator[Fault]:
    """Name every reference that leads nowhere, and every base or artifact that contains itself."""
    for number, run in enumerate(log.runs or ()):
        yield from _loops(run, at("runs", number))
        rules = Rules(run)
        for place, result in enumerate(run.results or ()):
            try:
                rules.of(result)
                for step in steps_of(run, result):
                    _resolved(run, step)
                for location in result.locations or ():
                    _resolved(run, location)
            except BrokenReferenceError as error:
                said = f"{error} does not exist"
                yield Fault(at("runs", number, "results", place), "evidence.reference_broken", said)


def _resolved(run: Run, location: Location) -> None:
    if location.physical_location is not None:
        uri_of(run, location.physical_location.artifact_location)


def _loops(run: Run, pointer: str) -> Iterator[Fault]:
    bases = {name: each.uri_base_id or "" for name, each in (run.original_uri_base_ids or {}).items()}
    looped = _first_in_a_loop(bases)
    if looped is not None:
        yield Fault(
            pointer + at("originalUriBaseIds", looped), "evidence.reference_loop", "a base that rests on itself"
        )
    artifacts = run.artifacts or ()
    parents = {str(number): str(each.parent_index) for number, each in enumerate(artifacts) if each.parent_index != -1}
    looped = _first_in_a_loop(parents)
    if looped is not None:
        yield Fault(pointer + at("artifacts", looped), "evidence.reference_loop", "an artifact inside itself")
    for number, parent in parents.items():
        if not (parent.isdigit() and int(parent) < len(artifacts)):
            said = f"artifact {parent} of {len(artifacts)} does not exist"
            yield Fault(pointer + at("artifacts", number), "evidence.reference_broken", said)


def _first_in_a_loop(leads: dict[str, str]) -> str | None:
    """Give the first name from which the way leads back to where it was, in one walk over all."""
    done: set[str] = set()
    for start in leads:
        way: dict[str, None] = {}
        here = start
        while here in leads and here not in done:
            if here in way:
                return here
            way[here] = None
            here = leads[here]
        done.update(way)
    return None
