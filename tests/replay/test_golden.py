"""The golden corpus: published verdicts, sealed once, rerun by every later version; each mutation is named."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cas import digest
from cas.records.deploy import DriftReport
from cas.store import load
from pipeline.stages.catalog import STAGES
from replay import verify
from replay.behind import behind
from replay.imports import replay_bundle
from replay.opened import OpenedBundle
from tests.support import corpus
from tests.support.frozen import PACKAGES

ROOT = Path(__file__).parents[2]
BUNDLES = corpus.bundles()
RERUN = """
import sys
from pathlib import Path
from replay.imports import replay_bundle
report = replay_bundle(Path(sys.argv[1]))
print(report.result)
for each in report.differences:
    print(each.stage, each.pointer, each.recorded, each.recomputed)
"""


def test_the_corpus_holds_every_story():
    assert {path.name.split("-")[0] for path in BUNDLES} >= {"judged", "deployed", "drifted"}


def test_no_sealed_bundle_was_ever_written_over():
    """The list only grows: whoever makes a golden verdict anew to please a test must change this file too."""
    listed = dict(line.split()[::-1] for line in (corpus.BUNDLES / "SHA256SUMS").read_text().splitlines())
    found = {path.name: digest.of_bytes(path.read_bytes()).removeprefix("sha256:") for path in BUNDLES}
    assert found == listed
    assert listed["judged-1.tar"].startswith("5c65605fb5fbe726")
    assert listed["deployed-1.tar"].startswith("44c8be32ff6e9110")


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_a_sealed_bundle_still_verifies(path):
    assert verify.main([str(path), "--quiet"]) == 4


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_a_published_verdict_comes_out_byte_for_byte_the_same(path):
    """An engine of another version is told as such; whatever needs no engine must be rerun and equal all the same."""
    report = replay_bundle(path)
    assert report.differences == ()
    assert report.absent == ()
    bundle = OpenedBundle(path)
    runs = [run for _, run in behind(bundle.manifest.roots, bundle, bundle.recorded()).runs]
    here = {(stage.name, stage.version): stage.engines for stage in STAGES}
    able = [run for run in runs if here.get((run.stage, run.version)) == run.engines]
    assert report.runs == len(able)
    assert all(not run.engines for run in runs if run.stage in {"gather", "assess", "judge", "decide"})
    assert report.result == ("equal" if len(able) == len(runs) else "cannot_rerun")


def test_the_corpus_reruns_every_stage():
    """What no bundle of the corpus holds cannot be guarded by it."""
    rerun = set()
    for path in BUNDLES:
        bundle = OpenedBundle(path)
        rerun |= {(run.stage, run.version) for _, run in behind(bundle.manifest.roots, bundle, bundle.recorded()).runs}
    assert {(stage.name, stage.version) for stage in STAGES} <= rerun


def test_the_corpus_names_every_type_of_drift():
    found = set()
    for path in BUNDLES:
        bundle = OpenedBundle(path)
        for _, run in behind(bundle.manifest.roots, bundle, bundle.recorded()).runs:
            if run.stage == "drift":
                found |= {one.type for one in load(bundle, run.output, DriftReport).drifts} or {"none"}
    assert found == {"none", "missing", "corrupted", "mismatch"}


@pytest.mark.parametrize(
    ("file", "old", "new", "stage"),
    [
        ("policy/gates/severity_budget.py", "found[label] > budget", "found[label] < budget", "judge"),
        ("policy/gates/severity_budget.py", '"fail" if over else', '"pass" if over else', "judge"),
        (
            "policy/gates/severity_budget.py",
            "dict(counted or severities(groups))",
            '{label: __import__("time").time_ns() % 997 + 1 for label in SEVERITIES}',
            "judge",
        ),
        ("policy/trust_table.py", "provenance_weight=450_000", "provenance_weight=400_000", "assess"),
        ("pipeline/attest/owned.py", "<= standard.position", "> standard.position", ""),
        ("targets/drift.py", 'type_ = "corrupted" if own', 'type_ = "mismatch" if own', "drift"),
        ("targets/drift.py", "now.image_digest != pinned", "now.image_digest == pinned", "drift"),
        ("targets/drift.py", "found.pop(was.name, None)", "found.pop(was.name, was)", "drift"),
    ],
    ids=[
        "inverted_count",
        "inverted_gate",
        "clock_in_a_gate",
        "vex_weight",
        "untouched_by_the_story",
        "drift_by_another_name",
        "drift_inverted",
        "drift_unseen",
    ],
)
def test_a_changed_meaning_is_named(tmp_path, file, old, new, stage):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (tmp_path / file).read_text()
    assert text.count(old) == 1
    (tmp_path / file).write_text(text.replace(old, new))
    story = "drifted" if stage == "drift" else "judged"
    path = next(path for path in BUNDLES if path.stem.startswith(story))
    done = subprocess.run(
        [sys.executable, "-c", RERUN, str(path)], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result, *differences = done.stdout.splitlines()
    if not stage:
        assert result == "equal"  # no key of this story was ever revoked: the frozen list guards what a story cannot
        return
    assert result == "different"
    assert stage in {line.split()[0] for line in differences}


@pytest.mark.parametrize("story", ["judged", "argued"])
def test_a_story_told_and_sealed_today_replays_whole(tmp_path, story):
    """A period holds feeds beside verdicts: the feed travels as far as it was read, and every Run with its input."""
    from tests.support.corpus_story import seal

    path = tmp_path / "today.tar"
    seal(story, path)
    report = replay_bundle(path)
    assert (report.result, report.absent, report.differences) == ("equal", (), ())
