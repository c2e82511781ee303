"""YAML 1.2 as values with the place of each: what a pack's author wrote, and where. Must not know packs.

Only plain documents: no anchors, aliases, tags or merge keys, so what is read is what stands there. Size, depth and
count are bounded before anything is built.
"""

from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cas.problems import Category, Fault, Problem

MAX_BYTES: Final = 262_144
MAX_DEPTH: Final = 16
MAX_NODES: Final = 20_000


class YamlInvalid(Problem):
    """Bytes are not one plain YAML document within the bounds."""

    code = "policy.yaml_invalid"
    category = Category.INVALID
    title = "Not a plain YAML document"
    remedy = "Correct the line named; write one document without anchors, aliases, tags and merge keys."


@dataclass(frozen=True, slots=True)
class Marked:
    """A document's value, and the line and column (from 1) of every place in it, by JSON pointer."""

    value: Any
    marks: dict[str, tuple[int, int]]

    def at(self, pointer: str) -> str:
        """Say where a place is; for one that is absent, where its parent is."""
        while pointer not in self.marks and pointer:
            pointer = pointer.rpartition("/")[0]
        line, column = self.marks.get(pointer, (1, 1))
        return f"line {line}, column {column}"

    def fault(self, pointer: str, code: str, message: str) -> Fault:
        """Build a fault that says where."""
        return Fault(pointer, code, f"{self.at(pointer)}: {message}")


def load(data: bytes) -> Marked:
    """Read one YAML document.

    Raises: policy.yaml_invalid
    """
    if len(data) > MAX_BYTES:
        raise _invalid(None, "policy.yaml_too_large", f"{len(data)} bytes, {MAX_BYTES} allowed")
    try:
        text = data.decode("utf-8")
        _bound(text)
        node = YAML(typ="safe", pure=True).compose(text)
    except UnicodeDecodeError as error:
        raise _invalid(None, "policy.yaml_not_utf8", f"byte {error.start} is not UTF-8") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _invalid(mark, "policy.yaml_syntax", str(error.problem or error.context)) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise _invalid(None, "policy.yaml_syntax", str(error)[:200]) from error
    if node is None:
        raise _invalid(None, "policy.yaml_empty", "the document is empty")
    marks: dict[str, tuple[int, int]] = {}
    faults: list[Fault] = []
    value = _value(node, "", marks, faults)
    if faults:
        raise YamlInvalid(faults=tuple(faults))
    return Marked(value, marks)


def _invalid(mark: Any, code: str, message: str) -> YamlInvalid:
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return YamlInvalid(faults=(Fault("", code, f"{where}{message}"),))


def _bound(text: str) -> None:
    """Walk the events before a tree is built.

    Raises: policy.yaml_invalid
    """
    depth = nodes = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        directed = getattr(event, "version", None) or getattr(event, "tags", None)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) or _tagged(event) or directed:
            message = "anchors, aliases, tags and directives are not taken"
            raise _invalid(event.start_mark, "policy.yaml_not_plain", message)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
            nodes += 1
        elif isinstance(event, ScalarEvent):
            nodes += 1
        elif type(event).__name__ in {"MappingEndEvent", "SequenceEndEvent"}:
            depth -= 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise _invalid(event.start_mark, "policy.yaml_too_large", "nested too deep, or too many values")


def _tagged(event: Any) -> bool:
    return (
        isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent)
        and event.ctag is not None
        and bool(str(event.ctag))
    )


def _value(node: Node, pointer: str, marks: dict[str, tuple[int, int]], faults: list[Fault]) -> Any:
    marks[pointer] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, SequenceNode):
        return [_value(item, f"{pointer}/{at}", marks, faults) for at, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _mapping(node, pointer, marks, faults)
    assert isinstance(node, ScalarNode)  # the only other kind that compose gives
    return _scalar(node, pointer, marks, faults)


def _mapping(node: MappingNode, pointer: str, marks: dict[str, tuple[int, int]], faults: list[Fault]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
        place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        where = f"line {key_node.start_mark.line + 1}, column {key_node.start_mark.column + 1}"
        if not key or key == "<<":
            faults.append(Fault(place, "policy.yaml_not_plain", f"{where}: keys must be plain text"))
        elif key in found:
            faults.append(Fault(place, "policy.yaml_duplicate_key", f"{where}: the key {key} stands twice"))
        else:
            found[key] = _value(value_node, place, marks, faults)
            marks[place] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
    return found


def _scalar(node: ScalarNode, pointer: str, marks: dict[str, tuple[int, int]], faults: list[Fault]) -> Any:
    kind = str(node.tag).rpartition(":")[2]
    text = str(node.value)
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        try:
            number = int(text.replace("_", ""), 0)
        except ValueError:
            number = 2**53
        if abs(number) < 2**53:
            return number
    line, column = marks[pointer]
    message = f"line {line}, column {column}: {kind} is not taken here; quote the text"
    faults.append(Fault(pointer, "policy.yaml_scalar", message))
    return None
