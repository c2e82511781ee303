"""read_template/1: what a release's Compose project asks of a host. Knows Compose keys; must not know what is allowed.

Reads the project's canonical JSON that compose/1 left, so no YAML library takes part. Values of variables are never
copied: a secret must not enter a record.
"""

from typing import Any, Final

from cas import jcs
from cas.problems import Category, Problem
from cas.records.release import (
    ComposeProject,
    ReadTemplateInput,
    Release,
    TemplateFacts,
    TemplateMount,
    TemplateService,
)
from pipeline.stage import Stage, StageIO
from targets.compose import components as matching
from targets.compose.checks import strings
from targets.compose.forms import bind_source, list_of, mapping_of, mount_target
from targets.compose.secrets import literal_secret, plainly_secret

NAMESPACES: Final = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
UNCLEAR: Final = (
    "extends",
    "volumes_from",
    "device_cgroup_rules",
    "provider",
    "cgroup_parent",
    "credential_spec",
    "external_links",
)
"""Keys whose effect on a host cannot be told from the project alone."""
ENGINE_SOCKET: Final = "/var/run/docker.sock"


class TemplateMissing(Problem):
    """The release has no Compose project."""

    code = "read_template.missing"
    category = Category.INVALID
    title = "The release has no Compose project to read"
    remedy = "Ask this of releases whose template is a Compose project."


def read_template(asked: ReadTemplateInput, io: StageIO) -> TemplateFacts:
    """List what each service asks of a host, in order of names.

    Raises: read_template.missing
    """
    release = io.load(asked.release, Release)
    if release.compose is None:
        raise TemplateMissing(release=asked.release)
    project = io.load(release.compose, ComposeProject)
    document = jcs.parse(io.read(project.project))
    runs, _ = matching.match(project.services, release.components)
    services = document.get("services") or {}
    return TemplateFacts(
        release=asked.release,
        document=project.project,
        services=tuple(_service(name, services[name], runs.get(name, ""), document) for name in sorted(services)),
    )


def _service(name: str, service: dict[str, Any], component: str, document: dict[str, Any]) -> TemplateService:
    unclear = {key for key in UNCLEAR if service.get(key)}
    privileged = service.get("privileged", False)
    if not isinstance(privileged, bool):
        unclear.add("privileged")
    for hook in ("post_start", "pre_stop"):
        for step in list_of(service.get(hook)):
            if isinstance(step, dict) and step.get("privileged", False) is not False:
                privileged = True
    return TemplateService(
        name=name,
        image=str(service.get("image") or ""),
        component=component,
        privileged=privileged is True,
        namespaces=tuple((kind, str(service[kind])) for kind in sorted(NAMESPACES) if service.get(kind)),
        cap_add=_texts(service, "cap_add", unclear),
        security_opt=_texts(service, "security_opt", unclear),
        devices=_devices(service),
        mounts=_mounts(name, service, document, unclear),
        secrets=_secrets(service),
        unclear=tuple(sorted(unclear)),
    )


def _texts(service: dict[str, Any], key: str, unclear: set[str]) -> tuple[str, ...]:
    values = list_of(service.get(key))
    if any(not isinstance(value, str) for value in values):
        unclear.add(key)
    return tuple(sorted({value for value in values if isinstance(value, str)}))


def _devices(service: dict[str, Any]) -> tuple[str, ...]:
    found = set()
    for device in list_of(service.get("devices")):
        found.add(str(device.get("source", "")) if isinstance(device, dict) else str(device))
    reserved = service
    for key in ("deploy", "resources", "reservations"):
        reserved = reserved.get(key) or {} if isinstance(reserved, dict) else {}
    if isinstance(reserved, dict) and reserved.get("devices"):
        found.add("deploy.resources.reservations.devices")
    if service.get("gpus"):
        found.add("gpus")
    return tuple(sorted(found))


def _mounts(
    name: str, service: dict[str, Any], document: dict[str, Any], unclear: set[str]
) -> tuple[TemplateMount, ...]:
    """List host paths: bind mounts, named volumes that are binds in disguise, and the engine's socket."""
    base = f"/services/{_escaped(name)}"
    found = []
    for at, volume in enumerate(list_of(service.get("volumes"))):
        if not isinstance(volume, str | dict):
            unclear.add("volumes")
            continue
        source = bind_source(volume)
        if source is None:
            source = _disguised(volume, document, unclear)
        if source is not None:
            found.append(TemplateMount(source=source, target=mount_target(volume), pointer=f"{base}/volumes/{at}"))
    if service.get("use_api_socket", False) is not False:
        found.append(TemplateMount(source=ENGINE_SOCKET, target=ENGINE_SOCKET, pointer=f"{base}/use_api_socket"))
    return tuple(sorted(found, key=lambda mount: (mount.source, mount.target, mount.pointer)))


def _disguised(volume: str | dict[str, Any], document: dict[str, Any], unclear: set[str]) -> str | None:
    """Give the host path behind a named volume whose driver binds one."""
    if isinstance(volume, dict):
        if volume.get("type") not in {"volume", "tmpfs", None}:
            unclear.add("volumes")  # npipe, cluster, image, or something new
        key = str(volume.get("source", ""))
    else:
        key = volume.partition(":")[0]
    volumes = document.get("volumes")
    definition = volumes.get(key) if isinstance(volumes, dict) else None
    options = definition.get("driver_opts") if isinstance(definition, dict) else None
    device = options.get("device") if isinstance(options, dict) else None
    return None if device is None else str(device)


def _secrets(service: dict[str, Any]) -> tuple[str, ...]:
    variables = mapping_of(service.get("environment")) or {}
    names = {name for name, value in variables.items() if value is not None and literal_secret(name, value)}
    rest = {key: value for key, value in service.items() if key != "environment"}
    names.update(pointer for pointer, text in strings(rest) if plainly_secret(text))
    return tuple(sorted(names))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


READ_TEMPLATE: Final = Stage("read_template", 1, ReadTemplateInput, TemplateFacts, read_template)
