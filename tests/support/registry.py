"""A real OCI registry (Debian's docker-registry) on a free loopback port, and pushing tiny images into it."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.support.hosts import free_port
from tests.support.images import INDEX, MANIFEST, Layout

CONFIG = """version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {root}/data}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass
class Registry:
    """One registry process; what was pushed stays in its folder."""

    root: Path
    port: int = 0
    proc: subprocess.Popen | None = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self, timeout=10):
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        (self.root / "config.yml").write_text(CONFIG.format(root=self.root, port=self.port))
        with open(self.root / "log", "ab") as log:
            self.proc = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.argv()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self.proc.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.root / "log").read_text()[-2000:])
            time.sleep(0.01)
        return self

    def argv(self):
        """The program to run."""
        return ["docker-registry", "serve", str(self.root / "config.yml")]

    def _answers(self):
        try:
            return httpx.get(f"http://{self.address}/v2/").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait(10)

    def push(self, repository, layout, descriptor, tag):
        """Push every blob of a layout, then the manifests below a descriptor, then itself under a tag."""
        base = f"http://{self.address}/v2/{repository}"
        with httpx.Client() as client:
            for name, data in layout.blobs.items():
                _blob(client, base, name, data)
            if descriptor["mediaType"] == INDEX:
                for child in httpx.Response(200, content=layout.blobs[descriptor["digest"]]).json()["manifests"]:
                    _manifest(client, base, child["digest"], layout.blobs[child["digest"]], MANIFEST)
            _manifest(client, base, tag, layout.blobs[descriptor["digest"]], descriptor["mediaType"])
        return descriptor["digest"]

    def blob_path(self, digest):
        """Where a blob's bytes lie on disk: for tests that change them."""
        return self.root / "data/docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"


def _blob(client, base, name, data):
    if client.head(f"{base}/blobs/{name}").status_code == 200:
        return
    where = urljoin(base, client.post(f"{base}/blobs/uploads/").headers["Location"])
    joined = where + ("&" if "?" in where else "?") + "digest=" + name
    headers = {"Content-Type": "application/octet-stream"}
    client.put(joined, content=data, headers=headers).raise_for_status()


def _manifest(client, base, reference, data, media):
    client.put(f"{base}/manifests/{reference}", content=data, headers={"Content-Type": media}).raise_for_status()


def web_image(layout: Layout, version, *, command=None):
    """A real server of 2 MB: busybox httpd that tells its version under /health."""
    files = {
        "busybox": (Path("/bin/busybox").read_bytes(), 0o755),
        "www/health": b'{"version": %d}\n' % version,
        "tmp/.keep": b"",
    }
    serve = ["/busybox", "httpd", "-f", "-h", "/www", "-p", "0.0.0.0:8080"]
    return layout.image(files, entrypoint=command or serve, labels={"org.opencontainers.image.version": str(version)})
