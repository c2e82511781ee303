"""Judge, bytes to bytes: 200 findings, 50 of them closed by VEX, thresholds; against Rego (regopy) on the same question.

Ours is the stage itself, from the digest of its input to the canonical bytes of the Verdict; the peer gets the same
assessment as JSON and answers outcome and counts, which are asserted equal before anything is timed.
"""

import importlib
import json
from statistics import median
from time import perf_counter

import msgspec

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
from tests.support import gate_cases

ROUNDS = 7
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
REGO = """package gate
import rego.v1
open_keys[label] contains key if {
  some f in input.findings
  f.open
  label := f.severity
  key := concat("|", [f.component, f.purl, f.vulnerability])
}
count_of(label) := count(open_keys[label]) if open_keys[label]
else := 0
attested contains k if {
  some e in input.evidence
  e.type == "sbom"
  e.binding == "attested"
  k := concat("|", [e.component, e.platform])
}
missing contains k if {
  some c in input.components
  k := concat("|", [c.component, c.platform])
  not k in attested
}
exploited contains f.vulnerability if { some f in input.findings; f.open; f.kev_due != "" }
over contains label if { some label, budget in {"critical": 0, "high": 5, "medium": 500}; count_of(label) > budget }
outcome := "deny" if { count(missing) + count(over) + count(exploited) > 0 } else := "allow"
answer := {"outcome": outcome, "critical": count_of("critical"), "high": count_of("high"), "medium": count_of("medium")}
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


def rego(engine, text):
    """The same answer from Rego, from JSON text to JSON text."""
    interpreter = engine.Interpreter()
    interpreter.add_module("gate", REGO)
    interpreter.set_input(json.loads(text))
    return json.loads(str(interpreter.query("data.gate.answer")))["expressions"][0]


def timed(run, times):
    start = perf_counter()
    for _ in range(times):
        run()
    return (perf_counter() - start) / times


def cold(asked, store):
    """The same over a store object that nothing has been read through: every input is decoded anew."""
    fresh = MemoryStore()
    fresh._objects = store._objects
    return ours(fresh, asked)


def run():
    store, asked, _, picture = a_question()
    verdict = msgspec.json.decode(ours(store, asked), type=Verdict)
    assert cold(asked, store) == ours(store, asked)
    text = canon.of_record(picture).decode()
    count = dict(next(gate for gate in verdict.gates if gate.gate == "severity_budget/1").counted)
    size = f"decoding {len(text) / 1000:.0f} kB of picture"
    try:
        engine = importlib.import_module("regopy")
    except ImportError:
        each = median(timed(lambda: ours(store, asked), 100) for _ in range(ROUNDS))
        return [
            Row("judge, inputs decoded once", 1 / each, "regopy (not installed)", None, None, 300, "verdicts/s", size)
        ]
    answer = rego(engine, text)
    assert answer["outcome"] == verdict.outcome
    assert all(answer[label] == count[label] for label in ("critical", "high", "medium"))
    rounds = [
        (
            timed(lambda: rego(engine, text), 2),
            timed(lambda: ours(store, asked), 100),
            timed(lambda: cold(asked, store), 50),
            timed(lambda: advance(JUDGE2, asked, store), 50),
        )
        for _ in range(ROUNDS)
    ]
    rows = []
    for at, (area, goal) in enumerate(
        (
            ("judge, inputs decoded once", 300),
            ("judge, bytes to bytes, every input decoded", 300),
            ("judge, with Run and store", None),
        ),
        1,
    ):
        peer, mine = median(each[0] for each in rounds), median(each[at] for each in rounds)
        ratio = ratios([(each[0], each[at]) for each in rounds])[0]
        rows.append(Row(area, 1 / mine, "regopy", 1 / peer, ratio, goal, "verdicts/s", size))
    return rows


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
