"""Our reachability predicate, version 1: a call graph, its entry points, what to look for, read into what is reached.

The document holds the graph, never the answer: reading computes it, so that anybody may compute it again. Its own
digest is the graph's name in the facts. Must not join states: that is the policy's.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import Fault
from cas.records.evidence import EvidenceKind
from cas.records.report import ReachFacts, ReachTarget
from pipeline.formats.call_graph import FULL, CallGraph
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.versions import purl

NAME: Final = "stella-reachability"
PREDICATE: Final = "https://stella-ops.org/attestations/reachability/v1"
_PREFIX: Final = "https://stella-ops.org/attestations/reachability/v"


class _Analyzer(msgspec.Struct, gc=False):
    name: str = ""
    version: str = ""


class _Node(msgspec.Struct, gc=False):
    id: str
    symbol: str = ""
    purl: str = ""
    file: str = ""
    line: int = 0

    def text(self) -> str:
        """Write the node for people: its symbol, with the place where the document gives one."""
        name = self.symbol or self.id
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{name} ({place})" if place else name


class _Bundle(msgspec.Struct, gc=False):
    edges: tuple[tuple[str, str], ...] = ()
    confidence: int = FULL


class _Sink(msgspec.Struct, gc=False):
    vulnerability: str = ""
    aliases: tuple[str, ...] = ()
    purl: str = ""
    symbol: str = ""
    nodes: tuple[str, ...] = ()


class _Graph(msgspec.Struct, gc=False, rename="camel"):
    analyzer: _Analyzer
    method: str
    complete: bool
    created_at: str = ""
    subjects: tuple[Digest, ...] = ()
    nodes: tuple[_Node, ...] = ()
    roots: tuple[str, ...] = ()
    bundles: tuple[_Bundle, ...] = ()
    sinks: tuple[_Sink, ...] = ()


_GRAPH: Final = msgspec.json.Decoder(_Graph)


def _canonical(text: str) -> str:
    return purl.canonical(text) or text


class _Nodes:
    """The nodes by id, by symbol and by package."""

    def __init__(self, nodes: tuple[_Node, ...]) -> None:
        self.by_id = {node.id: node for node in nodes}
        self.by_symbol: dict[str, list[str]] = {}
        self.by_purl: dict[str, list[str]] = {}
        for node in nodes:
            if node.symbol:
                self.by_symbol.setdefault(node.symbol, []).append(node.id)
            if node.purl:
                self.by_purl.setdefault(_canonical(node.purl), []).append(node.id)

    def of(self, sink: _Sink) -> set[str]:
        """Give the nodes that a sink means."""
        found = set(sink.nodes)
        inside = self.by_purl.get(_canonical(sink.purl), []) if sink.purl else []
        if sink.symbol:
            named = self.by_symbol.get(sink.symbol, [])
            found.update(set(named) & set(inside) if sink.purl else named)
        elif not sink.nodes:
            found.update(inside)
        return found

    def text(self, name: str) -> str:
        """Write a node for people."""
        node = self.by_id.get(name)
        return node.text() if node is not None else name


def _target(sink: _Sink, at: int, graph: _Graph, nodes: _Nodes, calls: CallGraph) -> ReachTarget:
    nearest = calls.nearest(nodes.of(sink))
    static = graph.method == "static"
    if nearest:
        said = "reachable" if static else "observed"
    elif graph.complete or not static:
        said = "unreachable" if static else "unobserved"
    else:
        said = "unknown"
    return ReachTarget(
        names=tuple(sorted({fit(name, 255) for name in (sink.vulnerability, *sink.aliases)} - {""})),
        purl=_canonical(sink.purl) if sink.purl else "",
        symbol=sink.symbol,
        said=said,  # type: ignore[arg-type]  # one of the words above
        path=tuple(nodes.text(name) for name in calls.way(nearest)) if nearest else (),
        confidence=calls.confidence(nearest) if nearest else 0 if said == "unknown" else FULL,
        pointer=f"/sinks/{at}",
    )


def read(data: bytes, version: str) -> ReachFacts:
    """Give what is reached: each sink, with the shortest way to it.

    Raises: evidence.unreadable, cas.too_large
    """
    graph = typed(data, _GRAPH, NAME)
    nodes = _Nodes(graph.nodes)
    edges = ((start, end, bundle.confidence) for bundle in graph.bundles for start, end in bundle.edges)
    calls = CallGraph(edges, graph.roots)
    targets = [_target(sink, at, graph, nodes, calls) for at, sink in enumerate(graph.sinks)]
    targets.sort(key=lambda each: (each.names, each.purl, each.symbol, each.said, each.pointer))
    return ReachFacts(
        format=f"{NAME}/{version}",
        tool=fit(graph.analyzer.name, 255),
        tool_version=fit(graph.analyzer.version, 255),
        created_at=instant(graph.created_at),
        subjects=tuple(sorted(set(graph.subjects))),
        method="static" if graph.method == "static" else "runtime",
        complete=graph.complete,
        graph=digest.of_bytes(data),
        nodes=len(nodes.by_id),
        edges=calls.edges,
        targets=tuple(targets),
    )


def graph_hash(document: Any) -> Digest:
    """Hash the graph itself: its edges and roots sorted, each once; its nodes sorted by id (RFC 8785, SHA-256)."""
    edges = sorted({(start, end) for bundle in document["bundles"] for start, end in bundle["edges"]})
    graph = {
        "edges": [list(edge) for edge in edges],
        "nodes": sorted(document["nodes"], key=lambda node: str(node["id"])),
        "roots": sorted(set(document["roots"])),
    }
    return digest.of_bytes(jcs.of_value(graph))


def _faults(content: Content) -> Iterator[Fault]:
    """Hold a graph to its own words: nodes once, references to nodes that exist, the hash that it names."""
    document = content.object
    seen: set[str] = set()
    for at, node in enumerate(document["nodes"]):
        if node["id"] in seen:
            yield Fault(f"/nodes/{at}/id", "evidence.reachability.node_twice", "a node of this id stands before")
        seen.add(node["id"])
    for pointer, name in _references(document):
        if name not in seen:
            yield Fault(pointer, "evidence.reachability.node_missing", f"no node is named {name[:80]!r}")
    if graph_hash(document) != document["graphHash"]:
        yield Fault("/graphHash", "evidence.reachability.graph_hash", "this is not the hash of nodes, edges and roots")


def _references(document: Any) -> Iterator[tuple[str, str]]:
    for at, name in enumerate(document["roots"]):
        yield f"/roots/{at}", name
    for at, bundle in enumerate(document["bundles"]):
        for number, edge in enumerate(bundle["edges"]):
            for end, name in enumerate(edge):
                yield f"/bundles/{at}/edges/{number}/{end}", name
    for at, sink in enumerate(document["sinks"]):
        for number, name in enumerate(sink.get("nodes") or ()):
            yield f"/sinks/{at}/nodes/{number}", name


def _detects(content: Content) -> bool:
    return str(content.object.get("schema", "")).startswith(_PREFIX)


def _version(content: Content) -> str:
    return str(content.object.get("schema", "")).removeprefix(_PREFIX)


def _kind(_content: Content) -> EvidenceKind:
    return "reachability"


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


FORMAT: Final = Format(
    name=NAME,
    media_types=("application/vnd.stella.reachability+json",),
    schemas=(("1", "stella-reachability-1.schema.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
    faults=_faults,
    about="""A call graph with entry points and sinks: [reachability](../../reachability.md). Refused when it
names the wrong hash, gives a node twice or refers to one that is not there.""",
)
