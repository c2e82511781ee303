"""manifest/1: what a deployment's manifest lists. Reads the rendered and sealed files' names, sizes and digests."""

from typing import Final

from cas.records.deploy import ManifestBody, ManifestInput, Rendered, Sealed
from pipeline.stage import Stage, StageIO
from targets.render import manifest as rendering


def manifest(question: ManifestInput, io: StageIO) -> ManifestBody:
    """Build the manifest that will be signed."""
    rendered = io.load(question.rendered, Rendered)
    sealed = io.load(question.sealed, Sealed).artifacts if question.sealed else ()
    listed = {one.name: one for one in (*rendered.artifacts, *sealed)}
    artifacts = tuple(listed[name] for name in sorted(listed))
    return ManifestBody(
        deployment=question.deployment, artifacts=artifacts, body=io.keep(rendering.body(question, artifacts))
    )


MANIFEST: Final = Stage("manifest", 1, ManifestInput, ManifestBody, manifest)
