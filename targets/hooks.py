"""Hook scripts as steps: before anything is stopped, and after all is healthy. Pure.

A hook runs where the target's files are, only if the target's settings say ``hooks=run``; else its receipt says that it
was passed over. It is part of the release, so it is what was judged and approved.
"""

from typing import Final

from cas.digest import uuid_of
from cas.records.base import pairs
from cas.records.deploy import Step
from targets.contract import Wanted

HOOK: Final = "deploy.stella.sh"


def steps(wanted: Wanted) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Give the steps before and after a change, or none when the release has no hook script."""
    script = next((one for one in wanted.rendered.artifacts if one.name == HOOK), None)
    if script is None:
        return (), ()
    told = {
        "release": wanted.release.name,
        "release_id": uuid_of(wanted.deployment.release),
        "environment": wanted.environment.name,
        "target": wanted.target.name,
        "project": wanted.rendered.project,
        "seconds": str(wanted.environment.health_timeout_seconds or 60),
    }
    before = Step(
        id="pre-deploy",
        phase="prepare",
        action="script.run",
        arguments=pairs({**told, "hook": "pre-deploy"}),
        content=script.digest,
    )
    after = Step(
        id="post-deploy",
        phase="verify",
        action="script.run",
        arguments=pairs({**told, "hook": "post-deploy"}),
        content=script.digest,
    )
    return (before,), (after,)
