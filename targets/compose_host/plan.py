"""Plan for a host run by Docker Compose: the lock file is what is run. Pure.

The switch begins with a restore point, whose undoing runs the earlier lock again; then come the files, then ``up``.
Compose itself decides which containers change. Each container carries the digest of what it was made from, so that a
plan made after the deployment finds nothing to do.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cas import digest
from cas.records.base import pairs
from cas.records.deploy import LockService, ObservedContainer, Step
from targets import files, hooks
from targets.contract import Wanted
from targets.engine import images, inspection
from targets.engine.order import one_shot, start_order
from targets.engine.settings import EngineSettings

LOCK = "compose.stella.lock.yml"
ENV = "stella.env"


class Settings(EngineSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the engine answers, the folder that holds each project's files, and the Compose v2 program.

    ``compose`` is a program's path, or ``docker compose`` for the plugin of the docker command.
    """

    compose: str = "docker compose"


def plan(wanted: Wanted) -> tuple[Step, ...]:
    """Give the steps.

    Raises: target.service_unsupported for a cycle, target.platform_unlisted
    """
    pins = images.pinned(wanted)
    definitions = {one.name: msgspec.json.decode(wanted.read(one.definition)) for one in wanted.rendered.services}
    services = start_order(wanted.rendered.services, definitions)
    specs = {one.name: spec_of(wanted, one) for one in services}
    stands = as_wanted(wanted, services, specs)
    writes = files.write_steps(wanted)
    prepared = tuple(step for step in writes if step.phase == "prepare")
    switched = tuple(step for step in writes if step.phase == "switch")
    if stands:
        return (*prepared, *switched, *files.remove_steps(wanted))
    seen = files.observed(wanted)
    names = [name for one in services for name in container_names(wanted, one, definitions[one.name])]
    ends = [
        name
        for one in services
        if one_shot(wanted.release, one)
        for name in container_names(wanted, one, definitions[one.name])
    ]
    override = wanted.keep(msgspec.json.encode(_override(services, specs, pins), order="sorted"))
    sources = {f"secret:{one.name}": one.source for one in wanted.environment.secrets}
    kept = {f"kept:{one.name}": "true" if pins[one.name].kept else "false" for one in services}
    given = {"project": wanted.rendered.project, "seconds": str(wanted.environment.health_timeout_seconds or 60)}
    hook_before, hook_after = hooks.steps(wanted)
    before = {"before": seen.get(LOCK, ""), **_stood(wanted.observation.containers)}
    return (
        *images.pull_steps(pins, frozenset()),
        *prepared,
        _step("check", "prepare", "compose.check", given | sources, wanted.rendered.lock),
        *hook_before,
        _step("restore-point", "switch", "compose.restore_point", given | sources | before, wanted.rendered.lock),
        *switched,
        _step("up", "switch", "compose.up", given | sources | kept | {"recreate": _recreate(wanted)}, override),
        _step("health", "verify", "health.wait", given | {"names": " ".join(names), "ends": " ".join(ends)}, None),
        *(
            _step(
                f"verify-{name}",
                "verify",
                "container.verify",
                {"name": name, "digest": one.digest, "spec": specs[one.name]},
                None,
            )
            for one in services
            for name in container_names(wanted, one, definitions[one.name])
        ),
        *hook_after,
        *files.remove_steps(wanted),
    )


def _step(id_: str, phase: Any, action: str, given: Mapping[str, str], content: str | None) -> Step:
    return Step(id=id_, phase=phase, action=action, arguments=pairs(dict(given)), content=content)


def spec_of(wanted: Wanted, service: LockService) -> str:
    """Name what a container is made from: its service, the public variables, the files that may be mounted."""
    delivered = [f"{one.name} {one.digest}" for one in wanted.rendered.artifacts if one.type in {"config", "env"}]
    top = [f"{key} {msgspec.json.encode(value, order='sorted').decode()}" for key, value in _top(wanted)]
    return digest.of_bytes("\n".join([service.image, service.definition, *delivered, *top]).encode())


def _top(wanted: Wanted) -> list[tuple[str, Any]]:
    document = msgspec.json.decode(wanted.read(wanted.rendered.lock_document))
    return sorted((key, document[key]) for key in ("networks", "volumes", "configs", "secrets") if key in document)


def as_wanted(wanted: Wanted, services: list[LockService], specs: Mapping[str, str]) -> bool:
    """Tell whether every container stands as wanted and none besides."""
    left = list(wanted.observation.containers)
    before = wanted.baseline.observation if wanted.baseline else None
    known = {one.name: one for one in before.containers} if before else {}
    for service in services:
        mine = [one for one in left if dict(one.labels).get(inspection.COMPOSE_SERVICE) == service.name]
        left = [one for one in left if one not in mine]
        good = "completed" if one_shot(wanted.release, service) else "running"
        fine = [one for one in mine if _fine(one, service, specs[service.name], good, known.get(one.name))]
        if len(fine) != service.replicas or len(mine) != service.replicas:
            return False
    return not left


def _fine(one: ObservedContainer, service: LockService, spec: str, good: str, known: ObservedContainer | None) -> bool:
    if known is not None and dict(known.labels).get(inspection.SPEC) == spec and known.config_hash != one.config_hash:
        return False
    return (
        one.image_digest == service.digest
        and dict(one.labels).get(inspection.SPEC) == spec
        and one.state == good
        and one.health != "unhealthy"
    )


def container_names(wanted: Wanted, service: LockService, definition: Mapping[str, Any]) -> list[str]:
    """Name a service's containers as Compose does."""
    if definition.get("container_name"):
        return [str(definition["container_name"])]
    return [f"{wanted.rendered.project}-{service.name}-{number}" for number in range(1, service.replicas + 1)]


def _override(
    services: list[LockService], specs: Mapping[str, str], pins: Mapping[str, images.Pinned]
) -> dict[str, Any]:
    """What is laid over the lock for this run: labels that tell what each container was made from."""
    return {
        "services": {
            one.name: {
                "image": one.image,
                "labels": {
                    inspection.SPEC: specs[one.name],
                    inspection.COMPONENT: one.component,
                    "stella.platform.digest": pins[one.name].platform_digest,
                },
            }
            for one in services
        }
    }


RUNNING = ("running", "restarting", "paused")
OWN_LABELS = (inspection.SPEC, inspection.COMPONENT, "stella.platform.digest")


def _stood(containers: tuple[ObservedContainer, ...]) -> dict[str, str]:
    """Remember, for the restore point, by what each service ran (as JSON) and whether anything did."""
    ran: dict[str, Any] = {}
    for one in containers:
        labels = dict(one.labels)
        if inspection.COMPOSE_SERVICE in labels:
            kept = {name: value for name, value in labels.items() if name in OWN_LABELS}
            ran[labels[inspection.COMPOSE_SERVICE]] = {"image": one.image, "labels": kept}
    stood = "running" if any(one.state in RUNNING for one in containers) else "stopped"
    return {"running": msgspec.json.encode({"services": ran}, order="sorted").decode(), "stood": stood}


def _recreate(wanted: Wanted) -> str:
    """Compose does not look into mounted files: when one changes, or a container was altered, all are made anew."""
    seen = files.observed(wanted)
    changed = any(
        one.type in {"config", "env"} and one.name in seen and seen[one.name] != one.digest
        for one in wanted.rendered.artifacts
    )
    before = wanted.baseline.observation if wanted.baseline else None
    known = {one.name: one for one in before.containers} if before else {}
    altered = any(
        one.name in known and (known[one.name].id != one.id or known[one.name].config_hash != one.config_hash)
        for one in wanted.observation.containers
    )
    return "true" if changed or altered else "false"
