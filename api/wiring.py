"""Wiring: the one place that names concrete adapters. Opens a home, founds it on first use, hands down Effects.

Home 0700, keys 0600, both refused when others may write there.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from api.auth import Doorkeeper
from api.instance import Instance, OpenIndex
from api.settings import Settings, SettingsInvalid, secret_of
from api.system import SystemClock, SystemEntropy
from cas import refs
from cas.problems import Category, HomeReadOnly, Problem
from cas.records.proof import TrustRoot
from cas.records.release import Target
from cas.store import load
from pipeline.adapters import keys
from pipeline.adapters.keys import KeySigner, LateSigner
from pipeline.adapters.rego_child import RegoChild
from pipeline.effects import Caller, Effects, ImageSource, Registry, SbomGenerator
from pipeline.operations import trust

GENERATOR: Final = "stella"
_TRIES: Final = 40
_PAUSE: Final = 0.05  # seconds between two tries for the index's file
_KEYS: Final = (
    ("root", "ed25519", ("root",)),
    ("server", "ed25519", ("server",)),
    ("sticker", "rsa", ("server",)),
)


class HomeExposed(Problem):
    """Others may write to the home or read its keys."""

    code = "home.exposed"
    category = Category.DENIED
    title = "The home is open to others"
    remedy = "chmod 700 the home's folder, and make sure that it is yours."


class HomeMissing(Problem):
    """There is no home at that path, and the command does not make one."""

    code = "home.missing"
    category = Category.MISSING
    title = "There is no home here"
    remedy = "Make one with stella init, or name another with STELLA_HOME or --home."


class HostForbidden(Problem):
    """The settings do not let the instance talk to a host."""

    code = "settings.offline"
    category = Category.DENIED
    title = "The settings forbid talking to this host"
    remedy = "Put the host into allowed_hosts, or bring what you need in with an OCI layout or a bundle."


class Shelf:
    """Where targets reach the home's own /v2/: by the settings, where this process serves, or at a server of its own.

    A deployment in this process needs one only while it lasts; it is started when it is first asked for.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._instance: Instance | None = None
        self._lock = threading.Lock()

    def of(self, instance: Instance) -> Instance:
        """Know the instance whose images are served."""
        self._instance = instance
        return instance

    def address(self) -> str:
        """Give host:port; empty when nothing can be served."""
        if self._settings.registry:
            return self._settings.registry
        with self._lock:
            if self._instance is not None and not self._instance.registry_address:
                from api.server import serve_registry  # noqa: PLC0415 - few commands serve

                self._instance.registry_address, self._instance.stop_registry = serve_registry(self._instance)
            return self._instance.registry_address if self._instance is not None else ""


def _index_of(instance: Instance) -> OpenIndex:
    """Open the index's file, or, where another process has it, the newest snapshot and the log's tail in memory.

    Whoever writes waits a little for a reader to let go: it may live long.
    """
    from cas.adapters.duck_index import DuckIndex  # noqa: PLC0415 - few commands ask the index
    from cas.adapters.duck_tables import IndexBusy  # noqa: PLC0415

    root, log, store = instance.settings.root, instance.effects.log, instance.effects.store
    path = root / "index.duckdb"
    if instance.home is not None and os.access(path if path.exists() else root, os.W_OK):
        for _ in range(_TRIES if instance.writable else 1):
            with suppress(IndexBusy):
                return DuckIndex(path, log, store)
            time.sleep(_PAUSE)
    return DuckIndex(None, log, store, snapshots=root / "index" if instance.home is not None else None)


def our_version() -> str:
    """Give this package's version."""
    try:
        return version("stella-release")
    except PackageNotFoundError:
        return "0.0.0+source"


def exists(settings: Settings) -> bool:
    """Tell whether a founded home is there."""
    return (settings.root / "keys" / "server.pem").is_file()


@contextmanager
def opened(settings: Settings, *, writable: bool = True, found: bool = False) -> Iterator[Instance]:
    """Open the home for the length of a ``with`` block."""
    instance = open_instance(settings, writable=writable, found=found)
    try:
        yield instance
    finally:
        instance.close()


def open_instance(
    settings: Settings,
    *,
    writable: bool = True,
    found: bool = False,
    owner_login: str = "owner",
    owner_key: KeySigner | None = None,
) -> Instance:
    """Open the home that the settings name; with ``found``, make it when it is not there.

    Raises: home.missing, home.exposed, cas.home_locked, cas.home_corrupt, keys.*
    """
    root = settings.root
    if not exists(settings):
        if not found:
            raise HomeMissing(home=str(root))
        writable = True
        _prepare(root)
    _check_ours(root)
    from cas.adapters.home import Home  # noqa: PLC0415 - opened here only; clients never load it

    clock = SystemClock()
    home = Home.open(root, writable=writable, clock=clock)
    try:
        _keys(root, make=found)
        shelf = Shelf(settings)
        effects = _effects(settings, home, clock, shelf.address)
        for _, entry in effects.log.read(max(0, effects.log.head().size - 1)):
            clock.not_before(entry.when)
        _found(root, effects, owner_login, owner_key, make=found)
        return shelf.of(_instance(settings, effects, home, writable=writable))
    except BaseException:
        home.close()
        raise


def of_effects(settings: Settings, effects: Effects, home: Any = None) -> Instance:
    """Make an instance over effects at hand: the founded memory world of a test, or a bundle's store."""
    return _instance(settings, effects, home, writable=True)


def _instance(settings: Settings, effects: Effects, home: Any, *, writable: bool) -> Instance:
    head = effects.log.ref(refs.TRUST_ROOT)
    origin = load(effects.store, head, TrustRoot).origin if head else ""
    doorkeeper = Doorkeeper(effects, origin, os.getuid())
    held = writable and not getattr(home, "read_only", False)
    return Instance(settings, effects, home, origin, doorkeeper, held, effects.generator_version, _index_of)


def _effects(settings: Settings, home: Any, clock: SystemClock, registry: Callable[[], str]) -> Effects:
    root = settings.root
    return Effects(
        store=home.store,
        log=home.log,
        clock=clock,
        entropy=SystemEntropy(),
        server=own_signer(root, "server"),
        sticker=_late_signer(root, "sticker"),
        images=images_of(settings),
        adapter=_adapters(),
        generator=GENERATOR,
        generator_version=our_version(),
        tenant=settings.tenant,
        secret=partial(secret_of, home=root),
        registry=registry,
        engines={"regopy": RegoChild()},
    )


def _found(root: Path, effects: Effects, login: str, key: KeySigner | None, *, make: bool) -> None:
    """Found an instance whose log is still empty (a crash may have come between)."""
    if effects.log.ref(refs.TRUST_ROOT) is not None:
        return
    if not make:
        raise HomeMissing(home=str(root), reason="nobody founded it")
    owner = Caller(actor="person:" + effects.entropy.nonce(), login=login)
    trust.found(
        effects,
        own_signer(root, "root"),
        own_signer(root, "server"),
        own_signer(root, "sticker"),
        owner,
        owner_keys=(key.key,) if key else (),
        owner_groups=("admins",),
    )


def _prepare(root: Path) -> None:
    """Make the home's folder."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeMissing(home=str(root), reason=error.strerror) from error


def _keys(root: Path, *, make: bool) -> None:
    """Check the folder of keys; make the three keys on first use, those that are there are kept."""
    folder = root / "keys"
    if make:
        folder.mkdir(mode=0o700, exist_ok=True)
    _check_ours(folder)
    for name, algorithm, purposes in _KEYS:
        if make and not (folder / f"{name}.pem").exists():
            signer = keys.generate(algorithm, purposes=purposes, ref=name)  # type: ignore[arg-type]
            keys.save_key(folder / f"{name}.pem", signer)


def _late_signer(root: Path, name: str) -> LateSigner:
    return LateSigner(root / "keys" / f"{name}.pem", purposes=_purposes(name), ref=name)


def own_signer(root: Path, name: str) -> KeySigner:
    """Read one of a home's own keys: root, server or sticker.

    Raises: keys.*
    """
    return keys.load_signer(root / "keys" / f"{name}.pem", purposes=_purposes(name), ref=name)


def _purposes(name: str) -> Any:
    return next(purposes for known, _, purposes in _KEYS if known == name)


def _check_ours(folder: Path) -> None:
    try:
        about = folder.stat()
    except OSError as error:
        raise HomeMissing(home=str(folder), reason=error.strerror) from error
    if about.st_uid != os.geteuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise HomeExposed(path=str(folder), mode=oct(stat.S_IMODE(about.st_mode)))


def images_of(settings: Settings) -> Callable[[str | Registry], ImageSource]:
    """Give the function that finds where images come from: a layout's path, or a registry the settings allow."""

    def source(location: str | Registry) -> ImageSource:
        if isinstance(location, str) and location.startswith("oci:"):
            from pipeline.adapters.oci_layout_source import OciLayoutSource  # noqa: PLC0415

            return OciLayoutSource(Path(location[4:]))
        known = location if isinstance(location, Registry) else Registry(location, http=_loopback(location))
        for host in (known.host, *known.also):
            if settings.offline or not _allowed(host, settings.allowed_hosts):
                raise HostForbidden(host=host)
        from pipeline.adapters.oci_registry import OciRegistry, RegistrySettings  # noqa: PLC0415

        told = {field.name: getattr(known, field.name) for field in fields(known)}
        return OciRegistry(RegistrySettings(**told))  # plain HTTP without a record: this machine only

    return source


def _allowed(host: str, allowed: tuple[str, ...]) -> bool:
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 else host
    return host in allowed or name in allowed or _loopback(host)


def _loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.count(":") == 1 or host.startswith("[") else host
    return (name or host) in {"127.0.0.1", "localhost", "[::1]"}


def generator() -> SbomGenerator:
    """Give what makes SBOMs here: syft, as the extra ``scan`` brings it."""
    made: SbomGenerator = import_module("pipeline.adapters.syft").Syft()
    return made


def _adapters() -> Callable[[Target], Any]:
    made: dict[str, Any] = {}

    def adapter(target: Target) -> Any:
        if target.type not in made:
            catalog = import_module("targets.catalog")
            kind = next((kind for kind in catalog.KINDS if kind.name == target.type), None)
            if kind is None:
                raise SettingsInvalid(target_type=target.type)
            module, _, name = kind.adapter.partition(":")
            made[target.type] = getattr(import_module(module), name)()
        return made[target.type]

    return adapter


def writable(instance: Instance) -> None:
    """Refuse to go on with a home that is open for reading only.

    Raises: cas.home_read_only
    """
    if not instance.writable:
        raise HomeReadOnly(home=str(instance.settings.root))


__all__ = [
    "exists",
    "generator",
    "images_of",
    "of_effects",
    "open_instance",
    "opened",
    "our_version",
    "own_signer",
    "secret_of",
]
