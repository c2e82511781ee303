"""Settings: the one place that reads the environment and TOML files. Must not open a home, a socket or a network."""

import os
import tomllib
from pathlib import Path
from typing import Final

import msgspec

from cas.problems import Category, Fault, Problem

MEBIBYTE: Final = 1 << 20


class SettingsInvalid(Problem):
    """A profile or an environment variable cannot be used."""

    code = "settings.invalid"
    category = Category.INVALID
    title = "The settings cannot be used"
    remedy = "Correct the profile file or the environment variable that is named."


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what comes in. Bytes unless the name says otherwise."""

    json_body: int = 4 * MEBIBYTE
    document: int = 64 * MEBIBYTE
    batch_documents: int = 1000
    batch_body: int = 64 * MEBIBYTE
    feed_body: int = 1024 * MEBIBYTE
    feed_documents: int = 1_000_000
    bundle: int = 4096 * MEBIBYTE
    bodies: int = 64 * MEBIBYTE  # JSON bodies that are held in memory at the same time
    json_depth: int = 64
    json_nodes: int = 200_000
    page: int = 500


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that may differ between two instances. A profile file holds the same names."""

    home: str = ""
    server: str = ""
    token: str = ""
    token_file: str = ""
    identity_token: str = ""  # a CI job's, exchanged for a bearer token where there is none
    identity_token_file: str = ""
    identity_audience: str = ""  # the job's system is asked for an identity token with it
    key: str = ""
    tenant: str = "default"
    listen: str = "127.0.0.1:8080"
    registry: str = ""  # host:port of this home's /v2/ as targets reach it
    allowed_hosts: tuple[str, ...] = ()  # that this instance may talk to; empty = none but loopback
    offline: bool = False
    executor_threads: int = 8
    large_bodies: int = 1  # documents over 1 MiB that are read at the same time; others wait on disk
    large_waiting: int = 16  # bodies over 1 MiB that come in or wait on disk; beyond it: 429, come again
    requests: int = 256  # asked at the same time; beyond it: 429, come again
    limits: Limits = Limits()

    @property
    def root(self) -> Path:
        """The home's folder."""
        return Path(self.home).expanduser()

    @property
    def socket(self) -> Path:
        """Where ``serve`` listens for commands on this home."""
        return self.root / "socket"


_VARIABLES: Final = (
    ("STELLA_HOME", "home"),
    ("STELLA_SERVER", "server"),
    ("STELLA_TOKEN", "token"),
    ("STELLA_TOKEN_FILE", "token_file"),
    ("STELLA_ID_TOKEN", "identity_token"),
    ("STELLA_ID_TOKEN_FILE", "identity_token_file"),
    ("STELLA_ID_AUDIENCE", "identity_audience"),
    ("STELLA_KEY", "key"),
    ("STELLA_TENANT", "tenant"),
    ("STELLA_LISTEN", "listen"),
    ("STELLA_REGISTRY", "registry"),
)


def read_settings(
    *, profile: str = "", home: str = "", server: str = "", key: str = "", environ: dict[str, str] | None = None
) -> Settings:
    """Settle the settings: flags, then the environment, then the profile, then the defaults.

    Raises: settings.invalid
    """
    variables = dict(os.environ) if environ is None else environ
    base = Path(variables.get("HOME", "~")).expanduser() / ".stella"
    found = _profile(base, profile or variables.get("STELLA_PROFILE", ""))
    for variable, name in _VARIABLES:
        if variables.get(variable):
            found[name] = variables[variable]
    if variables.get("STELLA_OFFLINE"):
        found["offline"] = variables["STELLA_OFFLINE"].lower() in ("1", "true", "yes")
    for name, value in (("home", home), ("server", server), ("key", key)):
        if value:
            found[name] = value
    if home:
        found["server"] = server  # a home named on the command line is meant, whatever the environment says
    found.setdefault("home", str(base / "home"))
    return _settled(found)


def _settled(found: dict[str, object]) -> Settings:
    try:
        settings = msgspec.convert(found, Settings)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(faults=(Fault("", "settings.invalid", str(error)),), reason=str(error)) from error
    counts = ("executor_threads", "large_bodies", "large_waiting", "requests")
    if low := [name for name in counts if getattr(settings, name) < 1]:
        raise SettingsInvalid(reason=f"must be at least 1: {', '.join(low)}")
    if settings.limits.bodies < settings.limits.json_body:
        raise SettingsInvalid(reason="limits.bodies must hold at least one body of limits.json_body")
    if settings.token_file and not settings.token:
        settings = msgspec.structs.replace(settings, token=_secret(Path(settings.token_file)))
    if settings.identity_token_file and not settings.identity_token:
        settings = msgspec.structs.replace(settings, identity_token=_secret(Path(settings.identity_token_file)))
    return settings


def _profile(base: Path, name: str) -> dict[str, object]:
    """Read ``~/.stella/profiles/<name>.toml``; without a name, ``default.toml`` when there is one."""
    if name and not name.replace("-", "").replace("_", "").isalnum():
        raise SettingsInvalid(profile=name[:80])
    path = base / "profiles" / f"{name or 'default'}.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if name:
            raise SettingsInvalid(profile=str(path)) from error
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid(profile=str(path), reason=str(error)[:200]) from error


def _secret(path: Path) -> str:
    try:
        return path.expanduser().read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(token_file=str(path), reason=type(error).__name__) from error


def interactive() -> bool:
    """Tell whether a person reads the output: a terminal that is not a CI job's."""
    return os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb" and "CI" not in os.environ


def secret_of(source: str, *, home: Path) -> str:
    """Resolve a secret reference (``env:NAME`` or ``file:/path``); the value is never kept, logged or raised.

    What is ours is nobody's secret: files of the home, its keys among them, and ``STELLA_…`` variables are refused.

    Raises: target.secret_missing
    """
    from pipeline.effects import SecretMissing  # noqa: PLC0415 - clients never resolve a secret

    scheme, _, name = source.partition(":")
    if scheme == "env" and os.environ.get(name) and not name.startswith("STELLA_"):
        return os.environ[name]
    if scheme == "file" and not Path(name).resolve().is_relative_to(home.resolve()):
        try:
            return Path(name).read_text("utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SecretMissing(source=source) from error
    raise SecretMissing(source=source)
