"""Names of images as people write them. Knows the reference grammar (distribution/reference); fetches nothing."""

import re
from dataclasses import dataclass
from typing import Final

from cas import digest
from cas.problems import Category, Problem

# distribution/reference: name = [domain "/"] path; docker's own normal form for names without a domain
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"\A{_PART}(?:/{_PART})*\Z")
_HOST: Final = re.compile(r"\A(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\Z")
_TAG: Final = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_SEMVER: Final = re.compile(r"\Av?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)\Z")
DEFAULT_HOST: Final = "docker.io"


class ReferenceInvalid(Problem):
    """A string is not an image reference."""

    code = "image.reference_invalid"
    category = Category.INVALID
    title = "Not an image reference"
    remedy = "Write registry/repository:tag or registry/repository@sha256:… in lower case."


@dataclass(frozen=True, slots=True)
class Reference:
    """An image reference, split. ``host`` is where to ask; ``repository`` the full name without tag or digest."""

    host: str
    path: str
    tag: str
    digest: str

    @property
    def repository(self) -> str:
        """``host/path``, as it stands in a lock before ``@``."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def asked(self) -> str:
        """What a registry is asked for: the digest where there is one."""
        return self.digest or self.tag or "latest"


def parse_reference(text: str) -> Reference:
    """Split a reference; ``nginx`` becomes ``docker.io/library/nginx``, as Docker reads it.

    Raises: image.reference_invalid
    """
    rest, _, pinned = text.partition("@")
    if len(text) > 512 or (("@" in text) and not digest.is_digest(pinned)):
        raise ReferenceInvalid(reference=text[:200])
    head, slash, tail = rest.rpartition("/")
    name, colon, tag = tail.partition(":")
    rest = head + slash + name
    host, slash, path = rest.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = DEFAULT_HOST, rest if slash else f"library/{rest}"
    if not _PATH.match(path) or not _HOST.match(host) or (colon and not _TAG.match(tag)) or len(path) > 255:
        raise ReferenceInvalid(reference=text[:200])
    return Reference(host, path, tag, pinned)


def same_repository(left: str, right: str) -> bool:
    """Tell whether two repository names mean the same, however short they are written."""
    try:
        return parse_reference(left).repository == parse_reference(right).repository
    except ReferenceInvalid:
        return False


def semver_of(tag: str) -> str:
    """Read a semantic version out of a tag; empty when it is none."""
    found = _SEMVER.match(tag)
    return found.group(1) if found else ""
