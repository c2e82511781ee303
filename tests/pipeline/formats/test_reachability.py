"""Reachability documents: the answer is computed from the graph, deterministically, and a graph that lies is refused."""

import base64
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import digest
from pipeline.formats import reachability, runtime_observation
from pipeline.formats.call_graph import MAX_PATH, CallGraph, shortened
from pipeline.formats.opened import Refused, open_document

IMAGE = "sha256:" + "a" * 64
LIB = "pkg:golang/golang.org/x/net@v0.1.0"
NODES = [
    {"id": "main", "symbol": "main.main", "file": "main.go", "line": 3},
    {"id": "serve", "symbol": "web.Serve"},
    {"id": "parse", "symbol": "html.Parse", "purl": LIB},
    {"id": "dead", "symbol": "html.Dead", "purl": LIB},
]


def graph(**more):
    document = {
        "schema": "https://stella-ops.org/attestations/reachability/v1",
        "subjects": [IMAGE],
        "analyzer": {"name": "callgraph", "version": "1.0"},
        "createdAt": "2026-01-01T00:00:00Z",
        "method": "static",
        "complete": True,
        "nodes": NODES,
        "roots": ["main"],
        "bundles": [{"edges": [["main", "serve"], ["serve", "parse"], ["dead", "dead"]], "confidence": 900_000}],
        "sinks": [
            {"vulnerability": "CVE-2026-0001", "aliases": ["GO-2026-1"], "purl": LIB, "symbol": "html.Parse"},
            {"vulnerability": "CVE-2026-0002", "purl": LIB, "symbol": "html.Dead"},
        ],
    } | more
    document.setdefault("graphHash", reachability.graph_hash(document))
    return document


def read(document):
    data = json.dumps(document).encode()
    assert open_document(data).kind == "reachability"
    return reachability.read(data, "1"), data


def test_the_witness_goes_from_entry_to_sink():
    facts, data = read(graph())
    reached, unreached = facts.targets
    assert reached.said == "reachable"
    assert reached.path == ("main.main (main.go:3)", "web.Serve", "html.Parse")
    assert reached.names == ("CVE-2026-0001", "GO-2026-1")
    assert reached.confidence == 900_000
    assert (unreached.said, unreached.path) == ("unreachable", ())
    assert facts.graph == digest.of_bytes(data)
    assert (facts.nodes, facts.edges, facts.subjects) == (4, 3, (IMAGE,))


def test_an_incomplete_analysis_does_not_know_what_is_unreachable():
    facts, _ = read(graph(complete=False))
    assert [each.said for each in facts.targets] == ["reachable", "unknown"]


def test_a_graph_of_what_ran_says_observed():
    facts, _ = read(graph(method="runtime", complete=False))
    assert [each.said for each in facts.targets] == ["observed", "unobserved"]


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        ({"nodes": ["parse"]}, "reachable"),
        ({"nodes": ["dead"]}, "unreachable"),
        ({"purl": LIB}, "reachable"),
        ({"symbol": "html.Dead"}, "unreachable"),
        ({"symbol": "html.Parse", "purl": "pkg:golang/other@1"}, "unreachable"),
        ({"symbol": "nowhere"}, "unreachable"),
    ],
)
def test_a_sink_is_a_node_a_symbol_or_a_package(sink, said):
    facts, _ = read(graph(sinks=[{"vulnerability": "CVE-2026-0001"} | sink]))
    assert [each.said for each in facts.targets] == [said]


EDGES = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=20)


@settings(max_examples=60)
@given(EDGES, st.sets(st.sampled_from("abcdefgh"), max_size=3), st.sampled_from("abcdefgh"), st.randoms())
def test_ways_are_shortest_and_do_not_hang_on_order(edges, roots, sink, random):
    calls = CallGraph([(*edge, 1) for edge in edges], roots)
    way = calls.way(sink) if calls.nearest([sink]) else ()
    shuffled = list(edges)
    random.shuffle(shuffled)
    again = CallGraph([(*edge, 1) for edge in shuffled], roots)
    assert (again.way(sink) if again.nearest([sink]) else ()) == way
    depth, seen = 0, set(roots)
    while sink not in seen and depth < 9:
        seen |= {end for start, end in edges if start in seen}
        depth += 1
    assert len(way) == (depth + 1 if sink in seen else 0)
    if way:
        assert way[0] in roots
        assert all(pair in edges for pair in itertools.pairwise(way))


def test_a_long_way_keeps_both_ends_and_a_large_graph_ends():
    names = [f"n{number:06}" for number in range(100_000)]
    calls = CallGraph([(*pair, 1 + at % 7) for at, pair in enumerate(itertools.pairwise(names))], [names[0]])
    for sink in names[-1000:]:
        way = calls.way(sink)
        assert (way[0], way[1], way[-1], len(way)) == (names[0], "…", sink, MAX_PATH)
    assert calls.confidence(names[-1]) == 1
    assert calls.way(names[511]) == tuple(names[:512])
    assert calls.way(names[512]) == (names[0], "…", *names[3:513])
    assert shortened(tuple(names))[-1] == names[-1]


def codes(document):
    with pytest.raises(Refused) as caught:
        open_document(json.dumps(document).encode())
    return {(fault.pointer, fault.code) for fault in caught.value.faults}


def test_a_graph_that_contradicts_itself_is_refused():
    assert codes(graph(graphHash="sha256:" + "0" * 64)) == {("/graphHash", "evidence.reachability.graph_hash")}
    assert ("/roots/0", "evidence.reachability.node_missing") in codes(graph(roots=["nobody"]))
    assert ("/bundles/0/edges/0/1", "evidence.reachability.node_missing") in codes(
        graph(bundles=[{"edges": [["main", "nobody"]]}])
    )
    assert ("/sinks/0/nodes/0", "evidence.reachability.node_missing") in codes(graph(sinks=[{"nodes": ["nobody"]}]))
    assert ("/nodes/1/id", "evidence.reachability.node_twice") in codes(graph(nodes=[NODES[0], *NODES]))


def test_a_bundle_holds_512_edges():
    full = [["main", "serve"]] * 512
    read(graph(bundles=[{"edges": full}, {"edges": full}]))
    assert codes(graph(bundles=[{"edges": [*full, ["main", "serve"]]}])) == {
        ("/bundles/0/edges", "evidence.schema.maxItems")
    }


def test_a_version_of_the_future_is_unsupported():
    document = graph() | {"schema": "https://stella-ops.org/attestations/reachability/v2"}
    assert {code for _, code in codes(document)} == {"evidence.version_unsupported"}


def envelope(predicate, kind="reachability"):
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "web", "digest": {"sha256": "a" * 64}}],
        "predicateType": f"https://stella-ops.org/attestations/{kind}/v1",
        "predicate": predicate,
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    signatures = [{"keyid": "", "sig": base64.b64encode(b"x").decode()}]
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": signatures}


def test_a_signed_statement_is_opened_to_its_graph_which_has_its_own_digest():
    opened = open_document(json.dumps(envelope(graph())).encode())
    assert opened.name == "stella-reachability/1"
    assert opened.covered == (IMAGE,)
    assert json.loads(opened.raw) == graph()
    assert reachability.read(opened.raw, "1").graph == digest.of_bytes(opened.raw)
    with pytest.raises(Refused):
        open_document(json.dumps(envelope(graph(graphHash="sha256:" + "0" * 64))).encode())


def observed(*observations, **more):
    return {
        "schema": "https://stella-ops.org/attestations/runtime-observation/v1",
        "sensor": {"name": "ebpf", "version": "2"},
        "subjects": [IMAGE],
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-31T00:00:00Z",
        "observations": list(observations),
    } | more


def test_what_a_sensor_saw_becomes_observations():
    seen = {"vulnerability": "CVE-2026-0001", "purl": LIB, "symbol": "html.Parse"}
    document = observed(
        seen | {"level": "called", "path": ["main", "html.Parse"], "hits": 3},
        seen | {"level": "loaded"},
        seen | {"level": "present"},
        seen | {"level": "none", "confidence": 900_000},
        {"vulnerability": "CVE-2026-0009", "level": "loaded"},
    )
    data = json.dumps(document).encode()
    assert open_document(data).name == "stella-runtime/1"
    facts = runtime_observation.read(data, "1")
    told = {each.pointer[-1]: (each.said, each.names, each.confidence) for each in facts.targets}
    assert told == {
        "0": ("observed", ("CVE-2026-0001",), 1_000_000),
        "1": ("observed", (), 1_000_000),  # of the package: which function ran nobody saw
        "2": ("unobserved", ("CVE-2026-0001",), 500_000),
        "3": ("unobserved", ("CVE-2026-0001",), 900_000),
        "4": ("unknown", ("CVE-2026-0009",), 0),
    }
    assert (facts.method, facts.created_at, facts.subjects) == ("runtime", "2026-01-31T00:00:00Z", (IMAGE,))


def test_an_observation_that_ends_before_it_begins_is_refused():
    document = observed({"purl": LIB, "level": "called"}, to="2025-01-01T00:00:00Z")
    assert codes(document) == {("/to", "evidence.reachability.window")}
    assert codes(observed({"level": "called"}))
    assert open_document(json.dumps(envelope(observed(), "runtime-observation")).encode()).name == "stella-runtime/1"
