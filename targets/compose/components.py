"""Which component of a release a service runs. Knows names only; must not know digests.

A service says so itself (``x-stella: {component: …}``), or its image's repository names exactly one component (the tag
decides between several), or it is only built and a component has its name.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cas.problems import Fault
from targets.references import ReferenceInvalid, parse_reference


class Named(Protocol):
    """What is needed of a component."""

    @property
    def name(self) -> str:
        """Its name in the release."""
        ...

    @property
    def repository(self) -> str:
        """Repository without tag."""
        ...

    @property
    def tag(self) -> str:
        """Tag it was resolved by; empty when it was named by digest."""
        ...


class Service(Protocol):
    """What is needed of a service."""

    @property
    def name(self) -> str:
        """Its name in the project."""
        ...

    @property
    def image(self) -> str:
        """Image as written; empty when it is only built."""
        ...

    @property
    def component(self) -> str:
        """The component the author names; empty when none."""
        ...


def match(services: Sequence[Service], components: Sequence[Named]) -> tuple[Mapping[str, str], tuple[Fault, ...]]:
    """Give service name → component name, and a fault for every service that no component, or several, could be."""
    found: dict[str, str] = {}
    faults: list[Fault] = []
    for service in services:
        names = _candidates(service, components)
        if len(names) == 1:
            found[service.name] = names[0]
        elif names:
            message = f"could be {', '.join(names)[:200]}: say which under x-stella: {{component: …}}"
            faults.append(Fault(f"/services/{service.name}/image", "release.image_ambiguous", message))
        else:
            message = f"{(service.image or 'the built image')[:200]} is not a component of the release"
            faults.append(Fault(f"/services/{service.name}/image", "release.image_unlisted", message))
    return found, tuple(faults)


def _candidates(service: Service, components: Sequence[Named]) -> tuple[str, ...]:
    if service.component:
        return tuple(one.name for one in components if one.name == service.component)
    if not service.image:
        return tuple(one.name for one in components if one.name == service.name)
    try:
        wanted = parse_reference(service.image)
    except ReferenceInvalid:
        return ()
    same = [one for one in components if _repository(one) == wanted.repository]
    if len(same) > 1:
        tagged = [one for one in same if (one.tag or "latest") == (wanted.tag or "latest")]
        named = [one for one in tagged or same if one.name == service.name]
        same = named or tagged or same
    return tuple(one.name for one in same)


def _repository(component: Named) -> str:
    try:
        return parse_reference(component.repository).repository
    except ReferenceInvalid:
        return component.repository
