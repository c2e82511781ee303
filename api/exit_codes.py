"""What a command's exit code means. Knows numbers and categories; 1 is never ours, because a broken program exits 1."""

from typing import Final

from cas.problems import Category

OK: Final = 0
INPUT: Final = 2
AUTH: Final = 3
MISSING: Final = 4
OFFLINE: Final = 5
RETRY: Final = 10
CRASH: Final = 11

ALLOW: Final = 0
DENY: Final = 2
UNDECIDED: Final = 3
USAGE: Final = 10
BROKEN: Final = 11
WARN_LEAST: Final = 20
WARN_MOST: Final = 125  # 126 and above are the shell's own

GENERAL: Final = (
    (OK, "ok", "It was done, or it was found as asked."),
    (INPUT, "input", "The input is wrong, or the state does not allow it: do not repeat it unchanged."),
    (AUTH, "auth", "Not known, or not allowed."),
    (MISSING, "not found", "What was named is not here."),
    (OFFLINE, "offline", "It needs a network that the settings forbid."),
    (RETRY, "retryable", "It may succeed when repeated: the only code worth a retry."),
    (CRASH, "crash", "A fault of ours or of the machine; nothing was answered."),
)
GATE: Final = (
    (ALLOW, "allow", "The gates allow it, warnings included; `--warn-exit N` (20 to 125) tells warnings apart."),
    (DENY, "deny", "A gate denies it, or it was rejected."),
    (UNDECIDED, "cannot decide", "There is no answer: unknown, unverifiable, or the state does not allow asking."),
    (USAGE, "usage", "The command line is wrong."),
    (BROKEN, "infrastructure", "The machine, the network or this program failed; nothing was decided."),
)
GATE_COMMANDS: Final = ("gate evaluate", "promote")
"""Commands that answer with an outcome; all others use the general table."""

_GENERAL_BY_CATEGORY: Final = {
    Category.INVALID: INPUT,
    Category.MISSING: MISSING,
    Category.CONFLICT: INPUT,
    Category.DENIED: AUTH,
    Category.TOO_LARGE: INPUT,
    Category.CORRUPT: CRASH,
    Category.UNAVAILABLE: RETRY,
    Category.UNSUPPORTED: INPUT,
    Category.INTERNAL: CRASH,
}
_GENERAL_BY_CODE: Final = {"bundle.invalid": INPUT, "image.digest_mismatch": INPUT}  # corrupt, but from outside
_GATE_BY_CATEGORY: Final = {
    Category.INVALID: UNDECIDED,
    Category.MISSING: UNDECIDED,
    Category.CONFLICT: UNDECIDED,
    Category.DENIED: UNDECIDED,
    Category.TOO_LARGE: UNDECIDED,
    Category.CORRUPT: BROKEN,
    Category.UNAVAILABLE: BROKEN,
    Category.UNSUPPORTED: UNDECIDED,
    Category.INTERNAL: BROKEN,
}
_OUTCOMES: Final = {
    "allow": ALLOW,
    "approved": ALLOW,
    "deny": DENY,
    "rejected": DENY,
    "undecided": UNDECIDED,
    "pending": UNDECIDED,
}


def of_category(category: Category, *, gate: bool, code: str = "") -> int:
    """Give the exit code of a Problem; a gate command never maps one to allow or deny."""
    if not gate and code.endswith(".offline"):
        return OFFLINE
    if gate:
        return _GATE_BY_CATEGORY[category]
    return _GENERAL_BY_CODE.get(code, _GENERAL_BY_CATEGORY[category])


def of_outcome(outcome: str, *, warned: bool = False, warn_exit: int = ALLOW) -> int:
    """Give the exit code of a gate's answer; a word that is not known is "cannot decide"."""
    code = _OUTCOMES.get(outcome, UNDECIDED)
    return warn_exit if code == ALLOW and warned else code
