"""What a project may not hold: secrets as text, our labels, files that would shadow ours, paths that are not allowed.

Knows a resolved project; must not know how it was read.
"""

import posixpath
from collections.abc import Iterator
from typing import Any, Final

from cas.problems import Fault
from targets.compose import forms
from targets.compose.interpolate import literal
from targets.compose.secrets import literal_secret, plainly_secret

OWN_FILES: Final = frozenset(
    {
        "compose.stella.lock.yml", "stella.version.json", "stella.version.dsse.json", "manifest.json",
        "checksums.sha256", "compose.stella.lock.dsse.json", "release.evidence.json", "stella.env", ".env",
        "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "compose.override.yaml",
        "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml",
    }
)  # fmt: skip
"""Names beside a lock that are ours, or that Compose reads by itself."""


def strings(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """List every string value with its pointer."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from strings(item, f"{pointer}/{at}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, f"{pointer}/{key}")


def secrets(project: dict[str, Any]) -> tuple[Fault, ...]:
    """Find literal values under secret-like names, private keys, passwords in URLs, and captured secret files."""
    found = {
        pointer: Fault(pointer, "compose.secret_literal", "a private key, or a URL with a password: use a reference")
        for pointer, text in strings(project)
        if plainly_secret(text)
    }
    for name, service in project.get("services", {}).items():
        for key in ("environment", "labels", "annotations"):
            for variable, value in (forms.mapping_of(service.get(key)) or {}).items():
                pointer = f"/services/{name}/{key}/{variable}"
                if value is not None and literal_secret(variable, value):
                    message = f"{variable[:100]} looks like a secret: write ${{{variable[:100]}}} and declare it"
                    found.setdefault(pointer, Fault(pointer, "compose.secret_literal", message))
    for name, definition in project.get("secrets", {}).items():
        if isinstance(definition, dict) and str(definition.get("file", "")).startswith("."):
            pointer = f"/secrets/{name}/file"
            found[pointer] = Fault(
                pointer, "compose.secret_captured", "a secret's file would be captured: use environment"
            )
    return tuple(found.values())


def shape(project: dict[str, Any]) -> tuple[Fault, ...]:
    """Check services: a name Compose accepts, an image or a build, no label of ours."""
    faults = []
    if not project.get("services"):
        faults.append(Fault("/services", "compose.no_services", "the project has no services"))
    for name, service in project.get("services", {}).items():
        pointer = f"/services/{name}"
        if not name or len(name) > 128 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in name):
            faults.append(Fault(pointer, "compose.name_invalid", "letters, digits, dot, dash and underscore only"))
        if not name[:1].isalnum():
            faults.append(Fault(pointer, "compose.name_invalid", "a service's name starts with a letter or digit"))
        if not isinstance(service.get("image", ""), str) or not (service.get("image") or "build" in service):
            faults.append(Fault(f"{pointer}/image", "compose.image_missing", "a service has an image, or is built"))
        labels = forms.mapping_of(service.get("labels"))
        if labels is None or any(label.startswith("stella.") for label in labels):
            faults.append(Fault(f"{pointer}/labels", "compose.label_reserved", "labels stella.… are written by us"))
    return tuple(faults)


def host_paths(project: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """List (pointer, host path as source text) of everything a project takes from its host's files."""
    for name, service in project.get("services", {}).items():
        for at, volume in enumerate(service.get("volumes") or ()):
            source = forms.bind_source(volume)
            if source is not None:
                yield f"/services/{name}/volumes/{at}", source
        spec = service.get("credential_spec")
        if isinstance(spec, dict) and "file" in spec:
            yield f"/services/{name}/credential_spec/file", str(spec["file"])
    for key in ("configs", "secrets"):
        for name, definition in project.get(key, {}).items():
            if isinstance(definition, dict) and "file" in definition:
                yield f"/{key}/{name}/file", str(definition["file"])
    for name, definition in project.get("volumes", {}).items():
        options = definition.get("driver_opts") if isinstance(definition, dict) else None
        if isinstance(options, dict) and "bind" in str(options.get("o", "")) and "device" in options:
            yield f"/volumes/{name}/driver_opts/device", str(options["device"])  # a bind mount by another name


def project_files(
    project: dict[str, Any], paths: frozenset[str], allowed: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[Fault, ...]]:
    """Give the captured files that must travel with the lock, sorted, and a fault for each path not to be used."""
    needed: set[str] = set()
    faults = []
    for pointer, source in host_paths(project):
        text = literal(source)
        if text is None:
            faults.append(Fault(pointer, "compose.secret_misplaced", "a path may not hold a secret"))
            continue
        found = captured(text, paths)
        needed.update(found)
        shadowing = sorted(path for path in found if path.lower() in OWN_FILES)
        if shadowing:
            message = f"{shadowing[0]} would stand beside the lock and change it: mount a sub-folder"
            faults.append(Fault(pointer, "compose.file_reserved", message))
        elif not found and not is_allowed(text, allowed):
            code = "compose.bind_not_captured" if text.startswith(".") else "compose.bind_not_allowed"
            faults.append(
                Fault(pointer, code, f"{text[:200]} is neither in the template nor allowed by the environment")
            )
    return tuple(sorted(needed)), tuple(faults)


def captured(text: str, paths: frozenset[str]) -> tuple[str, ...]:
    """List the captured files that a host path means: itself, or all below it."""
    if not text.startswith("."):
        return ()
    path = posixpath.normpath(text)
    if path in paths:
        return (path,)
    prefix = "" if path == "." else path + "/"
    return tuple(sorted(one for one in paths if one.startswith(prefix)))


def is_allowed(text: str, allowed: tuple[str, ...]) -> bool:
    """Tell whether a path is one of those allowed, or below one of them; ``..`` never helps."""
    path = posixpath.normpath(text)
    for one in allowed:
        top = posixpath.normpath(one)
        if path == top or path.startswith(top.rstrip("/") + "/"):
            return True
    return False
