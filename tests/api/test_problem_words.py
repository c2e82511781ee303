"""The words of a code that a record kept are those of the catalog."""

import subprocess
import sys
from pathlib import Path

from api.problem_catalog import listed
from api.problem_words import Words, words_of

ROOT = Path(__file__).resolve().parents[2]


def test_every_code_that_there_is_has_its_words_and_no_other_has_any():
    for one in listed():
        assert words_of(one.code) == Words(one.title, one.remedy), one.code
    assert words_of("target.never_was") == Words("", "")


def test_what_stops_a_target_is_found_without_loading_the_project():
    """status and deploy are light: the whole project is loaded only for codes that hardly ever stop a deployment."""
    codes = [one.code for one in listed() if one.module.startswith("targets.problems")] + ["target.folder_full"]
    assert len(codes) > 12
    asked = f"import sys; from api.problem_words import words_of; print(all(words_of(c).remedy for c in {codes!r}));"
    told = subprocess.run(
        [sys.executable, "-c", asked + "print('api.problem_catalog' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.split() == ["True", "False"]
