"""The typed Python client: the calls of api/calls over HTTP(S) or a home's unix socket. Loads no operation.

with Client("https://stella.example", token=...) as stella:
    head = stella.ask(log.HEAD, log.LogHeadAsk())
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from api import bodies, signed
from api.calls import evidence
from api.calls.bundles import BundleImported
from api.calls.call import AnyCall, Ask, Call
from api.calls.feeds import Feed, FeedImported
from api.calls.moved import FRAMES, TAR
from api.problems import AnswerInvalid, FileThere, ProblemBody, Remote, ServerUnreachable
from api.system import SystemEntropy, seconds
from cas import digest
from cas.digest import Digest, Hasher
from cas.problems import ObjectCorrupt
from pipeline.effects import Signer

Q = TypeVar("Q", bound=Ask)
A = TypeVar("A")
BASE: Final = "/api/v1"
_SHORT: Final = 100
_ENTROPY: Final = SystemEntropy()
_FRAMED: Final = ("evidence.submit", "feed.import", "evaluation.create")


class Client:
    """One server or socket. ``server`` is ``http(s)://host:port`` or ``unix:/path/to/socket``.

    Safe to share between threads. A request that may be repeated without harm is repeated once when the connection
    broke; a POST carries an idempotency key, so that it may be.
    """

    def __init__(self, server: str, *, token: str = "", key: Signer | None = None, timeout: float = 600.0) -> None:
        self.place = server
        self._token = token
        self._key = key
        transport = _transport(server)
        base = "http://stella" if server.startswith("unix:") else server.rstrip("/")
        self._http = httpx.Client(
            base_url=base,
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=10.0),
            follow_redirects=False,  # credentials never follow a redirect
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def ask(self, call: Call[Q, A], request: Q) -> A:
        """Ask, and wait for the answer.

        Raises: the problems that the server reports, as Remote; api.server_unreachable, api.answer_invalid
        """
        target, body, media = _spell(call, request)
        headers = {"Content-Type": media} if media else {}
        if call.method == "POST":
            headers["Idempotency-Key"] = _ENTROPY.nonce()
        response = self._send(call.method, target, body, headers)
        try:
            return msgspec.json.decode(response.content, type=call.answer)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise AnswerInvalid(call=call.name, reason=str(error)[:200]) from error

    def read(self, path: str, sink: Callable[[bytes], Any]) -> int:
        """Stream the bytes at a path below /api/v1 into ``sink``; give how many they were."""
        target = BASE + path
        size = 0
        try:
            with self._http.stream("GET", target, headers=self._who("GET", target, b"", {})) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    raise _problem(response)
                for chunk in response.iter_raw(1 << 20):
                    sink(chunk)
                    size += len(chunk)
        except httpx.HTTPError as error:
            raise ServerUnreachable(server=self.place, reason=str(error)[:200]) from error
        return size

    def object(self, name: Digest) -> bytes:
        """Give an object's bytes, verified here."""
        held, hasher = bytearray(), Hasher()

        def take(chunk: bytes) -> None:
            hasher.update(chunk)
            held.extend(chunk)

        self.read(f"/objects/{name}", take)
        if hasher.digest() != name:
            raise ObjectCorrupt(digest=name, found=hasher.digest())
        return bytes(held)

    def upload(self, document: Path, *, subject: str = "", declared: str = "") -> evidence.Submitted:
        """Submit one document as a raw body, streamed from its file in bounded memory."""
        hasher = Hasher()
        for chunk in _chunks(document):
            hasher.update(chunk)
        target = f"{BASE}/evidence?subject={quote(subject, safe='')}&format={quote(declared, safe='')}"
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": _ENTROPY.nonce()}
        response = self._send("POST", target, hasher.digest(), headers, stream=lambda: _chunks(document))
        return msgspec.json.decode(response.content, type=evidence.Submitted)

    def feed(self, feed: Feed) -> FeedImported:
        """Import advisories: written to a file without a name first, then streamed from it, one held at a time."""
        lists = (("kev", feed.kev), ("epss", feed.epss))
        documents = chain(
            (evidence.Document(data=data, format="osv") for data in feed.advisories),
            (evidence.Document(data=data, format=kind) for kind, data in lists if data is not None),
        )
        target = f"{BASE}/feeds" + _query(
            {"name": feed.name, "replace_all": feed.replace_all, "complete": feed.complete}
            | ({"captured_at": feed.captured_at} if feed.captured_at else {})
        )
        headers = {"Content-Type": FRAMES, "Idempotency-Key": _ENTROPY.nonce()}
        with TemporaryFile() as file:
            hasher = Hasher()
            for piece in bodies.frames_of(documents):
                hasher.update(piece)
                file.write(piece)
            response = self._send("POST", target, hasher.digest(), headers, stream=lambda: _again(file))
        return msgspec.json.decode(response.content, type=FeedImported)

    def export(self, asked: Mapping[str, str], to: Path) -> int:
        """Stream a signed bundle to a file that must not exist; give its size."""
        words = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items() if value)
        try:
            with to.open("xb") as file:
                return self.read(f"/bundles/export?{words}", file.write)
        except FileExistsError as error:
            raise FileThere(path=str(to)) from error
        except BaseException:
            to.unlink(missing_ok=True)
            raise

    def bring(self, bundle: Path, root: str) -> BundleImported:
        """Bring a bundle in, streamed from its file."""
        hasher = Hasher()
        for chunk in _chunks(bundle):
            hasher.update(chunk)
        headers = {"Content-Type": TAR, "Idempotency-Key": _ENTROPY.nonce()}
        target = f"{BASE}/bundles" + (f"?root={quote(root, safe='')}" if root else "")
        response = self._send("POST", target, hasher.digest(), headers, stream=lambda: _chunks(bundle))
        return msgspec.json.decode(response.content, type=BundleImported)

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | Digest,
        headers: dict[str, str],
        *,
        stream: Callable[[], Iterator[bytes]] | None = None,
    ) -> httpx.Response:
        for attempt in (1, 2):
            named = self._who(method, target, body, headers)
            content = stream() if stream is not None else body
            try:
                response = self._http.request(method, target, content=content, headers=named)
            except httpx.HTTPError as error:
                if attempt == 1 and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
                    continue
                raise ServerUnreachable(server=self.place, reason=str(error)[:200]) from error
            if not response.is_success:
                raise _problem(response)
            return response
        raise ServerUnreachable(server=self.place)

    def _who(self, method: str, target: str, body: bytes | Digest, headers: dict[str, str]) -> dict[str, str]:
        """Add who asks: a signature by a person's key, else a token."""
        name = body if isinstance(body, str) else digest.of_bytes(body)
        if self._key is not None:
            headers = headers | signed.sign(
                method,
                target,
                name,
                key_id=self._key.key.id,
                created=seconds(),
                nonce=_ENTROPY.nonce(),
                signer=self._key.sign,
            )
        elif self._token:
            headers = headers | {"Authorization": f"Bearer {self._token}"}
        if isinstance(body, str) or body:
            headers = {**headers, "Content-Digest": signed.content_digest(name)}
        return headers


def connects(path: Path) -> bool:
    """Tell whether somebody serves a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(_reachable(path))
        except OSError:
            return False
    return True


def _reachable(path: Path) -> str:
    """Name a socket so that its path fits into sockaddr_un: from the working folder when it is long."""
    text = str(path)
    if len(os.fsencode(text)) <= _SHORT:
        return text
    relative = os.path.relpath(text)
    if len(os.fsencode(relative)) <= _SHORT:
        return relative
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)  # held for the process: a client opens one or two
    return f"/proc/self/fd/{folder}/{path.name}"


def _transport(server: str) -> httpx.HTTPTransport | None:
    if server.startswith("unix:"):
        return httpx.HTTPTransport(uds=_reachable(Path(server[5:])))
    return None


def _spell(call: AnyCall, request: Ask) -> tuple[str, bytes, str]:
    """Give target, body and media type of a request."""
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    path = BASE + call.path
    for name in call.in_path:
        path = path.replace(f"{{{name}}}", quote(str(fields.pop(name)), safe=""))
    if call.name in _FRAMED:
        documents = fields.pop("documents")
        return path + _query(fields), b"".join(bodies.frames_of(documents)), FRAMES
    if call.has_body:
        return path, msgspec.json.encode(fields), "application/json"
    return path + _query(fields), b"", ""


def _query(fields: dict[str, Any]) -> str:
    pairs = [f"{name}={quote(_text(value), safe='')}" for name, value in fields.items() if value not in ("", None)]
    return "?" + "&".join(pairs) if pairs else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _again(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(1 << 20):
        yield chunk


def _problem(response: httpx.Response) -> Exception:
    try:
        return Remote(msgspec.json.decode(response.content, type=ProblemBody))
    except (msgspec.DecodeError, msgspec.ValidationError):
        return AnswerInvalid(status=response.status_code)
