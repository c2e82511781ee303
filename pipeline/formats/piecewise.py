"""Judging a large document by its schema without ever holding all of it. Must not know any format's meaning.

The schema judges the document with some of its lists empty, then their items some at a time. What a schema says of a
list beyond its items (that none comes twice) is judged over digests of their sorted forms.
"""

from typing import Final

import msgspec

from cas import digest
from cas.problems import Fault
from pipeline.formats import schema
from pipeline.formats.pieces import Large

_SORTED: Final = msgspec.json.Encoder(order="sorted")


def judged(document: Large, pieces: tuple[str, ...], name: str) -> tuple[list[Fault], dict[str, object]]:
    """Give every fault, 1,000 at most, and the document without the lists that were judged by item.

    Raises: cas.canon_invalid
    """
    apart = tuple(each for each in pieces if document.is_list(each) and schema.items_validator(name, each))
    head = document.head(apart)
    faults = list(schema.faults(name, head))
    for member in apart:
        faults += _items(document, member, name)
        if len(faults) > schema.MAX_FAULTS:
            more = Fault("", "evidence.schema.more", f"more than {schema.MAX_FAULTS} faults")
            return [*faults[: schema.MAX_FAULTS], more], head
    return faults, head


def _items(document: Large, member: str, name: str) -> list[Fault]:
    found = schema.items_validator(name, member)
    assert found is not None
    judge, unique = found
    faults: list[Fault] = []
    seen: set[bytes] = set()
    count = 0
    for begin, items in document.slices(member):
        if unique:
            count += len(items)
            seen.update(digest.raw_of_bytes(_SORTED.encode(item)) for item in items)
        for fault in schema.told(judge, items):
            _, _, rest = fault.pointer.partition("/")
            at, slash, below = rest.partition("/")
            place = f"/{schema.escaped(member)}/{begin + int(at)}{slash}{below}" if at.isdigit() else ""
            faults.append(Fault(place, fault.code, fault.message))
        if len(faults) > schema.MAX_FAULTS:
            return faults
    if unique and len(seen) != count:
        said = f"{count - len(seen)} items come more than once"
        faults.append(Fault(f"/{schema.escaped(member)}", "evidence.schema.uniqueItems", said))
    return faults
