"""The release that live tests deploy: one web server, seen on the host's own loopback."""

from tests.support.delivery import Image

TEMPLATE = b"""services:
  web:
    image: %s
    network_mode: host
    restart: unless-stopped
    environment: {GREETING: "${GREETING}"}
    volumes: ["./conf/app.conf:/conf/app.conf:ro"]
    healthcheck:
      test: ["CMD", "/busybox", "wget", "-qO-", "http://127.0.0.1:8080/health"]
      interval: 300ms
      timeout: 2s
      retries: 5
"""
CONTAINER = "shop_production-web-1"


def release(made, registry, web, number, *, name=None, template=TEMPLATE, kept=False, image=None, files=None, **more):
    """Freeze ``shop-<number>`` over the pushed image of that number."""
    layout, images = web
    descriptor = image or images[number]
    part = Image(f"{registry.address}/shop/web", f"v{number}", layout, descriptor, kept=kept, **more)
    if kept:
        for data in layout.blobs.values():
            made.world.store.put(data)
    return made.release(name or f"shop-{number}", {"web": part}, template=template, files=files)


def runs(host):
    """What runs on a host: {container: (id, repository digests)}."""
    with host.client() as client:
        return {one.name: (one.id, tuple(sorted(one.image.attrs["RepoDigests"]))) for one in client.containers.list()}


def everything(host):
    """Every container's name and state."""
    with host.client() as client:
        return {one.name: one.status for one in client.containers.list(all=True)}


def version(host):
    """What the server on a host says it is."""
    status, body = host.get(8080, "/health")
    assert status == 200
    return int(body.split(b":")[1].strip(b" }\n"))
