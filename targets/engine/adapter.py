"""A Docker engine: connect, look, pull by digest, wait for health. Wraps every error of the SDK at this border."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.tls import TLSConfig

from cas.digest import Digest
from cas.records.deploy import Observation, ObservedContainer, ObservedFile
from cas.records.release import Target
from targets import platforms
from targets.contract import World
from targets.engine import inspection
from targets.problems import (
    DigestMismatch,
    EngineRefused,
    ImageMissing,
    PlatformUnlisted,
    Unhealthy,
    Unreachable,
    Untrusted,
)
from targets.receipts import Report, redacted

TIMEOUT_SECONDS = 120
POLL_SECONDS = 0.1
LOG_LINES = 200
SHORTEST_SECRET = 4
MISSING = ("manifest unknown", "not found", "name unknown", "repository does not exist", "unauthorized", "denied")
UNEQUAL = (
    "manifest verification failed",
    "filesystem layer verification failed",
    "does not match",
    "unexpected digest",
)


class Engine:
    """One open connection to an engine."""

    def __init__(self, api: Any) -> None:
        self.api = api

    def platform(self) -> str:
        """Name the engine's platform as OCI does."""
        version = self.api.version()
        return f"{version['Os']}/{version['Arch']}"

    def observe(self, target: Digest, project: str, files: tuple[ObservedFile, ...], world: World) -> Observation:
        """Capture the project's containers and the images present."""
        version = self.api.version()
        found = [self.container(one["Id"]) for one in self._of(project)]
        images = sorted({name for image in self.api.images() for name in image.get("RepoDigests") or ()})
        return Observation(
            target=target,
            platform=f"{version['Os']}/{version['Arch']}",
            engine=tuple(
                sorted({"name": "docker", "version": version["Version"], "api": version["ApiVersion"]}.items())
            ),
            containers=tuple(sorted((one for one in found if one), key=lambda one: one.name)),
            images=tuple(name for name in images if not name.startswith("<none>")),
            files=files,
            observed_at=world.now(),
        )

    def _of(self, project: str) -> list[dict[str, Any]]:
        """List containers that carry the project's label, ours or Compose's, or a name of its form."""
        found = []
        for one in self.api.containers(all=True):
            labels = one.get("Labels") or {}
            named = any(name.lstrip("/").startswith(project + "-") for name in one.get("Names") or ())
            owner = labels.get(inspection.PROJECT) or labels.get(inspection.COMPOSE_PROJECT)
            if owner == project or (owner is None and named):
                found.append(one)
        return found

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Give a container's inspection, or None when there is none of that name."""
        try:
            found: dict[str, Any] = self.api.inspect_container(name)
        except NotFound:
            return None
        return found

    def container(self, name: str) -> ObservedContainer | None:
        """Give a container as a record, or None when it is gone."""
        inspected = self.inspect(name)
        if inspected is None:
            return None
        try:
            repo_digests = self.api.inspect_image(inspected["Image"]).get("RepoDigests") or ()
        except ImageNotFound:
            repo_digests = ()
        return inspection.container(inspected, repo_digests)

    def pull(self, given: Mapping[str, str], reference: str, report: Report) -> None:
        """Have the engine pull by digest, then check what it says it has: repository digest, identity, platform.

        Raises: target.image_missing, target.digest_mismatch, target.platform_unlisted
        """
        image = self._image(reference)
        if image is None:
            self._fetch(reference, report)
            image = self._image(reference)
            if image is None:
                raise ImageMissing(image=reference)
        else:
            report.result = "unchanged"
        self._check(image, given, reference)
        report.outputs |= {"reference": reference, "image_id": str(image["Id"])}

    def _image(self, reference: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.api.inspect_image(reference)
        except ImageNotFound:
            return None
        return found

    def _fetch(self, reference: str, report: Report) -> None:
        repository, digest = reference.rsplit("@", 1)
        lines = []
        try:
            for line in self.api.pull(repository, tag=digest, stream=True, decode=True):
                if "error" in line:
                    raise _pull_problem(reference, str(line["error"]))
                if "progressDetail" not in line:
                    lines.append(str(line.get("status", "")))
        except (ImageNotFound, APIError) as error:
            raise _pull_problem(reference, str(error.explanation or error)) from error
        report.log = "\n".join(lines).encode()

    @staticmethod
    def _check(image: Mapping[str, Any], given: Mapping[str, str], reference: str) -> None:
        platform = given["platform"]
        if reference not in (image.get("RepoDigests") or ()):
            raise DigestMismatch(image=reference, found=", ".join(image.get("RepoDigests") or ())[:500])
        if image["Id"] not in given["identities"].split():
            raise DigestMismatch(image=reference, found=image["Id"], expected=given["identities"])
        ran = f"{image['Os']}/{image['Architecture']}" + (f"/{image['Variant']}" if image.get("Variant") else "")
        if not (platforms.fits(ran, platform) or platform.startswith(ran + "/")):  # old engines tell no variant
            raise PlatformUnlisted(image=reference, platform=ran, expected=platform)

    def await_health(self, names: Sequence[str], ends: frozenset[str], seconds: int, settle: int) -> dict[str, str]:
        """Wait until each container is healthy, has run ``settle`` seconds without one, or has ended well.

        Raises: target.unhealthy as soon as one crashes, loops, exits or is unhealthy, or at the deadline
        """
        deadline = time.monotonic() + seconds
        since: dict[str, float] = {}
        states: dict[str, str] = {}
        while True:
            for name in names:
                if states.get(name) not in {"healthy", "completed", "running"}:
                    states[name] = self._health(name, ends, since, min(settle, max(seconds - 1, 0)))
            if all(state in {"healthy", "completed", "running"} for state in states.values()):
                return states
            if time.monotonic() > deadline:
                late = sorted(name for name, state in states.items() if state == "waiting")
                raise Unhealthy(container=", ".join(late), reason="deadline", seconds=seconds)
            time.sleep(POLL_SECONDS)  # the condition is the loop's; the engine has no call that waits for health

    def _health(self, name: str, ends: frozenset[str], since: dict[str, float], settle: int) -> str:
        found = self.inspect(name)
        if found is None:
            raise Unhealthy(container=name, reason="gone")
        state, health = inspection.state_of(found["State"]), (found["State"].get("Health") or {}).get("Status", "none")
        if name in ends and state == "completed":
            return "completed"
        if int(found.get("RestartCount", 0)) > 0 or state == "restarting":
            raise Unhealthy(container=name, reason="crash_looping", exit_code=found["State"].get("ExitCode"))
        if state in {"exited", "completed", "dead", "removing"}:
            raise Unhealthy(container=name, reason="exited", exit_code=found["State"].get("ExitCode"))
        if health == "unhealthy":
            raise Unhealthy(container=name, reason="unhealthy")
        if name in ends or state != "running" or health == "starting":
            return "waiting"
        if health == "healthy":
            return "healthy"
        began = since.setdefault(name, time.monotonic())
        return "running" if time.monotonic() - began >= settle else "waiting"

    def logs(self, names: Sequence[str]) -> bytes:
        """Give the last lines of some containers, for a receipt; every longer value of their environment is covered.

        Which of those values are secret only the author knows, so none may show.
        """
        parts = []
        for name in names:
            try:
                tail = self.api.logs(name, stdout=True, stderr=True, tail=LOG_LINES)
                environment = self.api.inspect_container(name)["Config"].get("Env") or ()
            except DockerException:
                continue
            values = tuple(one.partition("=")[2] for one in environment)
            covered = redacted(tail, tuple(value for value in values if len(value) >= SHORTEST_SECRET))
            parts.append(f"== {name}\n".encode() + covered)
        return b"\n".join(parts)


def _pull_problem(reference: str, reason: str) -> DigestMismatch | ImageMissing | Unreachable:
    text = reason.lower()
    if any(sign in text for sign in UNEQUAL):
        return DigestMismatch(image=reference, reason=reason[:500])
    if any(sign in text for sign in MISSING):
        return ImageMissing(image=reference, reason=reason[:500])
    return Unreachable(image=reference, reason=reason[:500])


class _Client(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, deaf to the environment, where REQUESTS_CA_BUNDLE and HTTPS_PROXY say whom to trust and ask."""

    @property
    def trust_env(self) -> bool:
        """See requests.Session."""
        return False

    @trust_env.setter
    def trust_env(self, _value: bool) -> None:
        """Stay deaf."""


@contextmanager
def connected(target: Target, url: str, certificates: Path | None = None) -> Iterator[Engine]:
    """Open an engine, turning every error of the SDK into a Problem.

    ``certificates`` is a folder with ca.pem, cert.pem and key.pem: the engine is spoken to over TLS then, must be of
    that authority and of the host's name, and is shown that certificate.

    Raises: target.unreachable, target.untrusted, target.engine_refused
    """
    try:
        _knock(url)
        api = _Client(base_url=url, version="auto", timeout=TIMEOUT_SECONDS, tls=_secured(certificates))
    except (DockerException, requests.RequestException, OSError) as error:
        raise _not_reached(target, error) from error
    try:
        yield Engine(api)
    except APIError as error:
        raise EngineRefused(target=target.name, reason=str(error.explanation or error)[:500]) from error
    except (DockerException, requests.RequestException) as error:
        raise _not_reached(target, error) from error
    finally:
        api.close()


def _secured(certificates: Path | None) -> TLSConfig | bool:
    if certificates is None:
        return False
    pair = (str(certificates / "cert.pem"), str(certificates / "key.pem"))
    return TLSConfig(client_cert=pair, ca_cert=str(certificates / "ca.pem"), verify=True)


def _not_reached(target: Target, error: BaseException) -> Unreachable | Untrusted:
    """Tell an engine that is not there, which may come back, from one that was not believed or did not believe us."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError | requests.exceptions.SSLError):
            return Untrusted(target=target.name, reason=str(error)[:300])
        seen = seen.__cause__ or seen.__context__
    return Unreachable(target=target.name, reason=str(error)[:300])


def _knock(url: str) -> None:
    """See whether anybody listens, since the SDK forgets to close a socket that was refused."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(TIMEOUT_SECONDS)
            probe.connect(url.removeprefix("unix://"))


def reference_of(repository: str, digest: str, registry: str, *, kept: bool) -> str:
    """Say where an image is pulled from: the home's registry when it keeps the image, else the component's own."""
    if not (kept and registry):
        return f"{repository}@{digest}"
    host, slash, path = repository.partition("/")
    named = path if slash and ("." in host or ":" in host or host == "localhost") else repository
    return f"{registry}/{named}@{digest}"
