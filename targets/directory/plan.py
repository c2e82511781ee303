"""Plan for a folder: the files that differ. Pure."""

import msgspec

from cas.records.deploy import Step
from targets import files
from targets.contract import Wanted
from targets.settings import AbsolutePath


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the folder is; each project has its own below it."""

    directory: AbsolutePath


def plan(wanted: Wanted) -> tuple[Step, ...]:
    """Give the steps: absent files first, then those with other bytes, at last those no longer wanted."""
    writes = files.write_steps(wanted)
    return (*sorted(writes, key=lambda step: step.phase != "prepare"), *files.remove_steps(wanted))
