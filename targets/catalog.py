"""Every kind of target. A newcomer adds a line; adapters are imported by wiring only."""

import msgspec

from cas.problems import Fault
from cas.records.release import Target
from targets.compose_host import plan as compose_host
from targets.contract import TargetKind
from targets.directory import plan as directory
from targets.docker_host import plan as docker_host
from targets.engine import settings as engine
from targets.problems import KindUnknown, SettingsInvalid

KINDS: tuple[TargetKind, ...] = (
    TargetKind(
        "docker_host",
        docker_host.Settings,
        docker_host.plan,
        "targets.docker_host.adapter:DockerHostAdapter",
        "A Docker engine; one container per service, made by us.",
        engine.faults,
    ),
    TargetKind(
        "compose_host",
        compose_host.Settings,
        compose_host.plan,
        "targets.compose_host.adapter:ComposeHostAdapter",
        "A Docker engine; containers made by Docker Compose from the lock file.",
        engine.faults,
    ),
    TargetKind(
        "directory",
        directory.Settings,
        directory.plan,
        "targets.directory.adapter:DirectoryAdapter",
        "A folder that receives lock, sticker and receipts; something else runs them.",
    ),
)


def kind_of(name: str) -> TargetKind:
    """Give the catalog line of a kind.

    Raises: target.kind_unknown
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise KindUnknown(kind=name[:80], known=", ".join(kind.name for kind in KINDS))


def check(target: Target) -> None:
    """Refuse a target whose kind or settings are wrong: asked when it is registered.

    Raises: target.kind_unknown, target.settings_invalid
    """
    kind = kind_of(target.type)
    faults = list(kind.faults(dict(target.settings)))
    known = {field.name for field in msgspec.structs.fields(kind.settings)}
    for name, _ in target.settings:
        if name not in known:
            faults.append(Fault(f"/settings/{name}", "target.setting_unknown", "no such setting"))
    for field in msgspec.structs.fields(kind.settings):
        given = dict(target.settings).get(field.name)
        if given is None:
            if field.required:
                faults.append(Fault(f"/settings/{field.name}", "target.setting_missing", "required"))
            continue
        if any(fault.pointer == f"/settings/{field.name}" for fault in faults):
            continue
        try:
            msgspec.convert(given, field.type, strict=False)
        except msgspec.ValidationError as error:
            faults.append(Fault(f"/settings/{field.name}", "target.setting_invalid", str(error)[:200]))
    if faults:
        raise SettingsInvalid(target=target.name, faults=tuple(faults))
