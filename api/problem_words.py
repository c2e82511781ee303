"""What a problem's code says, for answers that hold a code which a record kept. Knows where codes are; decides nothing.

A record holds codes, never prose; the sentences are those of this version's catalog, as for a Problem raised now.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from cas.problems import Problem

_HOMES: Final = ("targets.problems", "targets.directory.problems", "pipeline.effects", "pipeline.stages.plan")
"""Where what stops a target is; any other code is looked for in the whole project, which takes a moment."""


@dataclass(frozen=True, slots=True)
class Words:
    """A problem's sentences; both empty when no problem of this version has the code."""

    title: str
    remedy: str


@cache
def words_of(code: str) -> Words:
    """Give the sentences of a code."""
    for home in _HOMES:
        found = _in(home, code)
        if found is not None:
            return found
    return _anywhere(code)


def _in(home: str, code: str) -> Words | None:
    kinds = (one for one in vars(import_module(home)).values() if isinstance(one, type) and issubclass(one, Problem))
    return next((Words(one.title, one.remedy) for one in kinds if one.code == code and one.__module__ == home), None)


def _anywhere(code: str) -> Words:
    from api.problem_catalog import listed  # noqa: PLC0415 - it loads the whole project

    return next((Words(one.title, one.remedy) for one in listed() if one.code == code), Words("", ""))
