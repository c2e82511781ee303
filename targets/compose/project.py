"""Reading a Compose project: files merged, included and extended, env files inlined, paths made relative to the tree.

Knows the Compose specification; must not know releases. It reads captured files only, through ``ProjectFiles``; faults
are gathered in ``Variables.faults``, each with its place, so that an author sees all of them at once.
"""

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cas.problems import Fault
from targets.compose import dotenv, forms, merge
from targets.compose.interpolate import Variables, literal
from targets.compose.keys import PROJECT_KEYS, SERVICE_KEYS, UNSUPPORTED
from targets.compose.problems import ComposeInvalid
from targets.compose.secrets import defaults_hold_secret, literal_secret

DEFAULT_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES: Final = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)
MAX_INCLUDES: Final = 16
MAX_SERVICES: Final = 500


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The captured tree: its paths, bytes by path, YAML documents by path."""

    paths: frozenset[str]
    read: Callable[[str], bytes]
    document: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file's relative paths start, how deep it was included, and the extends that led here."""

    files: ProjectFiles
    base: str
    variables: Variables
    depth: int = 0
    trail: tuple[tuple[str, str], ...] = field(default=())


def default_files(paths: frozenset[str]) -> tuple[str, ...]:
    """Give the files that Compose would take by itself: the first default name, and its override."""
    first = next((name for name in DEFAULT_FILES if name in paths), None)
    if first is None:
        return ()
    return (first, *(name for name in OVERRIDES if name in paths))[:2]


def read(files: ProjectFiles, compose_files: tuple[str, ...], variables: Variables) -> dict[str, Any]:
    """Read a project; what is wrong with it stands in ``variables.faults`` afterwards.

    Raises: compose.invalid when there is no Compose file at all; compose.yaml_invalid, compose.yaml_too_large
    """
    chosen = compose_files or default_files(files.paths)
    if not chosen:
        raise ComposeInvalid(faults=(Fault("", "compose.file_missing", "no Compose file in the template"),))
    base = posixpath.dirname(chosen[0])
    known = _defaults(files, [posixpath.join(base, ".env")], variables)
    place = _Place(files, base, _with_values(variables, {**known, **variables.values}))
    project = _project(place, chosen)
    for name, definition in project.get("services", {}).items():
        project["services"][name] = _inline(place, definition, f"/services/{name}")
    return project


def _with_values(variables: Variables, values: dict[str, str]) -> Variables:
    """The same notes and faults over other values."""
    return replace(variables, values=values)


def _defaults(files: ProjectFiles, paths: Iterable[str], variables: Variables) -> dict[str, str]:
    """Read ``.env`` files: values for variables, never for containers."""
    found: dict[str, str] = {}
    for path in paths:
        if path in files.paths:
            for name, source in dotenv.read(files.read(path), path, variables).items():
                text = literal(source) if source is not None else None
                if source is not None and literal_secret(name, source):
                    message = f"{name[:100]} looks like a secret: leave it out and declare it in the environment"
                    variables.faults.append(Fault(f"{path}#/{name}", "compose.secret_literal", message))
                if text is not None:
                    found[name] = text
    return found


def _project(place: _Place, paths: tuple[str, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in paths:
        merged = merge.project(merged, _file(place, path))
    includes = merged.pop("include", [])
    for at, entry in enumerate(forms.list_of(includes)):
        _include(place, merged, entry, f"/include/{at}")
    if len(merged.get("services", {})) > MAX_SERVICES:
        _fault(place, "/services", "compose.too_many_services", f"more than {MAX_SERVICES} services")
        merged["services"] = {}
    return merged


def _fault(place: _Place, pointer: str, code: str, message: str) -> None:
    place.variables.faults.append(Fault(pointer, code, message))


def _file(place: _Place, path: str) -> dict[str, Any]:
    """Read one file: structure checked, variables filled in, paths rebased, extends followed."""
    document = _document(place, path)
    found: dict[str, Any] = {}
    for key, value in document.items():
        pointer = f"{path}#/{key}"
        if key in UNSUPPORTED or (key not in PROJECT_KEYS and not key.startswith("x-")):
            _fault(place, pointer, "compose.field_unknown", f"{key} is not a part of a Compose file that we accept")
        elif key in {"services", "networks", "volumes", "configs", "secrets"}:
            found[key] = _section(place, key, value, path, document)
        elif key != "x-stella":
            found[key] = _expand(place, value, pointer)
    return found


def _document(place: _Place, path: str) -> dict[str, Any]:
    if path not in place.files.paths:
        _fault(place, path, "compose.file_missing", f"{path} is not in the template")
        return {}
    document = place.files.document(path)
    if not isinstance(document, dict):
        _fault(place, path, "compose.not_a_mapping", "a Compose file is a mapping")
        return {}
    return document


def _section(place: _Place, key: str, value: Any, path: str, document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if value is None:
        return found
    if not isinstance(value, dict):
        _fault(place, f"{path}#/{key}", "compose.not_a_mapping", f"{key} is a mapping of names")
        return found
    for name, definition in value.items():
        pointer = f"{path}#/{key}/{name}"
        if key == "services":
            found[name] = _service(place, name, path, document)
        else:
            found[name] = _resource(place, key, _expand(place, definition, pointer), pointer)
    return found


def _resource(place: _Place, key: str, definition: Any, pointer: str) -> Any:
    if definition is not None and not isinstance(definition, dict):
        _fault(place, pointer, "compose.not_a_mapping", "a definition is a mapping")
        return None
    if key in {"configs", "secrets"} and isinstance(definition, dict) and "file" in definition:
        return {**definition, "file": _rebase(place, str(definition["file"]), pointer + "/file")}
    return definition


def _service(place: _Place, name: str, path: str, document: dict[str, Any]) -> dict[str, Any]:
    """Read one service of a file, over the one it extends."""
    pointer = f"{path}#/services/{name}"
    raw = (document.get("services") or {}).get(name)
    if not isinstance(raw, dict):
        _fault(place, pointer, "compose.not_a_mapping", "a service is a mapping")
        return {}
    if (path, name) in place.trail or len(place.trail) > MAX_INCLUDES:
        _fault(place, pointer, "compose.extends_cycle", "a service extends itself")
        return {}
    for key in raw:
        if key not in SERVICE_KEYS and not key.startswith("x-"):
            _fault(place, f"{pointer}/{key}", "compose.field_unknown", f"{key} is not a field of a service")
    own = _expand(place, {key: value for key, value in raw.items() if key != "x-stella"}, pointer)
    if isinstance(raw.get("x-stella"), dict):
        own["x-stella"] = raw["x-stella"]
    own = _relative(place, own, pointer)
    extends = own.pop("extends", None)
    return (
        own
        if extends is None
        else merge.extended(_base(place, extends, path=path, name=name, document=document, pointer=pointer), own)
    )


def _base(
    place: _Place, extends: Any, *, path: str, name: str, document: dict[str, Any], pointer: str
) -> dict[str, Any]:
    asked = extends if isinstance(extends, dict) else {"service": extends}
    other, service = asked.get("file"), str(asked.get("service", ""))
    inner = replace(place, trail=(*place.trail, (path, name)))
    if other is None:
        if service not in (document.get("services") or {}):
            _fault(place, f"{pointer}/extends", "compose.extends_missing", f"there is no service {service[:100]}")
            return {}
        return _service(inner, service, path, document)
    target = _inside(place, str(other), f"{pointer}/extends/file")
    if target is None:
        return {}
    there = _document(place, target)
    if service not in (there.get("services") or {}):
        _fault(place, f"{pointer}/extends", "compose.extends_missing", f"{target} has no service {service[:100]}")
        return {}
    return _service(replace(inner, base=posixpath.dirname(target)), service, target, there)


def _relative(place: _Place, service: dict[str, Any], pointer: str) -> dict[str, Any]:
    """Make a service's paths relative to the tree; env files become absolute names in the tree."""
    out = dict(service)
    if isinstance(out.get("volumes"), list):
        out["volumes"] = [_mount(place, item, f"{pointer}/volumes/{at}") for at, item in enumerate(out["volumes"])]
    if "env_file" in out:
        out["env_file"] = [
            _env_entry(place, item, f"{pointer}/env_file/{at}")
            for at, item in enumerate(forms.list_of(out["env_file"]))
        ]
    spec = out.get("credential_spec")
    if isinstance(spec, dict) and "file" in spec:
        out["credential_spec"] = {**spec, "file": _rebase(place, str(spec["file"]), f"{pointer}/credential_spec/file")}
    return out


def _mount(place: _Place, volume: Any, pointer: str) -> Any:
    if not isinstance(volume, str | dict):
        _fault(place, pointer, "compose.volume_invalid", "a volume is text or a mapping")
        return volume
    source = forms.bind_source(volume)
    return volume if source is None else forms.with_source(volume, _rebase(place, source, pointer))


def _env_entry(place: _Place, entry: Any, pointer: str) -> dict[str, Any]:
    asked = entry if isinstance(entry, dict) else {"path": entry}
    path = _inside(place, str(asked.get("path", "")), pointer)
    required = asked.get("required", True)
    return {"path": path or "", "required": bool(required) and path is not None, "format": asked.get("format", "")}


def _rebase(place: _Place, source: str, pointer: str) -> str:
    """Give a host path relative to the tree's root (``./a/b``) as source text; absolute paths stay."""
    text = literal(source)
    if text is None:
        if place.variables.final:
            _fault(place, pointer, "compose.secret_misplaced", "a path may not hold a secret")
        return source
    if text.startswith("/") or (forms.is_path(text) and text[1:2] == ":"):
        return source
    inside = _inside(place, text, pointer)
    return "./" if inside == "" else "./" + (inside or "")


def _inside(place: _Place, text: str, pointer: str) -> str | None:
    """Give a path of the tree, normal form, or None with a fault when it leads out."""
    joined = posixpath.normpath(posixpath.join(place.base, text))
    if text.startswith(("~", "/")) or joined.startswith("../") or joined == ".." or "\\" in text:
        _fault(place, pointer, "compose.path_outside", f"{text[:200]} is outside the template")
        return None
    return "" if joined == "." else joined


def _expand(place: _Place, value: Any, pointer: str) -> Any:
    """Fill variables into every string of a value; keys are never interpolated."""
    if isinstance(value, str):
        if defaults_hold_secret(value):
            _fault(place, pointer, "compose.secret_literal", "a default for a secret is a secret in the file")
        return place.variables.expand(value, pointer)
    if isinstance(value, list):
        return [_expand(place, item, f"{pointer}/{at}") for at, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _expand(place, item, f"{pointer}/{key}") for key, item in value.items()}
    return value


def _include(place: _Place, merged: dict[str, Any], entry: Any, pointer: str) -> None:
    """Read an included project and take in what it defines; one name may not be defined twice, differently."""
    asked = entry if isinstance(entry, dict) else {"path": entry}
    if place.depth >= MAX_INCLUDES:
        _fault(place, pointer, "compose.include_too_deep", "includes nested too deep")
        return
    paths = [_inside(place, str(path), pointer) for path in forms.list_of(asked.get("path"))]
    if not paths or None in paths:
        return
    chosen = tuple(path for path in paths if path is not None)
    folder = asked.get("project_directory")
    base = posixpath.dirname(chosen[0]) if folder is None else _inside(place, str(folder), pointer)
    if base is None:
        return
    env_files = [_inside(place, str(path), pointer) or "" for path in forms.list_of(asked.get("env_file"))]
    known = _defaults(place.files, env_files or [posixpath.join(base, ".env")], place.variables)
    inner = replace(
        place,
        base=base,
        depth=place.depth + 1,
        variables=_with_values(place.variables, {**known, **place.variables.values}),
    )
    found = _project(inner, chosen)
    for section in ("services", "networks", "volumes", "configs", "secrets"):
        target = merged.setdefault(section, {}) if section in found else {}
        for name, definition in found.get(section, {}).items():
            if name in target and target[name] != definition:
                _fault(place, f"{pointer}/{section}/{name}", "compose.include_conflict", f"{name} is defined twice")
            target[name] = definition


def _inline(place: _Place, service: dict[str, Any], pointer: str) -> dict[str, Any]:
    """Bring env files and environment together: later files win, ``environment`` wins over all."""
    found: dict[str, str | None] = {}
    for entry in service.get("env_file", []):
        path = entry["path"]
        if path in place.files.paths:
            raw = entry["format"] == "raw"
            found.update(dotenv.read(place.files.read(path), path, place.variables, raw=raw))
        elif entry["required"]:
            _fault(place, f"{pointer}/env_file", "compose.file_missing", f"{path} is not in the template")
    own = forms.mapping_of(service.get("environment"))
    if own is None:
        _fault(place, f"{pointer}/environment", "compose.environment_invalid", "names and values, no nested things")
        own = {}
    found.update(own)
    out = {key: value for key, value in service.items() if key not in {"env_file", "environment"}}
    environment = {
        name: place.variables.expand("${" + name + "}", f"{pointer}/environment/{name}") if value is None else value
        for name, value in found.items()
        if _named(place, name, f"{pointer}/environment")
    }
    return {**out, "environment": environment} if environment else out


def _named(place: _Place, name: str, pointer: str) -> bool:
    """Refuse names that no process environment can hold."""
    if name and "\0" not in name and "=" not in name and len(name) <= 255:
        return True
    _fault(place, pointer, "compose.environment_invalid", f"not a variable's name: {name[:50]!r}")
    return False
