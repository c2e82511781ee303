"""What travels beside a lock: env file, hook scripts, configuration and project files. Pure."""

from typing import Final

from cas.records.base import Pairs
from cas.records.deploy import Artifact, ArtifactType
from cas.records.release import Tree, TreeEntry

ENV_NAME: Final = "stella.env"
HOOKS: Final[dict[str, ArtifactType]] = {
    "deploy.stella.sh": "script",
    "deploy.stella.csx": "script-source",
    "deploy.stella.script.dll": "script-compiled",
}
_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "$": "\\$"}


def env_file(variables: Pairs) -> bytes:
    """Write the non-secret variables so that Compose reads them back as they are; sorted by name."""
    lines = ["# Variables that the lock was made with. Generated; secrets are never in here."]
    lines += [f"{name}={_quoted(value)}" for name, value in sorted(variables)]
    return ("\n".join(lines) + "\n").encode()


def _quoted(value: str) -> str:
    if "'" not in value and "\n" not in value and "\r" not in value:
        return f"'{value}'"
    return '"' + "".join(_ESCAPED.get(char, char) for char in value) + '"'


def hooks(tree: Tree) -> tuple[Artifact, ...]:
    """List the hook scripts at the template's root."""
    return tuple(_artifact(entry, HOOKS[entry.path]) for entry in tree.entries if entry.path in HOOKS)


def project_files(tree: Tree, needed: tuple[str, ...]) -> tuple[Artifact, ...]:
    """List the captured files that the lock mounts; one that may be executed travels as a script, so it stays so."""
    wanted = set(needed) - set(HOOKS)
    return tuple(
        _artifact(entry, "script" if entry.executable else "config") for entry in tree.entries if entry.path in wanted
    )


def _artifact(entry: TreeEntry, kind: ArtifactType) -> Artifact:
    return Artifact(name=entry.path, type=kind, size=entry.size, digest=entry.digest)
