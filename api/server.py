"""Serving: one process, the home's own socket (peer credentials) and, when wanted, a TCP address. Knows uvicorn."""

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.app import create_app, create_registry
from api.auth import PEER
from api.instance import Instance
from api.settings import SettingsInvalid

_CREDENTIALS: Final = struct.Struct("3i")
_PATH_MOST: Final = 100


class PeerProtocol(H11Protocol):
    """HTTP/1.1 that names a socket's peer by its user id. A TCP client cannot have a host of that form."""

    def connection_made(self, transport: Any) -> None:
        """Read the peer's credentials once per connection."""
        super().connection_made(transport)
        held = transport.get_extra_info("socket")
        if held is not None and held.family == socket.AF_UNIX:
            raw = held.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, uid, _ = _CREDENTIALS.unpack(raw)
            self.client = (f"{PEER}{uid}", pid)


def unix_listener(path: Path) -> socket.socket:
    """Bind the home's socket, mode 0600; one that nobody serves any more is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path) as short:
        mask = os.umask(0o177)
        try:
            listener.bind(short)
        finally:
            os.umask(mask)
    listener.listen(128)
    return listener


class _short:  # noqa: N801 - reads as a function
    """A name for a socket's path that fits into sockaddr_un: through the folder's descriptor when it is long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= _PATH_MOST:
            return str(self._path)
        self._fd = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._fd}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)


def tcp_listener(address: str) -> socket.socket:
    """Bind ``host:port``; port 0 takes a free one.

    Raises: settings.invalid
    """
    host, _, port = address.rpartition(":")
    try:
        listener = socket.create_server((host.strip("[]"), int(port)), reuse_port=False, backlog=256)
    except (OSError, ValueError, OverflowError) as error:
        raise SettingsInvalid(listen=address, reason=str(error)) from error
    # accepted sockets inherit it; asyncio sets it only where the protocol was named, and without it every answer of
    # two writes waits 40 ms for an acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve_registry(instance: Instance) -> tuple[str, Callable[[], None]]:
    """Serve /v2/ alone on a free loopback port, in a thread of this process; give its address and how to end it."""
    listener = tcp_listener("127.0.0.1:0")
    config = uvicorn.Config(
        create_registry(instance),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",  # an engine first tries TLS: no news for whoever deploys
        access_log=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="stella-registry")
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(10)
        listener.close()

    host, port = listener.getsockname()[:2]
    return f"{host}:{port}", stop


def serve(instance: Instance, listeners: list[socket.socket]) -> None:
    """Serve until a signal asks to end; requests under way are finished first."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again when it is done: then the home is to be closed; one that comes before uvicorn
        # looks for them is remembered
        signal.signal(number, lambda number, _frame: asked.append(number))
    instance.serving = True
    config = uvicorn.Config(
        create_app(instance),
        http=PeerProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # a forwarded address must never name a peer
        server_header=False,
        date_header=True,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=30,
        limit_concurrency=1024,
        backlog=256,
    )
    _Server(config, asked).run(sockets=listeners)


class _Server(uvicorn.Server):
    """A server that also ends for a signal that came while it was being made."""

    def __init__(self, config: uvicorn.Config, asked: list[int]) -> None:
        super().__init__(config)
        self._asked = asked

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, unless that is over already."""
        await super().startup(sockets)
        self.should_exit = self.should_exit or bool(self._asked)
