"""Images from a registry over the OCI distribution API (1.1). Knows HTTP; must not know what images are for.

Every body is hashed by whoever asked; a header's digest counts for nothing. Addresses are resolved once and judged
before anything is sent; credentials go to the registry and to its own token service only, never along a redirect.
(oras-py loses a manifest's bytes and does not verify blobs: not used here.)
"""

import base64
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import httpx

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import Category, Problem
from pipeline.effects import Fetched
from pipeline.images import ATTACHED_SUFFIXES, INDEX_TYPES, MANIFEST_LIMIT, MANIFEST_TYPES

ACCEPT: Final = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_CHUNK: Final = 1 << 20
_MAX_HOPS: Final = 4
_TOKEN_LIMIT: Final = 64 << 10
_CHALLENGE: Final = re.compile(r'([a-zA-Z]+)="([^"]*)"')
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_DOCKER_HUB: Final = {"docker.io": "registry-1.docker.io"}
_HUB_TOKENS: Final = {"docker.io": ("auth.docker.io",)}


class RegistryUnavailable(Problem):
    """A registry does not answer, or says to come back later."""

    code = "registry.unavailable"
    category = Category.UNAVAILABLE
    title = "The registry does not answer"
    remedy = "Try again; check the registry's address and the network."


class RegistryDenied(Problem):
    """A registry refuses the credentials, or none were given."""

    code = "registry.denied"
    category = Category.DENIED
    title = "The registry refuses access"
    remedy = "Give the integration's record a credential reference that may pull this repository."


class RegistryMissing(Problem):
    """A registry has no such repository, tag or digest."""

    code = "registry.not_found"
    category = Category.MISSING
    title = "The registry has no such image"
    remedy = "Check repository and tag."


class RegistryInvalid(Problem):
    """A registry answered something that the distribution API does not allow."""

    code = "registry.answer_invalid"
    category = Category.CORRUPT
    title = "The registry's answer cannot be used"
    remedy = "Check that the address is a registry, and nothing in between changes its answers."


class RegistryTooLarge(Problem):
    """A manifest is larger than 4 MiB."""

    code = "registry.manifest_too_large"
    category = Category.TOO_LARGE
    title = "The manifest is larger than 4 MiB"
    remedy = "Use an image with a smaller manifest."


class AddressRefused(Problem):
    """A host's address may not be talked to."""

    code = "registry.address_refused"
    category = Category.DENIED
    title = "This address may not be talked to"
    remedy = "Allow private addresses, or plain HTTP, in the integration's record if that is meant."


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """One registry that we may talk to. ``credential`` resolves (user, password) at the moment of use; None = none.

    ``also`` names hosts that belong to it (its token service, its storage). ``allow_private`` lets private and
    link-local addresses of those through, nobody else's; ``allow_http`` plain HTTP to other than loopback.
    """

    host: str
    also: tuple[str, ...] = ()
    allow_private: bool = False
    allow_http: bool = False
    http: bool = False
    credential: Callable[[], tuple[str, str]] | None = None
    timeout_seconds: float = 30.0
    ca_file: str = ""
    resolve: Callable[[str, int], list[str]] | None = None


@dataclass(slots=True)
class _Addresses:
    """Names resolved once, and judged; the same address is used for every later connection."""

    settings: RegistrySettings
    known: dict[tuple[str, int], str] = field(default_factory=dict)

    def of(self, host: str, port: int) -> str:
        """Give the address to connect to.

        Raises: registry.address_refused, registry.unavailable
        """
        if (host, port) not in self.known:
            found = (self.settings.resolve or _resolve)(host, port)
            if not found:
                raise RegistryUnavailable(host=host, reason="the name does not resolve")
            for address in found:
                self._judge(host, address)
            self.known[host, port] = found[0]
        return self.known[host, port]

    def trusted(self, host: str) -> bool:
        """Tell whether a host is the registry, or named as belonging to it."""
        named = (self.settings.host, _DOCKER_HUB.get(self.settings.host, ""), *_HUB_TOKENS.get(self.settings.host, ()))
        return host.lower() in {(urlsplit(f"//{one}").hostname or "").lower() for one in (*named, *self.settings.also)}

    def _judge(self, host: str, address: str) -> None:
        ip: Any = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip.is_loopback and self.trusted(host) and host in _LOOPBACK:
            return  # the integration names loopback itself
        private = self.settings.allow_private and self.trusted(host) and not (ip.is_multicast or ip.is_unspecified)
        if not ip.is_global and not private:
            raise AddressRefused(host=host, address=address)


def _resolve(host: str, port: int) -> list[str]:
    try:
        return list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except OSError as error:
        raise RegistryUnavailable(host=host, reason=str(error)[:100]) from error


class OciRegistry:
    """An ImageSource over one registry. One connection pool; safe to share between threads."""

    def __init__(self, settings: RegistrySettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        name = _DOCKER_HUB.get(settings.host, settings.host)
        loopback = (urlsplit(f"//{name}").hostname or "") in _LOOPBACK
        if settings.http and not loopback and not settings.allow_http:
            raise AddressRefused(host=settings.host, reason="plain HTTP")
        self._base = f"{'http' if settings.http else 'https'}://{name}"
        self._origin = _origin(self._base)
        self._addresses = _Addresses(settings)
        self._tokens: dict[str, str] = {}
        self._client = httpx.Client(
            transport=transport,
            verify=_context(settings),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(settings.timeout_seconds, connect=min(10.0, settings.timeout_seconds)),
            headers={"User-Agent": "stella-release"},
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def manifest(self, repository: str, reference: str) -> Fetched:
        """See ImageSource.

        Raises: registry.* problems
        """
        url = f"{self._base}/v2/{repository}/manifests/{quote(reference, safe=':')}"
        response = self._get(url, repository, {"Accept": ACCEPT})
        try:
            data = _limited(response, MANIFEST_LIMIT, repository)
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
        finally:
            response.close()
        return Fetched(data, kind, digest.of_bytes(data))

    def blob(self, repository: str, name: Digest) -> Iterator[bytes]:
        """See ImageSource; the reader hashes.

        Raises: registry.* problems
        """
        response = self._get(f"{self._base}/v2/{repository}/blobs/{digest.parse(name)}", repository, {})
        try:
            yield from response.iter_raw(_CHUNK)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(host=self._settings.host, reason=type(error).__name__) from error
        finally:
            response.close()

    def referrers(self, repository: str, subject: Digest, artifact_type: str = "") -> tuple[dict[str, Any], ...]:
        """List descriptors of what refers to a manifest: the referrers API, else the fallback tag ``sha256-<hex>``.

        Raises: registry.* problems
        """
        try:
            response = self._get(f"{self._base}/v2/{repository}/referrers/{subject}", repository, {"Accept": ACCEPT})
            data = _limited(response, MANIFEST_LIMIT, repository)
            response.close()
        except RegistryMissing:
            try:
                data = self.manifest(repository, subject.replace(":", "-")).data
            except RegistryMissing:
                return ()
        document = jcs.parse(data, max_bytes=MANIFEST_LIMIT, max_depth=32, max_nodes=100_000)
        listed = document.get("manifests") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise RegistryInvalid(host=self._settings.host, reason="referrers are no index")
        found = [one for one in listed if isinstance(one, dict) and digest.is_digest(str(one.get("digest")))]
        return tuple(one for one in found if artifact_type in ("", one.get("artifactType")))

    def attached(self, repository: str, subject: Digest) -> tuple[Digest, ...]:
        """See ImageSource: referrers, and cosign's tags ``sha256-<hex>.sig``, ``.att``, ``.sbom``."""
        found = [str(one["digest"]) for one in self.referrers(repository, subject)]
        for suffix in ATTACHED_SUFFIXES:
            with suppress(RegistryMissing):
                found.append(self.manifest(repository, subject.replace(":", "-") + suffix).digest)
        return tuple(dict.fromkeys(found))

    def _get(self, url: str, repository: str, headers: dict[str, str]) -> httpx.Response:
        """Ask, answering one challenge; redirects are followed without credentials, a few hops at most."""
        response = self._send(url, headers | self._authorization(repository))
        if response.status_code == 401:
            challenge = response.headers.get("www-authenticate", "")
            response.close()
            self._answer(challenge, repository)
            response = self._send(url, headers | self._authorization(repository))
        for _ in range(_MAX_HOPS):
            if response.status_code not in {301, 302, 303, 307, 308}:
                break
            url = urljoin(url, response.headers.get("location", ""))
            response.close()
            response = self._send(url, headers)  # without Authorization: a redirect leads to storage, or astray
        return self._checked(response)

    def _checked(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if status == 200:
            return response
        response.close()
        facts = {"host": self._settings.host, "status": status}
        if status in {401, 403}:
            raise RegistryDenied(**facts)
        if status == 404:
            raise RegistryMissing(**facts)
        if status in {408, 429} or status >= 500:
            raise RegistryUnavailable(**facts)
        raise RegistryInvalid(**facts)

    def _send(self, url: str, headers: dict[str, str]) -> httpx.Response:
        """Send to the address that the host's name was resolved to; TLS still proves the name."""
        parts = urlsplit(url)
        host, plain = parts.hostname or "", parts.scheme == "http"
        if parts.scheme not in {"https", "http"} or not host or parts.username is not None:
            raise RegistryInvalid(host=self._settings.host, reason="a redirect to no web address")
        if plain and not (self._settings.http and (_origin(url) == self._origin or self._settings.allow_http)):
            raise AddressRefused(host=host, reason="plain HTTP")
        try:
            port = parts.port or (80 if plain else 443)
        except ValueError as error:
            raise RegistryInvalid(host=self._settings.host, reason="a redirect to no port") from error
        address = self._addresses.of(host, port)
        at = f"[{address}]" if ":" in address else address
        request = self._client.build_request(
            "GET",
            parts._replace(netloc=f"{at}:{port}").geturl(),
            headers={"Accept-Encoding": "identity", **headers, "Host": parts.netloc},
            extensions={"sni_hostname": host},
        )
        try:
            return self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(host=host, reason=type(error).__name__) from error
        except (ValueError, UnicodeError) as error:
            raise RegistryInvalid(host=host, reason=type(error).__name__) from error

    def _authorization(self, repository: str) -> dict[str, str]:
        token = self._tokens.get(repository) or self._tokens.get("")
        return {"Authorization": token} if token else {}

    def _answer(self, challenge: str, repository: str) -> None:
        """Answer a challenge (RFC 7235; distribution token authentication).

        Raises: registry.denied, registry.answer_invalid
        """
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            self._tokens[""] = self._basic()
            return
        asked = dict(_CHALLENGE.findall(rest))
        if scheme.lower() != "bearer" or "realm" not in asked:
            raise RegistryDenied(host=self._settings.host, reason="no challenge that we can answer")
        query = f"service={quote(asked.get('service', ''))}&scope={quote(f'repository:{repository}:pull')}"
        realm = asked["realm"]
        if not self._addresses.trusted(urlsplit(realm).hostname or ""):
            raise RegistryDenied(host=self._settings.host, reason="the token service is on a host not named for it")
        headers: dict[str, str] = {}
        if self._settings.credential is not None:
            headers["Authorization"] = self._basic()
        response = self._checked(self._send(f"{realm}{'&' if '?' in realm else '?'}{query}", headers))
        try:
            document = jcs.parse(_limited(response, _TOKEN_LIMIT, repository), max_bytes=_TOKEN_LIMIT)
        finally:
            response.close()
        token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RegistryInvalid(host=self._settings.host, reason="no token")
        self._tokens[repository] = f"Bearer {token}"

    def _basic(self) -> str:
        if self._settings.credential is None:
            raise RegistryDenied(host=self._settings.host, reason="credentials are needed")
        user, password = self._settings.credential()
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _context(settings: RegistrySettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca_file or None)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _limited(response: httpx.Response, limit: int, repository: str) -> bytes:
    """Read a body of bounded length."""
    found = bytearray()
    try:
        for chunk in response.iter_raw(_CHUNK):
            found += chunk
            if len(found) > limit:
                response.close()
                raise RegistryTooLarge(repository=repository, limit=limit)
    except httpx.HTTPError as error:
        raise RegistryUnavailable(reason=type(error).__name__) from error
    return bytes(found)
