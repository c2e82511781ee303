"""gather/1: heads exactly, evidence downward only, nothing younger than the question."""

import msgspec
import pytest

from cas import refs
from cas.records.proof import HeadSet
from cas.records.verdict import Gathered, GatherInput, Head
from pipeline.operations import asking
from pipeline.operations.work import Work
from pipeline.stages.gather import GATHER, AskedTooEarly, HeadsWrong, TrustMissing, subjects_of
from tests.support.judging import Scene, a_resolution, osv, sbom
from tests.support.world import ALICE


def asked(scene, **changes):
    work = Work(scene.effects, ALICE)
    place = asking.place_of(work, "app-1", "production")
    log = scene.effects.log.head()
    base = GatherInput(
        release=place.release_digest,
        environment=place.environment_digest,
        purpose="promotion",
        heads=asking.capture(work, place),
        log_size=log.size,
        log_root=log.root,
        as_of=scene.world.clock.at,
    )
    return work, msgspec.structs.replace(base, **changes)


def run(scene, **changes):
    work, question = asked(scene, **changes)
    return work.run(GATHER, question)


def test_evidence_applies_to_root_manifest_and_config_of_its_own_platform_only():
    resolution = a_resolution("web", ("linux/amd64", "linux/arm64"))
    manifest, subjects = subjects_of(resolution, "linux/amd64")
    other, others = subjects_of(resolution, "linux/arm64")
    assert subjects[0] == others[0] == resolution.root
    assert subjects[1] == manifest != other
    assert set(subjects) & set(others) == {resolution.root}
    assert len(subjects) == 3


def test_a_single_manifest_is_its_own_root():
    resolution = a_resolution("web", index=False)
    manifest, subjects = subjects_of(resolution, "linux/amd64")
    assert manifest == resolution.root
    assert len(subjects) == 2


def test_a_platform_that_is_absent_or_there_twice_has_no_subjects():
    resolution = a_resolution("web", ("linux/amd64", "linux/arm64"))
    assert subjects_of(resolution, "linux/s390x") == (None, ())
    doubled = tuple(
        msgspec.structs.replace(node, platform="linux/amd64") if node.role == "manifest" else node
        for node in resolution.nodes
    )
    assert subjects_of(msgspec.structs.replace(resolution, nodes=doubled), "linux/amd64") == (None, ())


def test_an_attestation_manifest_is_never_what_runs():
    resolution = a_resolution("web")
    nodes = tuple(
        msgspec.structs.replace(node, role="attestation") if node.role == "manifest" else node
        for node in resolution.nodes
    )
    assert subjects_of(msgspec.structs.replace(resolution, nodes=nodes), "linux/amd64") == (None, ())


def test_the_question_names_every_admission_and_the_log_s_head():
    scene = Scene()
    scene.submit(sbom(("flask", "1.0")))
    scene.submit(sbom(("flask", "1.0")), subject=scene.resolution.root)
    scene.submit(sbom(("flask", "1.0")), subject="sha256:" + "9" * 64)
    done = run(scene)
    (component,) = done.record.components
    assert len(component.admissions) == 2
    kept = [scene.store.get(name) for name in scene.store.digests()]
    gathered = [data for data in kept if b'"kind":"gathered/1"' in data]
    assert len(gathered) == 1
    assert msgspec.json.decode(gathered[0], type=Gathered).log_size == scene.effects.log.head().size


@pytest.mark.parametrize("change", ["missing", "extra", "unsorted", "twice"])
def test_heads_that_are_not_exactly_those_asked_for_are_refused(change):
    scene = Scene()
    heads = asked(scene)[1].heads
    changed = {
        "missing": heads[1:],
        "extra": (*heads, Head(name="zzz", digest=None)),
        "unsorted": tuple(reversed(heads)),
        "twice": (heads[0], *heads),
    }[change]
    with pytest.raises(HeadsWrong):
        run(scene, heads=changed)


def test_leaving_one_evidence_head_out_is_refused():
    scene = Scene()
    scene.submit(sbom(("requests", "1.0")))
    heads = tuple(head for head in asked(scene)[1].heads if head.name != refs.evidence(scene.manifest()))
    with pytest.raises(HeadsWrong) as caught:
        run(scene, heads=heads)
    assert [fault.message for fault in caught.value.fields["faults"]] == [refs.evidence(scene.manifest())]


def test_a_question_before_its_evidence_is_refused_but_may_be_simulated():
    scene = Scene()
    scene.submit(sbom(("flask", "1.0")))
    with pytest.raises(AskedTooEarly):
        run(scene, as_of="2026-03-01T11:59:59Z")
    assert run(scene, as_of="2026-03-01T11:59:59Z", purpose="simulation").record.purpose == "simulation"


def test_without_a_trust_root_there_is_no_question():
    scene = Scene()
    heads = tuple(
        msgspec.structs.replace(head, digest=None) if head.name == refs.TRUST_ROOT else head
        for head in asked(scene)[1].heads
    )
    with pytest.raises(TrustMissing):
        run(scene, heads=heads)


def test_waivers_of_any_and_of_the_environment_are_both_asked():
    scene = Scene()
    for environment in ("", "production"):
        scene.waive("CVE-1", environment=environment)
    assert len(run(scene).record.waivers) == 2


def test_what_the_line_runs_there_is_the_baseline():
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"))
    assert run(scene).record.baseline is None
    deployed = a_deployed(scene, assessment=None)
    other = a_deployed(scene, line="other")
    head = scene.store.put(msgspec.json.encode(HeadSet(members=tuple(sorted((deployed, other)))), order="sorted"))
    work = Work(scene.effects, ALICE)
    work.note("deployment.ended", deployed, (work.move(refs.deployed("production"), head),))
    work.commit()
    assert run(scene).record.baseline == scene.release


def a_deployed(scene, line="app", assessment=None):
    from cas.records.deploy import Deployed

    filler = "sha256:" + "5" * 64
    work = Work(scene.effects, ALICE)
    return work.save(
        Deployed(
            line=line,
            release=scene.release,
            environment=filler,
            deployment=filler,
            result=filler,
            rendered=filler,
            manifest=filler,
            packet=filler,
            assessment=assessment,
            completed_at="2026-03-01T00:00:00Z",
        )
    )
