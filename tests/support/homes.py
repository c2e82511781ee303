"""Homes for tests: entries that move one ref, homes with known content, ways to damage files."""

from cas.adapters.home import Home
from cas.records.proof import Entry, RefMove

SYSTEM = "system:" + "0" * 32


def entry(record, *moves, event="thing.happened", when="2026-03-01T12:00:00Z", runs=(), beside=()):
    return Entry(
        event=event,
        record=record,
        runs=tuple(runs),
        envelopes=(),
        verifications=(),
        beside=tuple(beside),
        moves=tuple(moves),
        actor=SYSTEM,
        when=when,
    )


def move(name, old, new):
    return RefMove(name=name, old=old, new=new)


def advance(home, text, name="head"):
    """One commit: an object, and an entry that moves a ref to it. Gives the object's digest."""
    record = home.store.put(text.encode())
    home.log.append([entry(record, move(name, home.log.ref(name), record))]).result(10)
    return record


def filled(path, count, *, seal_after=None, **options):
    """Make a home of ``count`` commits; give the digests in order."""
    with Home.open(path, **options) as home:
        digests = []
        for at in range(count):
            digests.append(advance(home, f"object {at} " + "x" * (at * 37 % 300)))
            if seal_after == at + 1:
                home.seal()
        return digests


def newest_journal(path):
    return max((path / "journal").iterdir())


def flip(file, position, bit=1):
    data = bytearray(file.read_bytes())
    data[position] ^= bit
    file.write_bytes(bytes(data))
