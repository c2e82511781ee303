"""Meanings are frozen: what a published stage or gate reaches changes only with a new version or an equal corpus."""

import ast
import json

import pytest

from tests.support import frozen


def shaped(source):
    return frozen.shape(ast.parse(source))


def test_published_stages_and_gates_mean_what_they_meant():
    old, new = json.loads(frozen.FROZEN.read_text()), frozen.computed()
    found = list(frozen.changes(old, new))
    assert not found, (
        "A published meaning changed. Give it a new version beside the old; or, if no answer changes, "
        "python -m tests.support.frozen reruns the golden corpus and, when all is byte-equal, writes the list anew.\n"
        + "\n".join(found)
    )
    assert old == new, "the list is stale: python -m tests.support.frozen"


def test_judging_reaches_no_foreign_package_but_those_of_records_and_patterns():
    """msgspec reads records."""
    for stage in ("gather/1", "assess/1", "judge/1", "decide/1"):
        assert set(frozen.computed()["stages"][stage]["imports"]) <= {"msgspec"}, stage


@pytest.mark.parametrize(
    "same",
    [
        'def f(a):\n    """Another sentence."""\n    # a comment\n    return a + 1\n',
        "\n\ndef f(a):\n\n    return (a + 1)\n",
        '"""A module."""\ndef f(a): return a + 1',
    ],
)
def test_comments_docstrings_and_layout_mean_nothing(same):
    assert shaped(same) == shaped("def f(a):\n    return a + 1\n")


@pytest.mark.parametrize(
    "other",
    [
        "def f(a):\n    return a + 2\n",
        "def f(a):\n    return a - 1\n",
        "def f(b):\n    return b + 1\n",
        "def f(a: int):\n    return a + 1\n",
        "def f(a):\n    return a + 1.0\n",
        "def f(a):\n    return a + True\n",
        "def f(a=0):\n    return a + 1\n",
        "def f(a):\n    'x'\n    'y'\n    return a + 1\n",
    ],
)
def test_anything_else_means_something(other):
    assert shaped(other) != shaped("def f(a):\n    return a + 1\n")


def test_the_closure_of_judge_reaches_gates_records_and_the_canonical_form():
    modules = set(frozen.computed()["stages"]["judge/1"]["modules"])
    assert {"policy.gates.severity_budget", "cas.records.verdict", "cas.canon", "pipeline.stage"} <= modules
    assert not {each for each in modules if each.startswith(("api.", "replay."))}


def test_a_change_is_told_by_its_name_and_modules():
    old = frozen.computed()
    new = json.loads(json.dumps(old))
    new["modules"]["policy.gates.severity_budget"] = "sha256:other"
    del new["stages"]["drift/1"]
    found = "\n".join(frozen.changes(old, new))
    assert "severity_budget/1 means something else: policy.gates.severity_budget" in found
    assert "judge/1 means something else: policy.gates.severity_budget" in found
    assert "drift/1 is no longer published" in found
