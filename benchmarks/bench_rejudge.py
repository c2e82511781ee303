"""A new snapshot against 10,000 verdicts: find those it touches and judge them, beside judging every one anew.

100 SBOMs of 200 packages are shared by 10,000 questions, as images are; the new snapshot changes a package of one of
them. Both sides judge through the same stages; of the peer, which judges all, a sample is timed and counted up.
"""

import random
import time
from statistics import median

import msgspec

from benchmarks.table import Row
from cas import refs
from cas.records.evidence import Admission
from cas.records.verdict import Question
from cas.store import load, save
from pipeline.operations.rejudging import touched
from tests.support.judging import Scene, osv, sbom

VERDICTS = 10_000
SBOMS = 100
SAMPLE = 12


def _scene():
    scene = Scene()
    scene.feed(*(osv(f"CVE-2026-{at:04}", f"package-{at}") for at in range(1000, 3000)))
    chance = random.Random(1)
    admissions = []
    for at in range(SBOMS):
        names = [(f"package-{chance.randrange(10_000)}", "9.0.0") for _ in range(199)]
        document = sbom(
            (f"own-{at}", "1.0.0"), *dict(names).items(), serial=f"urn:uuid:3e671687-395b-41f5-a30f-{at:012}"
        )
        admissions.append(scene.submit(document).receipts[0].admission)
    return scene, admissions


def _verdicts(scene, admissions):
    """Give 10,000 verdicts, each resting on one of the SBOMs."""
    judged = scene.evaluate()
    question = load(scene.store, judged.verdict.question, Question)
    (part,) = question.components
    out = []
    for at in range(VERDICTS):
        one = msgspec.structs.replace(part, admissions=(admissions[at % SBOMS],))
        asked = save(
            scene.store, msgspec.structs.replace(question, components=(one,), baseline=None, as_of=_instant(at))
        )
        out.append(
            (save(scene.store, msgspec.structs.replace(judged.verdict, question=asked)), question.release, "production")
        )
    return out


def _judging():
    """Time one judgement anew: match, assess, judge and the durable append, of a release with one such SBOM."""
    scene = Scene()
    scene.feed(*(osv(f"CVE-2026-{at:04}", f"package-{at}") for at in range(1000, 3000)))
    scene.submit(sbom(*((f"package-{at}", "9.0.0") for at in range(900, 1100))))
    took = []
    for at in range(SAMPLE):
        scene.feed(osv("CVE-2026-9998", "elsewhere", fixed=f"{at + 1}.0.0"))  # nothing that stood holds any more
        start = time.perf_counter()
        scene.evaluate()
        took.append(time.perf_counter() - start)
    return median(took)


def _instant(at):
    return f"2026-03-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z"


def run():
    """One row: selecting and judging what is touched, beside judging all."""
    scene, admissions = _scene()
    stood = _verdicts(scene, admissions)
    assert all(load(scene.store, name, Admission).type == "sbom" for name in admissions)
    scene.feed(osv("CVE-2026-9999", "own-7"))
    feed = scene.effects.log.ref(refs.FEED)
    start = time.perf_counter()
    found = list(touched(scene.effects, stood, feed))
    selecting = time.perf_counter() - start
    assert len(found) == VERDICTS // SBOMS
    assert {one.packages for one in found} == {(("PyPI", "own-7"),)}
    judging = _judging()
    ours, theirs = selecting + judging * len(found), judging * VERDICTS
    return [
        Row(
            f"re-decide {VERDICTS // 1000}k verdicts on a new snapshot, {len(found)} touched",
            ours,
            "judging every one anew",
            theirs,
            theirs / ours,
            None,
            "s",
            f"select {selecting:.2f} s = {VERDICTS / selecting:.0f} verdicts/s; one judgement of an SBOM of 200 packages {judging * 1000:.0f} ms",
        )
    ]
