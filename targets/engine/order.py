"""In which order services start: what others depend on first, migrations and init containers before the rest. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from cas.problems import Fault
from cas.records.deploy import LockService
from cas.records.release import Release
from targets.problems import ServiceUnsupported


def one_shot(release: Release, service: LockService) -> bool:
    """Tell whether a service's containers are meant to end: roles init and migration."""
    return any(part.name == service.component and part.role in {"init", "migration"} for part in release.components)


def start_order(services: Sequence[LockService], definitions: Mapping[str, Any]) -> list[LockService]:
    """Order services so that each comes after what it depends on; among equals by name.

    Raises: target.service_unsupported for a cycle or an unknown name
    """
    left = {service.name: service for service in sorted(services, key=lambda one: one.name)}
    needs = {name: set(definitions[name].get("depends_on") or ()) for name in left}
    unknown = [(name, other) for name in left for other in sorted(needs[name] - left.keys())]
    if unknown:
        raise ServiceUnsupported(
            faults=tuple(Fault(f"/services/{one}/depends_on", "target.no_such_service", two) for one, two in unknown)
        )
    ordered: list[LockService] = []
    while left:
        ready = [name for name in left if not needs[name] & left.keys()]
        if not ready:
            raise ServiceUnsupported(
                faults=tuple(Fault(f"/services/{name}/depends_on", "target.cycle", "a cycle") for name in left)
            )
        ordered += [left.pop(name) for name in ready]
    return ordered
