"""Where a Compose v2 program is: the system's plugin, or the one that tests/live/install.sh unpacked."""

import os
import subprocess
from pathlib import Path

PLACES = (
    "/usr/libexec/docker/cli-plugins/docker-compose",
    "/usr/lib/docker/cli-plugins/docker-compose",
    "/usr/local/lib/docker/cli-plugins/docker-compose",
)


def cache():
    """The folder that install.sh unpacks into."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "stella-tests"


def find():
    """Give the path of a Compose v2 program, or None."""
    unpacked = cache() / "compose/usr/libexec/docker/cli-plugins/docker-compose"
    for place in (*map(Path, PLACES), unpacked):
        if place.is_file() and _is_v2(place):
            return str(place)
    return None


def _is_v2(place):
    done = subprocess.run([place, "version", "--short"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.lstrip("v")[:2] in {"2.", "3.", "4.", "5."}
