"""Replay of many verdicts: every one judged again from stored bytes and compared, beside Rego on the same questions.

Each verdict has a question and an assessment of its own; twenty share a picture (200 findings, 50 closed by VEX), as
questions about the same evidence do. Ours reads a sealed pack, verifies every object's hash, and compares the whole Run
byte for byte. Starting the processes is measured apart and counted once in what a million would take.
"""

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import msgspec

from benchmarks import engines
from benchmarks.bench_judge import a_question, shown
from benchmarks.table import Row, ratios
from cas.records.picture import JudgeInput2
from cas.records.verdict import Question
from cas.store import load, save
from pipeline.stage import advance
from pipeline.stages.judge2 import JUDGE2
from replay.fanout import Source, fan_out, ordered, rerun_all
from replay.remembering import Memory
from replay.sealed import PackStore, write_pack

VERDICTS = 20_000
PER_PICTURE = 20
ROUNDS = 3
CALLS = 10
GOAL_SECONDS = 60
PEERS = (("regorus", 40), ("regopy", None))


def a_past(path, verdicts=VERDICTS):
    """Judge many questions, as time went by, and seal all of it into a pack; gives the Runs and one picture."""
    store, _, assessment, picture = a_question()
    question = load(store, assessment.question, Question)
    runs = []
    for at in range(verdicts):
        moment = f"2026-{3 + at // 40_320:02}-{1 + at // 1440 % 28:02}T{at // 60 % 24:02}:{at % 60:02}:00Z"
        asked = save(store, msgspec.structs.replace(question, as_of=moment))
        if at % PER_PICTURE == 0:
            first = msgspec.structs.replace(picture.findings[0], epss=at)
            kept = save(store, msgspec.structs.replace(picture, findings=(first, *picture.findings[1:])))
        name = save(store, msgspec.structs.replace(assessment, question=asked, picture=kept))
        judged = save(store, JudgeInput2(question=asked, assessment=name, answers=()))
        runs.append(advance(JUDGE2, judged, store).note.run)
    write_pack(path, store, store.digests())
    return runs, shown(picture)


def run():
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        return measure(Path(folder) / "past.pack")


def measure(path):
    runs, text = a_past(path)
    wanted = ordered(PackStore([path]), runs)
    peers = [(name, ask, goal) for name, goal in PEERS if (ask := engines.engine(name)) is not None]
    rounds = []
    for _ in range(ROUNDS):
        one = worked(lambda: check(rerun_all(PackStore([path]), wanted, Memory()), wanted)) / len(wanted)
        begun = [timed(lambda count=count: spread(path, wanted[:count], count, 1)) for count in (1, 2)]
        fresh, two = (timed(lambda count=count: spread(path, wanted, count)) for count in (1, 2))
        peer = {name: worked(lambda ask=ask: [ask(text) for _ in range(CALLS)]) / CALLS for name, ask, _ in peers}
        rounds.append((one, peer, (fresh - begun[0]) / len(wanted), (two - begun[1]) / len(wanted), begun[1]))
    one, fresh, two, start = (median(each[at] for each in rounds) for at in (0, 2, 3, 4))
    size = f"{len(text) / 1000:.0f} kB as a rule's input, shared by {PER_PICTURE} verdicts"
    rows = []
    for name, goal in PEERS:
        known = [(each[1][name], each[0]) for each in rounds if name in each[1]]
        other = 1 / median(pair[0] for pair in known) if known else None
        ratio = ratios(known)[0] if known else None
        peer = name if known else f"{name} (not installed)"
        rows.append(Row("replay, per core", 1 / one, peer, other, ratio, goal, "verdicts/s", size))
    both = ratios((each[2], each[3]) for each in rounds)[0]
    million = start + 1e6 * two
    return [
        *rows,
        Row(
            "replay, two processes", 1 / two, "one process", 1 / fresh, both, 1.6, "verdicts/s", f"start {start:.2f} s"
        ),
        Row("replay of 1M verdicts", million, "goal", GOAL_SECONDS, GOAL_SECONDS / million, 1, "s", size),
    ]


def spread(path, wanted, processes, chunk=250):
    check(fan_out(Source("packs", (str(path),)), wanted, processes=processes, chunk=chunk), wanted)


def check(tally, wanted):
    assert tally.equal == len(wanted), tally


def worked(action):
    """Seconds of a core: what others do on the machine does not count."""
    start = process_time()
    action()
    return process_time() - start


def timed(action):
    start = perf_counter()
    action()
    return perf_counter() - start


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
