"""Judge, bytes to bytes: 200 findings, 50 of them closed by VEX, thresholds; against Rego and CEL on the same question.

Ours is the stage itself, from the digest of its input to the canonical bytes of the Verdict: hashes, forms and spelling
of every input checked. The peers get the same assessment as JSON text, as the system shows it to custom rules, and answer
outcome and counts, which are asserted equal before anything is timed.
"""

from statistics import median
from time import process_time

import msgspec

from benchmarks import engines
from benchmarks.table import Row, ratios
from cas import canon
from cas.adapters.memory import MemoryStore
from cas.records.picture import Assessment2, JudgeInput2
from cas.records.verdict import Verdict
from cas.store import save
from pipeline.stage import StageIO, advance
from pipeline.stages.judge2 import JUDGE2, judge
from policy.assessing import order
from policy.packs.reading import read_pack
from policy.rego import document
from tests.support import gate_cases

ROUNDS = 5
PACK = b"""
name: bench
version: "1"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: attested}
  - gate: severity_budget/1
    with: {critical: 0, high: 5, medium: 500}
  - gate: kev_blocker/1
  - gate: unknowns_budget/1
    with: {max_count: 10}
"""


def a_question(closed=50, findings=200):
    """Keep everything judge/2 reads in a store; gives it, the input's digest, the assessment and its picture."""
    store = MemoryStore()
    severities = ("medium", "low", "medium", "low", "negligible")
    listed = []
    for at in range(findings):
        shut = at < closed
        claim = {"status": "not_affected", "verified": True, "signer": "bob", "score": 716_000, "author": "Example"}
        listed.append(
            {
                "vulnerability": f"CVE-2026-{at:04}",
                "advisory": f"CVE-2026-{at:04}",
                "purl": f"pkg:deb/debian/package{at % 90}@1.{at}",
                "severity": "high" if shut else severities[at % 5],
                "score_tenths": 70 if shut else 40,
                "open": not shut,
                "vex": "not_affected" if shut else "none",
                "claims": [claim] if shut else [],
                "fixed_in": [f"2.{at}"],
            }
        )
    view = gate_cases.fact_view({"findings": listed, "evidence": [{}]}, picture=True)
    picture = msgspec.structs.replace(view.assessment, findings=tuple(sorted(view.assessment.findings, key=order)))
    pack = save(store, read_pack(PACK))
    question = msgspec.structs.replace(
        view.question,
        release=save(store, msgspec.structs.replace(view.release, compose=None, template=None)),
        environment=save(store, view.environment),
        policy=pack,
        feed=save(store, view.feed),
    )
    name = save(store, question)
    assessment = Assessment2(question=name, picture=save(store, picture), valid_until=None)
    asked = save(store, JudgeInput2(question=name, assessment=save(store, assessment), answers=()))
    return store, asked, assessment, picture


def ours(store, asked):
    """Bytes to bytes: the input's bytes to the verdict's."""
    data = store.get(asked)
    io = StageIO(store, store.put, data)
    return canon.of_record(judge(canon.to_record(data, JudgeInput2), io))


def timed(run, times):
    """Seconds of a core each: what others do on the machine does not count."""
    start = process_time()
    for _ in range(times):
        run()
    return (process_time() - start) / times


def cold(asked, store):
    """The same over a store object that nothing has been read through: every input is decoded anew."""
    fresh = MemoryStore()
    fresh._objects = store._objects
    return ours(fresh, asked)


def shown(picture):
    """What the system would show to rules of another engine, as text."""
    view = gate_cases.fact_view({}, picture=True)
    return document(view.release, view.environment, picture, engines.READS).decode()


def run():
    store, asked, _, picture = a_question()
    verdict = msgspec.json.decode(ours(store, asked), type=Verdict)
    assert cold(asked, store) == ours(store, asked)
    text = shown(picture)
    count = dict(next(gate for gate in verdict.gates if gate.gate == "severity_budget/1").counted)
    wanted = {"outcome": verdict.outcome} | {label: count[label] for label in ("critical", "high", "medium")}
    peers = {name: ask for name, *_ in engines.ENGINES if (ask := engines.engine(name)) is not None}
    for name, ask in peers.items():
        assert ask(text) == wanted, name
    waits = {name: timed(lambda ask=ask: ask(text), 1) for name, ask in peers.items()}
    rounds = [
        {
            "decoded once": timed(lambda: ours(store, asked), 100),
            "every input decoded": timed(lambda: cold(asked, store), 50),
            "with Run and store": timed(lambda: advance(JUDGE2, asked, store), 50),
        }
        | {name: timed(lambda ask=ask: ask(text), 5 if waits[name] < 0.02 else 1) for name, ask in peers.items()}
        for _ in range(ROUNDS)
    ]
    size = (
        f"{len(canon.of_record(picture)) / 1000:.0f} kB of picture, {len(text) / 1000:.0f} kB of it as a rule's input"
    )
    rows = [row("every input decoded", "bytes to bytes, ", *peer, rounds, size) for peer in engines.ENGINES]
    rows += [row("decoded once", "inputs ", *peer, rounds, size) for peer in engines.ENGINES[:2]]
    return [*rows, row("with Run and store", "", *engines.ENGINES[0][:3], None, rounds, size)]


def row(mine, words, peer, _module, _made, goal, rounds, size):
    each = median(one[mine] for one in rounds)
    if peer not in rounds[0]:
        return Row(f"judge, {words}{mine}", 1 / each, f"{peer} (not installed)", None, None, goal, "verdicts/s", size)
    middle, least, most = ratios((one[peer], one[mine]) for one in rounds)
    told = f"{size}; {least:.1f} to {most:.1f}x"
    other = median(one[peer] for one in rounds)
    return Row(f"judge, {words}{mine}", 1 / each, peer, 1 / other, middle, goal, "verdicts/s", told)


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
