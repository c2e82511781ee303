"""Delivered files as steps. Pure; knows artifacts and what was observed, not where they lie.

A file that is absent is written while preparing; one that other bytes occupy is overwritten in the switch, so that
what runs keeps reading the old bytes until then. ``before`` names the old bytes, which undoing puts back.
"""

from cas.records.base import pairs
from cas.records.deploy import Artifact, Step
from targets.contract import Wanted


def observed(wanted: Wanted) -> dict[str, str]:
    """Map each observed path to the digest of its bytes."""
    return {file.path: file.digest for file in wanted.observation.files if file.digest is not None}


def mode(artifact: Artifact) -> str:
    """Give the file mode, in octal."""
    return "0755" if artifact.type == "script" else "0644"


def write_steps(wanted: Wanted) -> tuple[Step, ...]:
    """Give one step for each artifact that is absent or has other bytes."""
    seen = observed(wanted)
    return tuple(
        Step(
            id=f"file-{number}",
            phase="switch" if artifact.name in seen else "prepare",
            action="file.write",
            arguments=pairs({"path": artifact.name, "before": seen.get(artifact.name, ""), "mode": mode(artifact)}),
            content=artifact.digest,
        )
        for number, artifact in enumerate(wanted.rendered.artifacts)
        if seen.get(artifact.name) != artifact.digest
    )


def remove_steps(wanted: Wanted) -> tuple[Step, ...]:
    """Give one step for each file of the lock before that this one no longer has."""
    if wanted.baseline is None:
        return ()
    seen = observed(wanted)
    keep = {artifact.name for artifact in wanted.rendered.artifacts}
    gone = [artifact.name for artifact in wanted.baseline.rendered.artifacts if artifact.name not in keep]
    return tuple(
        Step(
            id=f"file-gone-{number}",
            phase="finish",
            action="file.remove",
            arguments=pairs({"path": name, "before": seen[name]}),
            content=None,
        )
        for number, name in enumerate(sorted(name for name in gone if name in seen))
    )
