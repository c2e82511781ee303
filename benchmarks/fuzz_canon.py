"""A long fuzz of canonical JSON: ``python -m benchmarks.fuzz_canon 1000000 [seed]``. Exit code 1 at any mismatch.

Documents are made as text, so that numbers, escapes and blanks are spelled in every way, keys come twice and in the
orders that UTF-8 and UTF-16 disagree about. The oracle is the standard library's decoder with hooks that refuse what
must be refused, and the rfc8785 library. Pieces are made small, so that small documents are taken apart like large ones.
"""

import json
import random
import sys
import time

import rfc8785

from cas import jcs
from cas.problems import CanonInvalid, TooLarge

SAFE = 2**53 - 1
WORDS = ["", "a", "b", "aa", "purl", ":9007199254740993", ",[1234567890123456789", "-12345678901234567", "x" * 40, "1"]
SIGNS = [
    "\x00",
    "\x1f",
    '"',
    "\\",
    "/",
    "\x7f",
    "\x80",
    "\u2028",
    "\ud7ff",
    "\ue000",
    "\ufb33",
    "\uffff",
    "u0022",
    "[",
    "}",
]
ASTRAL = ["\U00010000", "\U0001f600", "\U0010ffff"]
NUMBERS = [
    *(
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1.0",
        "1e0",
        "1E2",
        "1e-5",
        "1e-6",
        "1.5e-6",
        "1e-7",
        "0.1",
        "4.35",
        "5e-324",
        "2e-400",
    ),
    *("1e15", "1e16", "1e20", "1e21", "1E30", "-1e22", "1e300", "1e400", "9007199254740991", "9007199254740992"),
    *("-9007199254740991", "-9007199254740993", "9007199254740991.0", "9007199254740993.0", "90071992547409910e-1"),
    *("999999999999999900000.0", "1000000000000000000000000000000", "18446744073709551616", "0.30000000000000004"),
    *("1234567890123456", "1234567890123456.5", "333333333.33333329", "1.7976931348623157e308", "1e-0", "123e-20"),
]
BLANKS = ["", "", "", " ", "\n", "\t ", "\r\n"]


class Refused(Exception):
    """The oracle refuses."""


def document(chance, depth=0):
    """Make the text of a value."""
    kind = chance.random()
    if depth > 5 or kind < 0.25:
        return number(chance) if chance.random() < 0.4 else chance.choice(("true", "false", "null", text(chance)))
    blank, count = chance.choice(BLANKS), chance.randrange(5)
    if kind < 0.55:
        inner = f"{blank},{blank}".join(document(chance, depth + 1) for _ in range(count))
        return f"[{blank}{inner}{blank}]"
    members = {text(chance): document(chance, depth + 1) for _ in range(count)}
    pairs = [f"{name}{blank}:{blank}{value}" for name, value in members.items()]
    if pairs and chance.random() < 0.03:
        pairs.append(f"{chance.choice(list(members))}:{document(chance, depth + 1)}")
    chance.shuffle(pairs)
    return f"{{{blank}{f'{blank},'.join(pairs)}{blank}}}"


def number(chance):
    """Make the text of a number."""
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(NUMBERS)
    if kind < 0.7:
        return repr(chance.uniform(-1, 1) * 10.0 ** chance.randrange(-30, 30))
    return str(chance.randrange(-(10**17), 10**17) // 10 ** chance.randrange(17))


def text(chance):
    """Make the text of a string."""
    parts = [chance.choice(WORDS)]
    while chance.random() < 0.4:
        parts.append(chance.choice(SIGNS if chance.random() < 0.85 else ASTRAL))
    return '"' + "".join(spelled(chance, sign) for part in parts for sign in part) + '"'


def spelled(chance, sign):
    """Spell a character raw or escaped; now and then as half a surrogate pair."""
    if chance.random() < 0.002:
        return chance.choice(("\\ud800", "\\udc00", "\\uDBFF\\u0041"))
    short = {'"': '\\"', "\\": "\\\\", "/": "\\/"}.get(sign)
    if short and chance.random() < 0.7:
        return short
    if sign < " " or sign in '"\\' or chance.random() < 0.1:
        return "".join(f"\\u{unit:04{chance.choice('xX')}}" for unit in units(sign))
    return sign


def units(sign):
    """UTF-16 code units of a character."""
    raw = sign.encode("utf-16-be")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def oracle(data):
    """Give canonical bytes, or raise Refused."""
    try:
        value = json.loads(
            data, object_pairs_hook=members, parse_int=integer, parse_float=double, parse_constant=refuse
        )
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Refused from error


def members(pairs):
    """Refuse keys that come twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused
    return found


def integer(spelling):
    """Refuse unsafe integers."""
    return int(spelling) if abs(int(spelling)) <= SAFE else refuse(spelling)


def double(spelling):
    """Refuse what is not finite, or would be read again as an unsafe integer."""
    found = float(spelling)
    return refuse(spelling) if found in {float("inf"), -float("inf")} or SAFE < abs(found) < 1e21 else found


def refuse(_):
    """Refuse."""
    raise Refused


def agrees(data):
    """Compare both paths with the oracle; gives whether it was accepted, or None for a mismatch."""
    try:
        wanted = oracle(data)
    except Refused:
        wanted = None
    found = []
    for path in (jcs.canonical, lambda given: jcs.of_value(jcs.parse(given))):
        try:
            found.append(path(data))
        except (CanonInvalid, TooLarge):
            found.append(None)
    return (wanted is not None) if found == [wanted, wanted] else None


def main(count, seed):
    """Fuzz; print every mismatch and the tally."""
    chance = random.Random(seed)
    slow, exact = [0], jcs._exact
    jcs._exact = lambda data: (slow.__setitem__(0, slow[0] + 1), exact(data))[1]
    pieces, small = (1 << 19, 1 << 10), (24, 8)
    accepted = mismatches = 0
    started = time.monotonic()
    for at in range(count):
        jcs._PIECE, jcs._SMALL = small if at & 1 else pieces
        data = document(chance).encode()
        held = agrees(data)
        accepted += held is True
        if held is None:
            mismatches += 1
            print("mismatch:", data)
    spent = time.monotonic() - started
    print(
        f"{count:,} documents, seed {seed}: {mismatches} mismatches; {accepted:,} accepted, {count - accepted:,} refused;"
        f" {2 * count - slow[0]:,} of {2 * count:,} on the fast path; {spent:.0f} s"
    )
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
