"""The template as a release keeps it: YAML read once, the project resolved, everything wrong with it told together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cas.problems import Fault
from cas.records.release import ComposeService
from targets.compose import checks, yaml12
from targets.compose import project as compose
from targets.compose.interpolate import Variables, literal
from targets.compose.problems import ComposeInvalid
from targets.compose.project import ProjectFiles


@dataclass(frozen=True, slots=True)
class Read:
    """A template read: its documents by path, the resolved project, its services, the variables it asks for."""

    files: tuple[str, ...]
    documents: dict[str, Any]
    project: dict[str, Any]
    services: tuple[ComposeService, ...]
    variables: tuple[str, ...]


def read(paths: Iterable[str], fetch: Callable[[str], bytes], files: tuple[str, ...] = ()) -> Read:
    """Read and check a template by itself: what the environment may give is left as references.

    Raises: compose.invalid with every fault, compose.yaml_invalid, compose.yaml_too_large
    """
    documents: dict[str, Any] = {}

    def document(path: str) -> Any:
        if path not in documents:
            documents[path] = yaml12.load(fetch(path), path)
        return documents[path]

    variables = Variables({})
    known = frozenset(paths)
    project = compose.read(ProjectFiles(known, fetch, document), files, variables)
    services = services_of(project)
    faults = [*variables.faults, *checks.shape(project), *checks.secrets(project)]
    faults += [
        Fault(
            f"/services/{one.name}/image", "compose.image_variable", "an image may use the template's own values only"
        )
        for one in services
        if "\0" in one.image
    ]
    if faults:
        raise ComposeInvalid(faults=ordered(faults))
    chosen = files or compose.default_files(known)
    return Read(chosen, documents, project, services, tuple(sorted(variables.asked)))


def services_of(project: dict[str, Any]) -> tuple[ComposeService, ...]:
    """List the services of a resolved project, sorted by name; an image with a reference left in it is NUL."""
    return tuple(_service(project, name) for name in sorted(project.get("services", {})) if name)


def ordered(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Sort faults and name each once."""
    unique = {(fault.pointer, fault.code, fault.message): fault for fault in faults}
    return tuple(unique[key] for key in sorted(unique))


def _service(project: dict[str, Any], name: str) -> ComposeService:
    definition = project["services"][name]
    image = literal(str(definition.get("image") or ""))
    own = definition.get("x-stella")
    component = own.get("component", "") if isinstance(own, dict) else ""
    return ComposeService(name=name, image="\0" if image is None else image, component=str(component))
