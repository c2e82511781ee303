"""Upkeep of a home: check and repair, index, copies. Names adapters, as wiring does; must not answer any call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from api.settings import Settings
from api.wiring import HomeMissing, exists
from cas.adapters.backup import backup
from cas.adapters.duck_index import DuckIndex
from cas.adapters.fsck import FsckReport, fsck
from cas.adapters.home import Home
from cas.adapters.repair import repair
from cas.tables import TABLES
from replay.audit import Audited, Period, audit
from replay.fanout import Source


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A copy of a home."""

    path: str
    log_size: int
    objects: int
    keys: bool


def check(settings: Settings, repair_from: Path | None) -> FsckReport:
    """Check a home; with ``repair_from``, repair it from another home first.

    Raises: home.missing, cas.home_locked
    """
    _there(settings)
    if repair_from is None:
        return fsck(settings.root)
    with Home.open(repair_from, writable=False) as other:
        return repair(settings.root, other.store, other.log)


def rebuild_index(settings: Settings) -> tuple[tuple[str, int], ...]:
    """Build the index anew; give rows per table.

    Raises: home.missing, cas.index_busy
    """
    _there(settings)
    with Home.open(settings.root, writable=False) as home, _index(settings, home) as index:
        index.rebuild()
        index.export(settings.root / "index")  # what readers begin with while another process owns the file
        return tuple((name, len(index.table(name))) for name in TABLES)


def _index(settings: Settings, home: Any) -> DuckIndex:
    return DuckIndex(settings.root / "index.duckdb", home.log, home.store)


def replay_everything(settings: Settings, period: Period, processes: int, tell: Callable[[int, int], None]) -> Audited:
    """Rerun every Run that the home's log admitted in a period, over processes that open the home read-only.

    Raises: home.missing, replay.worker_failed
    """
    _there(settings)
    with Home.open(settings.root, writable=False) as home:
        source = Source("home", (str(settings.root),))
        return audit(home.log, home.store, source, period, processes=processes, tell=tell)


def copy_home(settings: Settings, to: Path, *, keys: bool) -> Copied:
    """Copy a home as it stands, while it is in use; the keys only when they are asked for.

    Raises: home.missing, cas.backup_failed
    """
    _there(settings)
    with Home.open(settings.root, writable=False) as home:
        report = backup(home, to)
    if keys:
        _copy_keys(settings.root / "keys", to / "keys")
    return Copied(path=str(to), log_size=report.log_size, objects=report.objects, keys=keys)


def _copy_keys(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(source.glob("*.pem")):
        copied = target / path.name
        copied.touch(mode=0o600)
        copied.write_bytes(path.read_bytes())


def _there(settings: Settings) -> None:
    if not exists(settings):
        raise HomeMissing(home=str(settings.root))
