"""Stages are functions of digests: another process, hash seed, time zone and locale gives the same bytes."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RERUN = """
import sys
from cas.adapters.memory import MemoryStore
from pipeline.stage import advance
from pipeline.stages.catalog import STAGES
import base64, msgspec
story = msgspec.json.decode(sys.stdin.buffer.read())
store = MemoryStore()
for data in story["objects"]:
    store.put(base64.b64decode(data))
stages = {(stage.name, stage.version): stage for stage in STAGES}
for name, version, question, _ in story["runs"]:
    print(name, advance(stages[(name, version)], question, store).digest)
"""


def run(code, seed, zone, language, stdin=b""):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": seed,
        "TZ": zone,
        "LC_ALL": language,
        "LANG": language,
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def recorded():
    """Every object of a told story, and every Run of the judging stages in it."""
    import base64

    import msgspec

    from tests.pipeline.test_stage_read_template import DANGEROUS, with_template
    from tests.support.judging import PACK, Scene, openvex, osv, sbom, signed

    scene = Scene(platforms=("linux/amd64", "linux/arm64"), pack=PACK % {"binding": "asserted"}, required_approvals=1)
    scene.feed(*(osv(f"CVE-2026-{n:04}", f"package{n % 7}", ("LOW", "HIGH", "CRITICAL")[n % 3]) for n in range(30)))
    with_template(scene, DANGEROUS)
    for m in range(4):
        packages = [(f"package{n}", f"1.{n}.{m}") for n in range(7)]
        serial = f"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b{m:02}"
        scene.submit(sbom(*packages, serial=serial), subject=scene.resolution.root)
    for n in range(9):
        status = ("affected", "not_affected", "fixed")[n % 3]
        vex = openvex(f"CVE-2026-{n % 4:04}", status, f"pkg:oci/web@{scene.manifest()}", name=str(n))
        scene.submit(signed(vex, scene.manifest(), login=("bob", "carol")[n % 2]))
    assert scene.request().status.state == "rejected"
    scene.activate('name: t\nversion: "1"\ngates: [{gate: template_safety/1, enforcement: observe}]\n')
    view = scene.request()
    scene.approve(view, "bob")
    assert scene.decide(view).status.state == "approved"
    notes = {
        (note.stage, note.version, note.input, note.output)
        for _, entry in scene.effects.log.read()
        for note in entry.runs
    }
    assert {"gather", "read_template", "match", "assess", "judge", "decide"} <= {note[0] for note in notes}
    objects = [base64.b64encode(scene.store.get(name)).decode() for name in scene.store.digests()]
    runs = sorted(notes)
    return msgspec.json.encode({"objects": objects, "runs": runs}), [f"{name} {output}" for name, _, _, output in runs]


def test_every_recorded_run_gives_the_same_digest_in_other_processes_seeds_zones_and_locales():
    story, expected = recorded()
    for seed, zone, language in (("0", "UTC", "C"), ("4242", "Pacific/Kiritimati", "tr_TR.UTF-8")):
        assert run(RERUN, seed, zone, language, story).decode().split("\n")[:-1] == expected


def test_the_story_told_anew_with_other_seeds_makes_the_same_questions():
    assert recorded()[1] == recorded()[1]
