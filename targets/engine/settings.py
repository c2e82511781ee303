"""Where an engine answers and how it is trusted. Pure; must not know any kind of target.

The client's certificate and key are references, resolved while a step is done; no record ever holds what they lead to.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from cas.problems import Fault
from targets.settings import AbsolutePath, Address, EngineUrl, Hooks

Reference = Annotated[
    str,
    msgspec.Meta(pattern=r"^(|file:/[^\x00-\x1f\x7f]+|env:[A-Za-z_][A-Za-z0-9_]*)$(?!\n)", max_length=1024),
]
"""Where PEM text is found on this machine, as a secret is: ``file:/path`` or ``env:NAME``."""

TLS = ("tls_ca", "tls_certificate", "tls_key")
SCHEMES = "unix:///path, tcp://host:port or https://host:port"


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind on an engine is told.

    ``directory`` holds each project's files, and must be one path for this process and for the engine. ``registry`` is
    the home's registry as this engine reaches it, when that is not as everybody does. ``settle_seconds`` is how long a
    container without a health check must run before it counts as healthy. An engine over the network is spoken to with
    a client certificate: authority, certificate and key, by reference.
    """

    url: EngineUrl
    directory: AbsolutePath
    registry: Address = ""
    settle_seconds: int = 3
    hooks: Hooks = "skip"
    tls_ca: Reference = ""
    tls_certificate: Reference = ""
    tls_key: Reference = ""


def faults(given: Mapping[str, str]) -> Iterator[Fault]:
    """Say what is wrong with settings that are each well-formed: who reaches an open engine is root on its host."""
    url, named = given.get("url", ""), [name for name in TLS if given.get(name)]
    scheme, _, rest = url.partition("://")
    if scheme == "ssh":
        yield Fault("/settings/url", "target.ssh_unsupported", f"an engine is not reached over SSH; give {SCHEMES}")
        return
    if named and len(named) < len(TLS):
        for name in sorted(set(TLS) - set(named)):
            yield Fault(f"/settings/{name}", "target.tls_incomplete", f"{', '.join(TLS)} belong together")
    if named and scheme not in {"tcp", "https"}:
        yield Fault("/settings/url", "target.tls_unused", "certificates are for tcp:// and https:// only")
    if not named and scheme == "https":
        yield Fault("/settings/tls_certificate", "target.tls_missing", f"https:// needs {', '.join(TLS)}")
    if not named and scheme in {"tcp", "http"} and not _on_loopback(rest):
        yield Fault(
            "/settings/tls_certificate",
            "target.tls_missing",
            f"an engine over the network needs {', '.join(TLS)}: open to all, it makes everybody root on its host",
        )


def _on_loopback(rest: str) -> bool:
    try:
        host = urlsplit(f"//{rest}").hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdecimal())
