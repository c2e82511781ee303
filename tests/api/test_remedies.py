"""What a problem says to type can be typed: every command and option that a remedy names is there."""

import re

import pytest

from api.cli.program import all_commands
from api.problem_catalog import listed
from cas.problems import Problem

NAMED = re.compile(r"\bstella((?: [a-z][a-z-]*| --[a-z][a-z-]*| [A-Z]+)+)")


@pytest.fixture(scope="module")
def commands():
    return dict(all_commands())


def command_of(words, commands):
    """Give the longest command that the words begin with."""
    plain = [word for word in words if word.islower() and not word.startswith("-")]
    return next((name for n in range(len(plain), 0, -1) if (name := " ".join(plain[:n])) in commands), None)


def every():
    """Every problem, those too that only give an inherited code another remedy."""
    assert listed(), "which loads the whole project"
    waiting, found = [Problem], []
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if one.__module__.split(".")[0] != "tests":
            found.append(one)
    return sorted(found, key=lambda one: (one.code, one.__name__))


@pytest.mark.parametrize("one", every(), ids=lambda one: f"{one.code}-{one.__name__}")
def test_what_a_remedy_says_to_type_is_there(one, commands):
    for found in NAMED.findall(one.remedy):
        words = found.split()
        name = command_of(words, commands)
        assert name is not None, f"{one.code}: stella{found}"
        known = {option for param in commands[name].params for option in param.opts}
        assert {word for word in words if word.startswith("--")} <= known, f"{one.code}: stella{found}"
