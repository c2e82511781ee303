"""Docker engines as test hosts: each in its own network, mount, pid and UTS namespace, its API on a unix socket.

Needs root. Nothing is left behind: mounts, bridges and processes die with the namespace, and the namespace dies with
this process. What goes in and out of a host stays on loopback, relayed across namespaces; closing a relay is a
network partition.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import docker

CLONE_NEWNET = 0x40000000
SETUP = 'hostname "$0"; ip link set lo up; mkdir -p /etc/docker; mount --bind "$1/etc" /etc/docker; shift; exec "$@"'
_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(pid, make):
    """Run ``make`` in a thread that has entered a process's network namespace; its socket stays there."""
    out = {}

    def go():
        try:
            with open(f"/proc/{pid}/ns/net") as namespace:
                if _libc.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            out["made"] = make()
        except OSError as error:
            out["error"] = error

    thread = threading.Thread(target=go)  # setns is per thread: this process stays where it is
    thread.start()
    thread.join()
    if "error" in out:
        raise out["error"]
    return out["made"]


def listening(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(64)
    return sock


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _both(client, upstream):
    other = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
    other.start()
    _pump(client, upstream)
    other.join()
    client.close()
    upstream.close()


class Relay:
    """A listening socket whose connections are carried to where ``connect`` leads."""

    def __init__(self, sock, connect):
        self.sock, self.connect = sock, connect
        threading.Thread(target=self._loop, daemon=True).start()

    def _loop(self):
        while True:
            try:
                client, _ = self.sock.accept()
            except OSError:
                return
            try:
                upstream = self.connect()
            except OSError:
                client.close()
                continue
            threading.Thread(target=_both, args=(client, upstream), daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):  # a bare close would leave the blocked accept, and so the port, alive
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@dataclass
class Host:
    """One engine. ``start`` and ``power_off`` may be repeated; data stays until ``remove``."""

    name: str
    root: Path
    dockerd: str = "/usr/sbin/dockerd"
    more: tuple = ()  # arguments of the engine
    relays: dict = field(default_factory=dict)
    proc: subprocess.Popen | None = None
    pid: int = 0

    @property
    def dir(self):
        return self.root / self.name

    @property
    def url(self):
        return f"unix://{self.dir}/docker.sock"

    @property
    def files(self):
        """The folder that holds projects' files, the same path inside and outside."""
        return self.dir / "files"

    def start(self, timeout=30):
        (self.dir / "etc").mkdir(parents=True, exist_ok=True)
        self.files.mkdir(exist_ok=True)
        (self.dir / "docker.pid").unlink(missing_ok=True)
        # as a machine's /run after a boot: a pid file of before would name some other process of the new namespace
        shutil.rmtree(self.dir / "exec", ignore_errors=True)
        with open(self.dir / "log", "ab") as log:
            self.proc = subprocess.Popen(
                self._argv(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self.proc.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.dir / "log").read_text()[-2000:])
            time.sleep(0.02)
        children = Path(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children").read_text().split()
        self.pid = int(children[0])
        return self

    def _argv(self):
        d = self.dir
        return [
            *("setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts", "--mount", "--pid", "--fork"),
            *("--kill-child", "--mount-proc", "--propagation", "private", "sh", "-ec", SETUP, self.name, str(d)),
            *(self.dockerd, f"--host={self.url}", f"--data-root={d}/data", f"--exec-root={d}/exec"),
            *(f"--pidfile={d}/docker.pid", "--storage-driver=overlay2", "--log-level=warn"),
            *self.more,
        ]

    def _answers(self):
        """Ask by hand: the SDK forgets to close a socket that was refused."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(5)
                sock.connect(f"{self.dir}/docker.sock")
                sock.sendall(b"GET /_ping HTTP/1.0\r\nHost: x\r\n\r\n")
                return b" 200 " in sock.recv(64)
        except OSError:
            return False

    def client(self):
        return _Closing(docker.DockerClient(base_url=self.url, version="auto"))

    def see(self, port, target=None):
        """Let the host's 127.0.0.1:port lead to ours."""
        to = ("127.0.0.1", target or port)
        self.close(port)
        self.relays[port] = Relay(socket_in(self.pid, lambda: listening(port)), lambda: socket.create_connection(to, 5))

    def show(self, port):
        """Let a free port of ours lead to the host's 127.0.0.1:port; give ours."""
        sock = listening(0)
        ours = sock.getsockname()[1]
        self.relays[f"shown {port}"] = Relay(sock, lambda: self.reach(port))
        return ours

    def reach(self, port):
        """Connect to a port of the host's loopback, from here."""
        return socket_in(self.pid, lambda: socket.create_connection(("127.0.0.1", port), 5))

    def get(self, port, path="/"):
        """Ask an HTTP server on the host; give status and body."""
        with self.reach(port) as sock:
            sock.settimeout(5)
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
            data = b""
            while chunk := sock.recv(65536):
                data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def close(self, port):
        """Cut a relay: the host no longer reaches what was behind it."""
        relay = self.relays.pop(port, None)
        if relay:
            relay.close()

    def power_off(self):
        """A power cut: engine and containers are gone at once."""
        for port in list(self.relays):
            self.close(port)
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait(10)
        deadline = time.monotonic() + 10
        while self.pid and Path(f"/proc/{self.pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.01)  # the namespace's first process takes all others with it

    def stop(self):
        if self.pid and self.proc and self.proc.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.proc.wait(30)
        self.power_off()

    def clean(self):
        """Leave an engine without containers, images, volumes, networks or files: ready for the next test."""
        with self.client() as client:
            for one in client.containers.list(all=True):
                one.remove(force=True, v=True)
            client.networks.prune()
            for volume in client.volumes.list():
                volume.remove(force=True)
            prune(client)
        shutil.rmtree(self.files)
        self.files.mkdir()

    def remove(self):
        self.power_off()
        shutil.rmtree(self.dir, ignore_errors=True)


def prune(client):
    """Remove every image that no container uses, by all its names."""
    for image in client.images.list(all=True):
        with contextlib.suppress(docker.errors.APIError):
            client.images.remove(image.id, force=True)


class _Closing:
    """A DockerClient as a context manager."""

    def __init__(self, client):
        self._client = client

    def __enter__(self):
        return self._client

    def __exit__(self, *_):
        self._client.close()
