"""Does the deployment template ask nothing dangerous of a host, and run only images of the release?"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cas.digest import Digest
from cas.records.base import Part
from cas.records.release import TemplateMount, TemplateService
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches

SOCKETS: Final = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
)
UNCONFINED: Final = ("*unconfined*", "*disable*", "no-new-privileges*false")


class Params(Part, frozen=True, kw_only=True):
    """What is let through. Bind paths add to those that the environment allows."""

    allow_privileged: bool = False
    allow_engine_socket: bool = False
    allow_literal_secrets: bool = False
    allowed_namespaces: tuple[str, ...] = ()  # globs of "network_mode=host"
    allowed_capabilities: tuple[str, ...] = ()  # globs
    allowed_devices: tuple[str, ...] = ()  # globs
    allowed_security_options: tuple[str, ...] = ()  # globs
    allowed_bind_paths: tuple[str, ...] = ()


def check(params: Params, view: FactView) -> Answer:
    """Fail for each dangerous wish; unknown where something could not be read; nothing to ask without a project."""
    if view.release.compose is None:
        return Answer("not_applicable")
    if view.template is None:
        return Answer("unknown", (finding("template_not_read"),))
    findings: list[Finding] = []
    unclear: list[Finding] = []
    paths = (*params.allowed_bind_paths, *view.environment.allowed_bind_paths)
    for service in view.template.services:
        found = _Service(view.template.document, service)
        findings.extend(_wishes(params, found))
        findings.extend(one for mount in service.mounts for one in _mount(params, paths, found, mount))
        if not service.component:
            findings.append(found.about("image_unlisted", "image", (("image", service.image),)))
        unclear.extend(found.about("unclear", key, (("key", key),)) for key in service.unclear)
    if not view.template.services:
        unclear.append(finding("no_services"))
    status: GateStatus = "fail" if findings else "unknown" if unclear else "pass"
    return Answer(status, (*findings, *unclear), (("services", len(view.template.services)),))


@dataclass(frozen=True, slots=True)
class _Service:
    """A service, and the document it stands in."""

    document: Digest
    service: TemplateService

    def about(self, code: str, key: str, arguments: tuple[tuple[str, str], ...] = (), pointer: str = "") -> Finding:
        """Build a finding that points at the key of this service."""
        name = self.service.name
        escaped = name.replace("~", "~0").replace("/", "~1")
        return finding(
            code,
            (("service", name), *arguments),
            component=self.service.component or name,
            evidence=(EvidenceRef(digest=self.document, pointer=pointer or f"/services/{escaped}/{key}"),),
            path=("services", name, key),
            flips=(("change_template", key),),
        )


def _wishes(params: Params, found: _Service) -> Iterator[Finding]:
    service = found.service
    if service.privileged and not params.allow_privileged:
        yield found.about("privileged", "privileged")
    wishes = (
        ("capability_added", "cap_add", "capability", service.cap_add, params.allowed_capabilities),
        ("device", "devices", "device", service.devices, params.allowed_devices),
        (
            "unconfined",
            "security_opt",
            "option",
            tuple(option for option in service.security_opt if any_matches(UNCONFINED, option)),
            params.allowed_security_options,
        ),
    )
    for code, key, argument, values, allowed in wishes:
        for value in values:
            if not any_matches(allowed, value):
                yield found.about(code, key, ((argument, value),))
    for kind, value in service.namespaces:
        if _shares(value) and not any_matches(params.allowed_namespaces, f"{kind}={value}"):
            yield found.about("host_namespace", kind, (("kind", kind), ("value", value)))
    if not params.allow_literal_secrets:
        for name in service.secrets:
            yield found.about("literal_secret", "environment", (("variable", name),))


def _shares(value: str) -> bool:
    return value == "host" or value.startswith("container:") or "$" in value


def _mount(params: Params, allowed: tuple[str, ...], found: _Service, mount: TemplateMount) -> Iterator[Finding]:
    source = posixpath.normpath(mount.source)
    arguments = (("source", mount.source), ("target", mount.target))
    if _holds_socket(source):
        if not params.allow_engine_socket:
            yield found.about("engine_socket", "volumes", arguments, mount.pointer)
        elif source in SOCKETS:
            return
    inside = not source.startswith(("/", "..", "~")) and "$" not in source
    if not inside and not any(_under(source, path) for path in allowed):
        yield found.about("bind_outside", "volumes", arguments, mount.pointer)


def _holds_socket(source: str) -> bool:
    return source in {"/", "//"} or any(name == source or name.startswith(f"{source}/") for name in SOCKETS)


def _under(source: str, allowed: str) -> bool:
    root = posixpath.normpath(allowed)
    return source == root or source.startswith(root.rstrip("/") + "/")


GATE = Gate(
    "template_safety",
    1,
    Params,
    check,
    asks="Does the deployment template ask nothing dangerous of a host, and run only images of the release?",
    remedy="Change the template and make a new release, or allow the one thing in the pack or environment.",
    sentences=(
        ("privileged", "Service {service} asks for privileged mode."),
        ("host_namespace", "Service {service} shares a namespace: {kind} {value}."),
        ("capability_added", "Service {service} adds the capability {capability}."),
        ("device", "Service {service} takes the device {device}."),
        ("unconfined", "Service {service} takes a protection away: {option}."),
        ("literal_secret", "Service {service} holds a literal value under the secret-like name {variable}."),
        ("engine_socket", "Service {service} mounts {source}, which reaches the container engine's socket."),
        ("bind_outside", "Service {service} mounts {source} from outside the project."),
        ("image_unlisted", "Service {service} runs {image}, which is no component of the release."),
        ("unclear", "Service {service}: {key} could not be read for sure."),
        ("template_not_read", "The template was captured but not read."),
        ("no_services", "The template holds no service."),
    ),
    flips=(("change_template", "Change {argument} in the template, and finalise a new release."),),
)
