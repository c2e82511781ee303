"""Globs: ``*`` any run, ``?`` one character, the rest stands for itself. Linear memory, no backtracking regexes."""

from collections.abc import Iterable


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text fits a glob, case counted; time is at most length times length."""
    if pattern == "*":
        return True
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    at = spot = 0
    star = -1
    resume = 0
    while spot < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, spot
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", text[spot]}:
            at += 1
            spot += 1
        elif star >= 0:
            resume += 1
            at, spot = star + 1, resume
        else:
            return False
    return all(left == "*" for left in pattern[at:])


def any_matches(patterns: Iterable[str], text: str) -> bool:
    """Tell whether a text fits at least one glob; no globs fit nothing."""
    for pattern in patterns:  # noqa: SIM110 - asked of every row by most gates: a generator costs as much again
        if matches(pattern, text):
            return True
    return False
