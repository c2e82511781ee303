"""Bytes by path: objects and the files of deployments, for doors that stream them."""

from collections.abc import Iterator
from urllib.parse import unquote

from api.calls.moved import ARTIFACT, OBJECT, OCTETS
from api.visit import Visit
from cas import digest
from pipeline.operations import artifacts
from targets.render.manifest import MANIFEST_NAME

_MEDIA = {
    ".json": "application/json",
    ".yml": "application/yaml",
    ".sh": "text/x-shellscript",
    ".pdf": "application/pdf",
    ".sha256": "text/plain",
}


def bytes_at(visit: Visit, path: str) -> Iterator[bytes] | None:
    """Give the bytes at a path below /api/v1; None when such a path gives none.

    Raises: auth.*, artifact.*, cas.object_missing
    """
    words = [unquote(word) for word in path.strip("/").split("/")]
    if len(words) == 2 and words[0] == "objects":
        visit.asker.check(OBJECT)
        return visit.effects.store.read(digest.parse(words[1]))
    if len(words) >= 4 and words[0] == "deployment-jobs" and words[2] == "artifacts":
        visit.asker.check(ARTIFACT)
        return iter((artifact(visit, words[1], "/".join(words[3:]))[0],))
    return None


def artifact(visit: Visit, deployment: str, name: str) -> tuple[bytes, str]:
    """Give a deployment's file and its media type.

    Raises: artifact.missing
    """
    wanted = MANIFEST_NAME if name == "manifest" else name
    data = artifacts.read(visit.effects, artifacts.files_of(visit.effects, deployment), wanted)
    return data, _MEDIA.get("." + wanted.rsplit(".", 1)[-1], OCTETS)
