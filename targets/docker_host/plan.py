"""Plan for a Docker engine: containers made by us, one per replica of each service of the lock. Pure.

New containers are created, not started, while preparing; the switch stops an old one, renames it and starts the new;
the old one goes only when the whole fleet stands. A container that already is as wanted is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cas import digest
from cas.problems import Fault
from cas.records.base import pairs
from cas.records.deploy import LockService, ObservedContainer, Step
from targets import files, hooks, interpolate
from targets.contract import Wanted
from targets.docker_host.service import Around, Body, body_of
from targets.engine import images, inspection
from targets.engine.order import one_shot, start_order
from targets.engine.settings import EngineSettings
from targets.problems import ServiceUnsupported


class Settings(EngineSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the engine answers, and the folder on it that holds each project's files."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One container that is wanted."""

    name: str
    service: LockService
    body: Body  # as the engine takes it, secret references as written
    spec: str  # digest of the body
    mark: str  # of this deployment

    @property
    def staged(self) -> str:
        """What the new container is called until the switch."""
        return f"{self.name}.new-{self.mark}"


def plan(wanted: Wanted) -> tuple[Step, ...]:
    """Give the steps.

    Raises: target.service_unsupported with every fault, target.platform_unlisted, target.variable_unset
    """
    pins = images.pinned(wanted)
    document = msgspec.json.decode(wanted.read(wanted.rendered.lock_document))
    definitions = {one.name: msgspec.json.decode(wanted.read(one.definition)) for one in wanted.rendered.services}
    wanted_replicas = _replicas(wanted, pins, document, definitions)
    stand = {one.name: one for one in wanted.observation.containers}
    fresh = [one for one in wanted_replicas if not as_wanted(one, stand.get(one.name), wanted)]
    gone = sorted(stand.keys() - {one.name for one in wanted_replicas} - {one.staged for one in fresh})
    before, after = hooks.steps(wanted) if fresh or gone else ((), ())
    steps = (
        *images.pull_steps(pins, images.present(wanted.observation.images) if not fresh else frozenset()),
        *files.write_steps(wanted),
        *_surroundings(wanted, fresh, document),
        *(_create(wanted, one) for one in fresh),
        *before,
        *_switch(wanted, fresh, stand, gone, definitions),
        *_verify(wanted, fresh),
        *after,
        *_finish(wanted, fresh, stand, gone),
        *files.remove_steps(wanted),
    )
    order = {"prepare": 0, "switch": 1, "verify": 2, "finish": 3}
    return tuple(sorted(steps, key=lambda step: order[step.phase]))


def aside(name: str, mark: str) -> str:
    """What an old container is called between the switch and the end."""
    return f"{name}.old-{mark}"


def mark_of(wanted: Wanted) -> str:
    """Mark what belongs to this deployment only, so that leftovers of another are never taken for ours."""
    return wanted.deployment_digest[7:15]


def as_wanted(replica: Replica, stands: ObservedContainer | None, wanted: Wanted) -> bool:
    """Tell whether the container that stands is the one wanted: made by us from this body, unaltered, in good state."""
    if stands is None or dict(stands.labels).get(inspection.SPEC) != replica.spec:
        return False
    before = wanted.baseline.observation if wanted.baseline else None
    known = next((one for one in before.containers if one.name == stands.name), None) if before else None
    comparable = known is not None and dict(known.labels).get(inspection.SPEC) == replica.spec
    if known is not None and comparable and (known.id, known.config_hash) != (stands.id, stands.config_hash):
        return False
    good = "completed" if one_shot(wanted.release, replica.service) else "running"
    return stands.image_digest == replica.service.digest and stands.state == good and stands.health != "unhealthy"


def _replicas(
    wanted: Wanted, pins: Mapping[str, images.Pinned], document: Mapping[str, Any], definitions: Mapping[str, Any]
) -> list[Replica]:
    faults: list[Fault] = []
    found = []
    for service in start_order(wanted.rendered.services, definitions):
        definition = definitions[service.name]
        around = Around(
            project=wanted.rendered.project,
            folder=f"{folder_of(wanted)}/{wanted.rendered.project}",
            top=document,
            service=service.name,
            allowed_binds=wanted.environment.allowed_bind_paths,
        )
        body, wrong = body_of(_public(definition, wanted), around)
        faults += wrong
        names = container_names(wanted.rendered.project, service, definition)
        if len(names) != service.replicas:
            faults.append(Fault(f"/services/{service.name}/container_name", "target.name_taken", "several replicas"))
        whole, spec = _whole(wanted, service, body, around.read_files, pins[service.name])
        found += [Replica(name, service, whole, spec, mark_of(wanted)) for name in names]
    if faults:
        raise ServiceUnsupported(target=wanted.target.name, faults=tuple(faults))
    return found


def folder_of(wanted: Wanted) -> str:
    """Give the folder of a target's projects."""
    return dict(wanted.target.settings).get("directory", "").rstrip("/")


def container_names(project: str, service: LockService, definition: Mapping[str, Any]) -> list[str]:
    """Name a service's containers as Compose does."""
    fixed = definition.get("container_name")
    if fixed:
        return [str(fixed)]
    return [f"{project}-{service.name}-{number}" for number in range(1, service.replicas + 1)]


def _public(definition: Any, wanted: Wanted) -> Any:
    secrets = frozenset(one.name for one in wanted.environment.secrets)
    known = dict(wanted.environment.variables)
    return interpolate.throughout(definition, lambda text: interpolate.public(text, known, secrets))


def _whole(
    wanted: Wanted, service: LockService, body: Body, read_files: list[str], image: images.Pinned
) -> tuple[Body, str]:
    """Complete a body with image and labels; name it, with the project files that it mounts, by a digest."""
    delivered = {artifact.name: artifact.digest for artifact in wanted.rendered.artifacts}
    mounted = sorted({path: delivered[path] for path in read_files if path in delivered}.items())
    labels = _labels(wanted, service, image)
    whole = body | {"Image": f"{image.repository}@{image.digest}", "Labels": labels}
    spec = digest.of_bytes(msgspec.json.encode([whole, mounted], order="sorted"))
    return whole | {"Labels": labels | {inspection.SPEC: spec}}, spec


def _labels(wanted: Wanted, service: LockService, image: images.Pinned) -> dict[str, str]:
    definition = msgspec.json.decode(wanted.read(service.definition))
    written = definition.get("labels") or {}
    pairs_of = written if isinstance(written, dict) else dict(one.partition("=")[::2] for one in written)
    return {str(name): "" if value is None else str(value) for name, value in pairs_of.items()} | {
        inspection.COMPONENT: service.component,
        "stella.release.id": digest.uuid_of(wanted.deployment.release),
        "stella.digest": service.digest,
        "stella.platform.digest": image.platform_digest,
        inspection.PROJECT: wanted.rendered.project,
        inspection.SERVICE: service.name,
    }


def _surroundings(wanted: Wanted, fresh: list[Replica], document: Mapping[str, Any]) -> tuple[Step, ...]:
    """Networks and volumes that the fresh containers use and that are not somebody else's."""
    outside = {
        str((options or {}).get("name") or name)
        for kind in ("networks", "volumes")
        for name, options in (document.get(kind) or {}).items()
        if (options or {}).get("external")
    }
    networks = {name for one in fresh for name in (one.body.get("NetworkingConfig") or {}).get("EndpointsConfig", {})}
    mounts = [mount for one in fresh for mount in one.body["HostConfig"].get("Mounts", ())]
    volumes = {mount["Source"] for mount in mounts if mount["Type"] == "volume" and "Source" in mount}
    made = [("network.create", name) for name in sorted(networks - outside)]
    made += [("volume.create", name) for name in sorted(volumes - outside)]
    return tuple(
        Step(
            id=f"around-{number}",
            phase="prepare",
            action=action,
            arguments=pairs({"name": name, "project": wanted.rendered.project}),
            content=None,
        )
        for number, (action, name) in enumerate(made)
    )


def _create(wanted: Wanted, replica: Replica) -> Step:
    body = msgspec.json.encode(replica.body, order="sorted")
    needed = interpolate.names(body.decode())
    sources = {f"secret:{one.name}": one.source for one in wanted.environment.secrets if one.name in needed}
    return Step(
        id=f"create-{replica.name}",
        phase="prepare",
        action="container.create",
        arguments=pairs({"staged": replica.staged, "spec": replica.spec, "kept": _kept(wanted, replica)} | sources),
        content=wanted.keep(body),
    )


def _kept(wanted: Wanted, replica: Replica) -> str:
    kept = {part.name: part.images_kept for part in wanted.release.components}
    return "true" if kept[replica.service.component] else "false"


def _switch(
    wanted: Wanted,
    fresh: list[Replica],
    stand: Mapping[str, ObservedContainer],
    gone: list[str],
    definitions: Mapping[str, Any],
) -> list[Step]:
    """Swap in start order; a service that others await is awaited before they start. Leftovers are retired last."""
    awaited = {
        name
        for definition in definitions.values()
        for name, how in _depends(definition).items()
        if how in {"service_healthy", "service_completed_successfully"}
    }
    steps = []
    for replica in fresh:
        state = stand[replica.name].state if replica.name in stand else ""
        more = {"spec": replica.spec, "was": state, "staged": replica.staged}
        steps.append(_switched(wanted, "swap", replica.name, more))
        if replica.service.name in awaited:
            steps.append(_wait(wanted, f"await-{replica.name}", "switch", [replica]))
    return steps + [_switched(wanted, "retire", name, {"was": stand[name].state}) for name in gone]


def _depends(definition: Mapping[str, Any]) -> dict[str, str]:
    given = definition.get("depends_on") or {}
    if isinstance(given, list):
        return dict.fromkeys((str(one) for one in given), "service_started")
    return {str(name): str((how or {}).get("condition", "service_started")) for name, how in given.items()}


def _switched(wanted: Wanted, verb: str, name: str, more: dict[str, str]) -> Step:
    return Step(
        id=f"{verb}-{name}",
        phase="switch",
        action=f"container.{verb}",
        arguments=pairs({"name": name, "aside": aside(name, mark_of(wanted))} | more),
        content=None,
    )


def _wait(wanted: Wanted, id_: str, phase: str, replicas: list[Replica]) -> Step:
    ends = [one.name for one in replicas if one_shot(wanted.release, one.service)]
    return Step(
        id=id_,
        phase=phase,  # type: ignore[arg-type]
        action="health.wait",
        arguments=pairs(
            {
                "names": " ".join(one.name for one in replicas),
                "ends": " ".join(ends),
                "seconds": str(wanted.environment.health_timeout_seconds or 60),
            }
        ),
        content=None,
    )


def _verify(wanted: Wanted, fresh: list[Replica]) -> list[Step]:
    if not fresh:
        return []
    checks = [
        Step(
            id=f"verify-{one.name}",
            phase="verify",
            action="container.verify",
            arguments=pairs({"name": one.name, "digest": one.service.digest, "spec": one.spec}),
            content=None,
        )
        for one in fresh
    ]
    return [_wait(wanted, "health", "verify", fresh), *checks]


def _finish(
    wanted: Wanted, fresh: list[Replica], stand: Mapping[str, ObservedContainer], gone: list[str]
) -> list[Step]:
    return [
        Step(
            id=f"remove-{name}",
            phase="finish",
            action="container.remove",
            arguments=pairs({"name": aside(name, mark_of(wanted))}),
            content=None,
        )
        for name in [one.name for one in fresh if one.name in stand] + gone
    ]
