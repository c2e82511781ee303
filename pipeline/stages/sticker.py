"""sticker/1: the body of one target's version sticker. Reads the deployment and what it names."""

from typing import Final

from cas.digest import Digest
from cas.records.deploy import Deployed, Deployment, StickerBody, StickerInput
from cas.records.release import Environment, Release, Target
from pipeline.stage import Stage, StageIO
from targets.render import sticker as rendering


def sticker(question: StickerInput, io: StageIO) -> StickerBody:
    """Build the sticker that will be signed."""
    deployment = io.load(question.deployment, Deployment)
    target = io.load(question.target, Target)
    data = rendering.body(
        question,
        deployment,
        io.load(deployment.release, Release),
        io.load(deployment.environment, Environment),
        target,
        previous=_previous(deployment, io),
    )
    return StickerBody(
        deployment=question.deployment,
        target=question.target,
        name=rendering.file_name(target),
        body=io.keep(data),
    )


def _previous(deployment: Deployment, io: StageIO) -> tuple[Digest, Release] | None:
    if deployment.previous is None:
        return None
    before = io.load(deployment.previous, Deployed)
    return before.release, io.load(before.release, Release)


STICKER: Final = Stage("sticker", 1, StickerInput, StickerBody, sticker)
