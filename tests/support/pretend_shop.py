"""One web server over pretend engines: the world in which deploying is tested fast."""

from tests.support.delivery import Delivery, Image, target
from tests.support.fake_target import Fleet
from tests.support.images import Layout

NAMES = ("alpha", "beta", "gamma")
LAYOUT = Layout()
IMAGES = {number: LAYOUT.image({"app": b"v%d" % number}) for number in (1, 2, 3)}


def hosts(names=NAMES, platforms=None):
    return tuple(
        target(name, "docker_host", (platforms or {}).get(name, "linux/amd64"), url="unix:///x", directory="/srv")
        for name in names
    )


def delivery(names=NAMES, **more):
    fleet = Fleet()
    return fleet, Delivery(targets=hosts(names), adapter=fleet.adapter, **more)


def release(made, number, **more):
    image = Image("registry.example/shop/web", f"v{number}", LAYOUT, IMAGES[number])
    return made.release(f"shop-{number}", {"web": image}, **more)


def running(fleet):
    return {name: engine.running() for name, engine in fleet.engines.items()}


def everywhere(number, names=NAMES):
    return {name: {"shop_production-web-1": IMAGES[number]["digest"]} for name in names}
