"""The user's own JSON Schemas: held to what can be judged in bounded time, then to the documents. Knows no format.

A schema stands alone (references are JSON pointers into itself), is not recursive, and is small when every reference is
written out: then judging a document is linear in its size. Patterns run on an engine without backtracking.
"""

import functools
from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs

from cas import jcs
from cas.problems import CanonInvalid, Fault, TooLarge
from pipeline.formats.schema import MAX_FAULTS, pointer

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000
MAX_WRITTEN_OUT: Final = 200_000
_MAX_CHAIN: Final = 300
_FOREIGN: Final = ("$dynamicRef", "$recursiveRef")


class _Bad(Exception):  # noqa: N818 - carries one fault to the one place that collects it
    def __init__(self, at: str, said: str) -> None:
        super().__init__(said)
        self.fault = Fault(at, "evidence.kind_schema", said)


def schema_faults(data: bytes) -> tuple[Fault, ...]:
    """Say what is wrong with a schema; nothing when documents can be judged by it."""
    try:
        schema = jcs.parse(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, max_nodes=MAX_NODES)
    except (CanonInvalid, TooLarge) as problem:
        return (Fault("", "evidence.kind_schema", problem.detail()),)
    if not isinstance(schema, dict):
        return (Fault("", "evidence.kind_schema", "a schema is an object"),)
    try:
        _Walk(schema).size(schema, "", 0)
        _compiled(data)
    except _Bad as bad:
        return (bad.fault,)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        said = str(getattr(error, "message", error))[:300]
        return (Fault(pointer(getattr(error, "instance_path", ())), "evidence.kind_schema", said),)
    return ()


class _Walk:
    """Counts what a schema is when every reference is written out; stops at circles and at what leads outside."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.known: dict[int, int] = {}
        self.open: set[int] = set()

    def size(self, node: Any, at: str, depth: int) -> int:
        """Count a node with all below it.

        Raises: _Bad
        """
        if not isinstance(node, dict | list):
            return 1
        if id(node) in self.known:
            return self.known[id(node)]
        if id(node) in self.open:
            raise _Bad(at, "the schema contains itself: recursive schemas are not taken")
        if depth > _MAX_CHAIN:
            raise _Bad(at, f"more than {_MAX_CHAIN} levels when references are followed")
        self.open.add(id(node))
        whole = 1 + sum(self.size(child, f"{at}/{step}", depth + 1) for step, child in _children(node))
        if isinstance(node, dict):
            whole += self.referred(node, at, depth)
        self.open.discard(id(node))
        if whole > MAX_WRITTEN_OUT:
            raise _Bad(at, f"more than {MAX_WRITTEN_OUT} parts when every reference is written out")
        self.known[id(node)] = whole
        return whole

    def referred(self, node: dict[str, Any], at: str, depth: int) -> int:
        """Count what a node refers to."""
        for name in _FOREIGN:
            if isinstance(node.get(name), str):
                raise _Bad(f"{at}/{name}", "dynamic references are not taken")
        if at and isinstance(node.get("$id"), str):
            raise _Bad(f"{at}/$id", "a schema inside the schema has no id of its own")
        given = node.get("$ref")
        if not isinstance(given, str):
            return 0
        return self.size(self.target(given, f"{at}/$ref"), f"{at}/$ref", depth + 1)

    def target(self, given: str, at: str) -> Any:
        """Follow a JSON pointer into the schema itself."""
        if given != "#" and not given.startswith("#/"):
            raise _Bad(at, "references are JSON pointers into the schema itself: #/…")
        here = self.root
        for step in given[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and name in here:
                here = here[name]
            elif isinstance(here, list) and name.isdigit() and int(name) < len(here):
                here = here[int(name)]
            else:
                raise _Bad(at, "this reference leads nowhere")
        return here


def _children(node: dict[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    yield from node.items() if isinstance(node, dict) else enumerate(node)


@functools.lru_cache(maxsize=64)
def _compiled(data: bytes) -> Any:
    return jsonschema_rs.validator_for(
        jcs.parse(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, max_nodes=MAX_NODES),
        validate_formats=True,
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(),
    )


def faults(schema: bytes, document: Any) -> Iterator[Fault]:
    """Give every fault of a document under a schema that was taken, 1,000 at most."""
    for number, error in enumerate(_compiled(schema).iter_errors(document)):
        if number >= MAX_FAULTS:
            yield Fault("", "evidence.schema.more", f"more than {MAX_FAULTS} faults")
            return
        keyword = str(error.schema_path[-1]) if error.schema_path else "schema"
        yield Fault(pointer(error.instance_path), f"evidence.schema.{keyword}", error.message[:300])
