"""Environments and their targets: set, listed, frozen. Every change is a new record and one append.

Knows what an environment may hold; must not know what is judged with it. Times are captured as UTC instants here,
where time zones are known, and nowhere later.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cas import digest, refs
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.base import pairs
from cas.records.release import Environment, FreezeWindow, SecretReference, Strategy, Target
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.work import Work
from targets import catalog
from targets.compose.interpolate import escape
from targets.compose.secrets import literal_secret

_SLUG: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_VARIABLE: Final = re.compile(r"\A[A-Za-z][A-Za-z0-9_]{0,127}\Z")
_SOURCE: Final = re.compile(r"\A(?:env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/[^\0\n]{1,249})\Z")
_PLATFORM: Final = re.compile(r"\A[a-z0-9]+/[a-z0-9_]+(/[a-z0-9._]+)?\Z")
_NUMBERS: Final = (
    "order", "required_approvals", "soak_seconds", "health_timeout_seconds", "retention_days", "batch_size",
)  # fmt: skip
MAX_WINDOWS: Final = 500
MAX_VARIABLES: Final = 1_000


class EnvironmentInvalid(Problem):
    """An environment cannot be set so; ``faults`` lists why."""

    code = "environment.invalid"
    category = Category.INVALID
    title = "The environment cannot be set so"
    remedy = "Correct every fault listed."


class EnvironmentMissing(Problem):
    """There is no environment of this name."""

    code = "environment.missing"
    category = Category.MISSING
    title = "No such environment"
    remedy = "List the environments, and check the name."


class TargetMissing(Problem):
    """An environment has no target of this name."""

    code = "target.missing"
    category = Category.MISSING
    title = "No such target in this environment"
    remedy = "List the environment's targets, and check the name."


_FRESH: Final[dict[str, Any]] = {
    "order": 0,
    "after": "",
    "production": False,
    "required_approvals": 0,
    "approver_groups": (),
    "separation_of_duties": True,
    "personal_key_required": False,
    "freeze_windows": (),
    "soak_seconds": 0,
    "variables": (),
    "secrets": (),
    "allowed_bind_paths": (),
    "targets": (),
    "health_timeout_seconds": 60,
    "retention_days": 30,
}


def set_environment(
    effects: Effects,
    caller: Caller,
    name: str,
    *,
    order: int | None = None,
    after: str | None = None,
    production: bool | None = None,
    required_approvals: int | None = None,
    approver_groups: Sequence[str] | None = None,
    separation_of_duties: bool | None = None,
    personal_key_required: bool | None = None,
    soak_seconds: int | None = None,
    variables: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    allowed_bind_paths: Sequence[str] | None = None,
    health_timeout_seconds: int | None = None,
    retention_days: int | None = None,
    strategy: Strategy | None = None,
    batch_size: int | None = None,
) -> tuple[Environment, Digest]:
    """Make an environment, or change what is given of it; what is None stays as it was.

    ``secrets`` maps names to where they come from ("env:NAME", "file:/path"): values are never taken.

    Raises: environment.invalid
    """
    asked = {
        "order": order,
        "after": after,
        "production": production,
        "required_approvals": required_approvals,
        "approver_groups": None if approver_groups is None else tuple(sorted(set(approver_groups))),
        "separation_of_duties": separation_of_duties,
        "personal_key_required": personal_key_required,
        "soak_seconds": soak_seconds,
        "variables": None if variables is None else pairs(dict(variables)),
        "secrets": None if secrets is None else _secrets(secrets),
        "allowed_bind_paths": None if allowed_bind_paths is None else tuple(sorted(set(allowed_bind_paths))),
        "health_timeout_seconds": health_timeout_seconds,
        "retention_days": retention_days,
        "strategy": strategy,
        "batch_size": batch_size,
    }
    work = Work(effects, caller)
    changes = {key: value for key, value in asked.items() if value is not None}
    if production and retention_days is None:
        changes["retention_days"] = 2557  # seven years
    return _store(work, name, lambda known: msgspec.structs.replace(known, **changes))


def _secrets(secrets: Mapping[str, str]) -> tuple[SecretReference, ...]:
    return tuple(SecretReference(name=name, source=source) for name, source in sorted(secrets.items()))


def _store(work: Work, name: str, change: Callable[[Environment], Environment]) -> tuple[Environment, Digest]:
    environment, named, moves = _changed(work, name, change)
    if moves:
        work.note("environment.set", named, moves)
        work.commit()
    return environment, named


def _changed(
    work: Work, name: str, change: Callable[[Environment], Environment]
) -> tuple[Environment, Digest, list[Any]]:
    known = work.ref(refs.environment(name)) if _SLUG.match(name) else None
    if known is None:
        base = Environment(name=name, created_by=work.caller.actor, **_FRESH)
    else:
        base = load(work.effects.store, known, Environment)
    wanted = change(base)
    faults = _faults(work.effects, wanted)
    if faults:
        raise EnvironmentInvalid(environment=name[:128], faults=tuple(faults))
    named = work.save(wanted)
    if named == known:
        return wanted, named, []
    moves = [work.move(refs.environment(name), named)]
    identity = refs.named(digest.uuid_of(named))
    if work.ref(identity) != named:
        moves.append(work.move(identity, named))
    return wanted, named, moves


def _faults(effects: Effects, wanted: Environment) -> list[Fault]:
    faults = []
    if not _SLUG.match(wanted.name):
        faults.append(Fault("/name", "environment.name_invalid", "letters, digits, dot, dash and underscore only"))
    if wanted.after and (wanted.after == wanted.name or effects.log.ref(refs.environment(wanted.after)) is None):
        faults.append(Fault("/after", "environment.after_unknown", f"no other environment {wanted.after[:100]}"))
    faults += [
        Fault(f"/{key}", "environment.number_invalid", "a whole number of 0 or more")
        for key in _NUMBERS
        if type(getattr(wanted, key)) is not int or not 0 <= getattr(wanted, key) <= 2**31
    ]
    if wanted.strategy not in get_args(Strategy):
        faults.append(Fault("/strategy", "environment.strategy_unknown", f"one of {', '.join(get_args(Strategy))}"))
    if len(wanted.approver_groups) > wanted.required_approvals:
        faults.append(Fault("/approver_groups", "environment.groups_too_many", "more groups than approvals required"))
    faults += [
        Fault("/approver_groups", "environment.name_invalid", f"not a group's name: {group[:100]!r}")
        for group in wanted.approver_groups
        if not _SLUG.match(group)
    ]
    return faults + _variable_faults(wanted) + _path_faults(wanted)


def _variable_faults(wanted: Environment) -> list[Fault]:
    faults = []
    secret_names = {one.name for one in wanted.secrets}
    for name, value in wanted.variables:
        if not _VARIABLE.match(name) or "\0" in value or len(value) > 32768:
            faults.append(Fault(f"/variables/{name[:100]}", "environment.variable_invalid", "not a variable"))
        elif literal_secret(name, escape(value)):
            message = "looks like a secret: give it as a secret reference, its value is never stored"
            faults.append(Fault(f"/variables/{name}", "environment.secret_literal", message))
        if name in secret_names:
            faults.append(Fault(f"/variables/{name[:100]}", "environment.variable_twice", "is a secret too"))
    for one in wanted.secrets:
        if not _VARIABLE.match(one.name) or not _SOURCE.match(one.source):  # anything else may be the value itself
            message = "a name, and where its value is found: env:NAME or file:/path"
            faults.append(Fault(f"/secrets/{one.name[:100]}", "environment.secret_invalid", message))
    if len(wanted.variables) + len(wanted.secrets) > MAX_VARIABLES:
        faults.append(Fault("/variables", "environment.too_many", f"more than {MAX_VARIABLES}"))
    return faults


def _path_faults(wanted: Environment) -> list[Fault]:
    return [
        Fault("/allowed_bind_paths", "environment.path_invalid", f"an absolute path, or ./path: {path[:100]!r}")
        for path in wanted.allowed_bind_paths
        if not path.startswith(("/", "./")) or ".." in path.split("/") or "\0" in path or path in {"/", "./"}
    ]


def _retargeted(
    work: Work, name: str, change: Callable[[tuple[Digest, ...]], set[Digest]]
) -> tuple[Environment, Digest, list[Any]]:
    return _changed(work, name, lambda one: msgspec.structs.replace(one, targets=tuple(sorted(change(one.targets)))))


def add_target(
    effects: Effects,
    caller: Caller,
    environment: str,
    name: str,
    *,
    type_: str,
    platform: str = "",
    settings: Mapping[str, str] | None = None,
) -> tuple[Target, Digest]:
    """Add a host to an environment, or replace the one of that name; its settings are checked by its kind.

    Raises: environment.missing, environment.invalid, target.kind_unknown, target.settings_invalid
    """
    work = Work(effects, caller)
    known = find_environment(effects, environment)[0]
    target = Target(
        name=name,
        type=type_,
        environment=environment,
        platform=platform,
        settings=pairs(dict(settings or {})),
        nonce=effects.entropy.nonce(),
    )
    if not _SLUG.match(name) or (platform and not _PLATFORM.match(platform)):
        fault = Fault("/name" if not _SLUG.match(name) else "/platform", "target.name_invalid", "see the reference")
        raise EnvironmentInvalid(environment=known.name, faults=(fault,))
    catalog.check(target)
    old = work.ref(refs.target(environment, name))
    if old is not None:
        before = load(effects.store, old, Target)
        if msgspec.structs.replace(target, nonce=before.nonce) == before and old in known.targets:
            return before, old
    named = work.save(target)
    gone = {old} if old else set()
    _, changed, moves = _retargeted(work, environment, lambda held: {*held, named} - gone)
    identity = work.move(refs.named(digest.uuid_of(named)), named)
    work.note("target.added", named, [work.move(refs.target(environment, name), named), identity])
    work.note("environment.set", changed, moves)
    work.commit()
    return target, named


def remove_target(effects: Effects, caller: Caller, environment: str, name: str) -> None:
    """Take a host out of an environment; its record stays.

    Raises: environment.missing, target.missing
    """
    work = Work(effects, caller)
    find_environment(effects, environment)
    old = work.ref(refs.target(environment, name))
    if old is None:
        raise TargetMissing(environment=environment, target=name[:128])
    _, changed, moves = _retargeted(work, environment, lambda held: {*held} - {old})
    work.note("target.removed", old, [work.move(refs.target(environment, name), None)])
    if moves:
        work.note("environment.set", changed, moves)
    work.commit()


def set_freeze(
    effects: Effects,
    caller: Caller,
    environment: str,
    start: str,
    end: str,
    *,
    reason: str,
    exceptions: Sequence[str] = (),
    zone: str = "",
) -> tuple[Environment, Digest]:
    """Add a freeze window; ``start`` is in, ``end`` is out. Times become UTC instants here.

    Times without an offset need ``zone`` (IANA); in an hour that a clock change repeats, the longer freeze is taken.

    Raises: environment.missing, environment.invalid
    """
    find_environment(effects, environment)
    window = FreezeWindow(
        start=instant(start, zone, "/start", fold=0),
        end=instant(end, zone, "/end", fold=1),
        reason=reason,
        exceptions=tuple(sorted(set(exceptions))),
    )
    faults = []
    if window.start >= window.end:
        faults.append(Fault("/end", "environment.freeze_empty", "the end is not after the start"))
    if not reason.strip() or len(reason) > 4096:
        faults.append(Fault("/reason", "environment.freeze_reason", "a reason, 4096 characters at most"))
    faults += [
        Fault("/exceptions", "environment.name_invalid", f"not a login: {login[:100]!r}")
        for login in window.exceptions
        if not _SLUG.match(login)
    ]
    if faults:
        raise EnvironmentInvalid(environment=environment, faults=tuple(faults))

    def change(known: Environment) -> Environment:
        windows = {(one.start, one.end, one.reason, one.exceptions): one for one in (*known.freeze_windows, window)}
        if len(windows) > MAX_WINDOWS:
            fault = Fault("/freeze_windows", "environment.too_many", f"more than {MAX_WINDOWS}")
            raise EnvironmentInvalid(environment=environment, faults=(fault,))
        return msgspec.structs.replace(known, freeze_windows=tuple(windows[key] for key in sorted(windows)))

    return _store(Work(effects, caller), environment, change)


def clear_freeze(effects: Effects, caller: Caller, environment: str, start: str) -> tuple[Environment, Digest]:
    """Take out every freeze window that starts at this instant.

    Raises: environment.missing, environment.invalid
    """
    known, _ = find_environment(effects, environment)
    at = instant(start, "", "/start", fold=0)
    if all(window.start != at for window in known.freeze_windows):
        fault = Fault("/start", "environment.freeze_missing", "no freeze window starts then")
        raise EnvironmentInvalid(environment=environment, faults=(fault,))

    def change(one: Environment) -> Environment:
        return msgspec.structs.replace(one, freeze_windows=tuple(w for w in one.freeze_windows if w.start != at))

    return _store(Work(effects, caller), environment, change)


def instant(text: str, zone: str, pointer: str, *, fold: int) -> str:
    """Read an ISO 8601 time as a UTC instant, whole seconds.

    Raises: environment.invalid
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone), fold=fold)  # an empty zone is a ValueError
        return found.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError) as error:
        fault = Fault(pointer, "environment.time_invalid", "an ISO 8601 time with Z or an offset, or with a zone")
        raise EnvironmentInvalid(faults=(fault,)) from error


def find_environment(effects: Effects, name: str) -> tuple[Environment, Digest]:
    """Give an environment by name or id.

    Raises: environment.missing
    """
    named = effects.log.ref(refs.environment(name)) or effects.log.ref(refs.named(name))
    if named is None or b'"kind":"environment/1"' not in effects.store.get(named):
        raise EnvironmentMissing(environment=name[:128])
    return load(effects.store, named, Environment), named


@dataclass(frozen=True, slots=True)
class ListedEnvironment:
    """An environment in a list, with its targets."""

    digest: Digest
    id: str
    environment: Environment
    targets: tuple[tuple[Target, Digest], ...]


def list_environments(effects: Effects) -> tuple[ListedEnvironment, ...]:
    """List environments in their order, each with its targets by name."""
    found = []
    for _, named in effects.log.refs("environment/"):
        environment = load(effects.store, named, Environment)
        found.append(ListedEnvironment(named, digest.uuid_of(named), environment, targets_of(effects, environment)))
    return tuple(sorted(found, key=lambda one: (one.environment.order, one.environment.name)))


def targets_of(effects: Effects, environment: Environment) -> tuple[tuple[Target, Digest], ...]:
    """Give an environment's targets, by name."""
    found = [(load(effects.store, named, Target), named) for named in environment.targets]
    return tuple(sorted(found, key=lambda one: one[0].name))
