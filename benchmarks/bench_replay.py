"""Replay of many verdicts: every one judged again from stored bytes and compared, beside Rego on the same questions.

Each verdict has a question and an assessment of its own (200 findings, 50 closed by VEX); policy, environment and
release are shared. Ours reads a sealed pack, verifies every object's hash, and compares the whole Run byte for byte.

An Assessment names its question, and the question its policy, environment and instant: no two verdicts share one, and
judge/1 refuses one of another question. The shape of many verdicts over few decoded inputs does not occur, so what is
timed is the dearer one. Starting the processes is measured apart and counted once in what a million would take.
"""

import contextlib
import importlib
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from benchmarks.bench_judge import a_question, rego
from benchmarks.table import Row, ratios
from cas import canon
from cas.records.verdict import JudgeInput, Question
from cas.store import load, save
from pipeline.stage import advance
from pipeline.stages.judge import JUDGE
from replay.fanout import Source, fan_out, ordered, rerun_all
from replay.remembering import Memory
from replay.sealed import PackStore, write_pack

VERDICTS = 2_000
PER_ASSESSMENT = 20
ROUNDS = 3
GOAL_SECONDS = 60


def a_past(path, verdicts=VERDICTS):
    """Judge many questions, as time went by, and seal all of it into a pack; gives the Runs and one assessment."""
    store, _, assessment = a_question()
    question = load(store, assessment.question, Question)
    runs = []
    for at in range(verdicts):
        moment = f"2026-{3 + at // 40_320:02}-{1 + at // 1440 % 28:02}T{at // 60 % 24:02}:{at % 60:02}:00Z"
        asked = save(store, msgspec.structs.replace(question, as_of=moment))
        name = save(store, msgspec.structs.replace(assessment, question=asked))
        runs.append(advance(JUDGE, save(store, JudgeInput(question=asked, assessment=name)), store).note.run)
    write_pack(path, store, store.digests())
    return runs, canon.of_record(assessment).decode()


def run():
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        return measure(Path(folder) / "past.pack")


def measure(path):
    runs, text = a_past(path)
    wanted = ordered(PackStore([path]), runs)
    engine = None
    with contextlib.suppress(ImportError):
        engine = importlib.import_module("regopy")
    rounds = []
    for _ in range(ROUNDS):
        one = timed(lambda: check(rerun_all(PackStore([path]), wanted, Memory()), wanted)) / len(wanted)
        begun = [timed(lambda count=count: spread(path, wanted[:count], count, 1)) for count in (1, 2)]
        fresh, two = (timed(lambda count=count: spread(path, wanted, count)) for count in (1, 2))
        peer = timed(lambda: rego(engine, text)) if engine else None
        rounds.append((one, peer, (fresh - begun[0]) / len(wanted), (two - begun[1]) / len(wanted), begun[1]))
    one, fresh, two, start = (median(each[at] for each in rounds) for at in (0, 2, 3, 4))
    size = f"{len(text) / 1000:.0f} kB of assessment per verdict, decoded and hashed"
    peer = median(each[1] for each in rounds) if engine else None
    ratio = ratios((each[1], each[0]) for each in rounds)[0] if engine else None
    name = "regopy" if engine else "regopy (not installed)"
    both = ratios((each[2], each[3]) for each in rounds)[0]
    million = start + 1e6 * two
    return [
        Row("replay, one process", 1 / one, name, peer and 1 / peer, ratio, 40, "verdicts/s", size),
        Row(
            "replay, two processes", 1 / two, "one process", 1 / fresh, both, 1.6, "verdicts/s", f"start {start:.2f} s"
        ),
        Row("replay of 1M verdicts", million, "goal", GOAL_SECONDS, GOAL_SECONDS / million, 1, "s", size),
    ]


def spread(path, wanted, processes, chunk=250):
    check(fan_out(Source("packs", (str(path),)), wanted, processes=processes, chunk=chunk), wanted)


def check(tally, wanted):
    assert tally.equal == len(wanted), tally


def timed(action):
    start = perf_counter()
    action()
    return perf_counter() - start


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
