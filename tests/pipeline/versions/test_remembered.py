"""What is remembered is what the function gives, in bounds."""

import pytest

from pipeline.versions import remembered
from pipeline.versions.remembered import Remembered


def test_a_value_is_made_once_and_a_failure_each_time():
    asked = []

    def inverse(number):
        asked.append(number)
        return 12 // number

    held = Remembered(inverse)
    assert [held[4], held[4]] == [3, 3]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            held[0]
    assert (asked, dict(held)) == ([4, 0, 0], {4: 3})


def test_it_begins_anew_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(remembered, "MAX", 2)
    held = Remembered(str)
    assert [held[at] for at in range(5)] == ["0", "1", "2", "3", "4"]
    assert dict(held) == {4: "4"}
