"""Instances to replay and to bundle: one that only exists, one with an approved promotion."""

from cas import refs
from cas.records.proof import Run, RunNote
from cas.store import load, save
from pipeline.operations import trust
from pipeline.operations.work import Work
from tests.support.judging import ROOT, SERVER, STICKER, Scene, osv, sbom
from tests.support.world import ALICE, World

FINGERPRINT = "sha256:" + ROOT.key.id


def founded(root=ROOT, server=SERVER, sticker=STICKER):
    """An instance with nothing but its trust."""
    effects = World().effects(server=server, sticker=sticker)
    trust.found(effects, root, server, sticker, ALICE)
    return effects


def approved():
    """An instance with one promotion, judged, approved by bob, decided: (scene, promotion view)."""
    scene = Scene(required_approvals=1)
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("flask", "9.0.0")))
    view = scene.request()
    scene.approve(view, "bob")
    return scene, scene.decide(view)


def forged_run(scene, output, record):
    """Admit a record as the output of the Run that truly put out another: what a cheating instance would log."""
    work = Work(scene.effects, ALICE)
    name = work.save(record)
    note = scene.effects.log.run_of(output)
    run = load(scene.store, note.run, Run)
    told = Run(
        stage=run.stage,
        version=run.version,
        engines=run.engines,
        input=run.input,
        output=name,
        reads=run.reads,
        keeps=run.keeps,
    )
    digest = save(scene.store, told)
    work._runs.append(RunNote(run=digest, stage=run.stage, version=run.version, input=run.input, output=name))
    work.note("verdict.judged", name, (work.move(refs.named("f" * 32), name),))
    work.commit()
    return name
