"""read_template/1: what Compose services ask of a host is seen, whatever form it is written in."""

import msgspec

from cas import refs
from cas.pictures import picture_of
from cas.records.release import ComposeInput, ReadTemplateInput, Release, Tree, TreeEntry
from pipeline.operations.work import Work
from pipeline.stages.compose import COMPOSE
from pipeline.stages.read_template import READ_TEMPLATE
from tests.support.judging import Scene, osv, sbom
from tests.support.world import ALICE

HARMLESS = """
services:
  web:
    image: registry.test/web:1
    volumes: [./conf:/etc/conf:ro, data:/data]
volumes: {data: {}}
"""
DANGEROUS = """
services:
  web:
    image: registry.test/web:1
    privileged: true
    network_mode: host
    pid: host
    cap_add: [SYS_ADMIN]
    security_opt: [seccomp:unconfined]
    devices: ["/dev/kmsg:/dev/kmsg"]
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - {type: bind, source: /etc, target: /host/etc}
      - hidden:/root
volumes:
  hidden: {driver: local, driver_opts: {type: none, o: bind, device: /root}}
"""


def with_template(scene, text):
    data = text.encode()
    work = Work(scene.effects, ALICE)
    entry = TreeEntry(path="compose.yaml", digest=scene.store.put(data), size=len(data), executable=False)
    tree = work.save(Tree(entries=(entry,)))
    project = work.run(COMPOSE, ComposeInput(tree=tree, files=())).digest
    release = scene.load(scene.release, Release)
    changed = msgspec.structs.replace(release, template=tree, compose=project)
    scene.release = scene.note("release.finalized", changed, refs.release("app-1"))
    return work.run(READ_TEMPLATE, ReadTemplateInput(release=scene.release)).record


def test_a_harmless_project_asks_nothing():
    (service,) = with_template(Scene(), HARMLESS).services
    assert (service.component, service.privileged, service.namespaces) == ("web", False, ())
    assert [mount.source for mount in service.mounts] == ["./conf"]
    assert service.unclear == ()


def test_every_wish_is_seen_the_bind_behind_a_named_volume_too():
    (service,) = with_template(Scene(), DANGEROUS).services
    assert service.privileged
    assert service.namespaces == (("network_mode", "host"), ("pid", "host"))
    assert service.cap_add == ("SYS_ADMIN",)
    assert service.security_opt == ("seccomp:unconfined",)
    assert service.devices
    assert [mount.source for mount in service.mounts] == ["/etc", "/root", "/var/run/docker.sock"]


def test_the_gate_denies_the_dangerous_project_and_names_each_place():
    pack = 'name: t\nversion: "1"\ngates:\n  - gate: template_safety/1\n'
    scene = Scene(pack=pack)
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("flask", "9.9.9")))
    with_template(scene, HARMLESS)
    assert scene.evaluate().verdict.outcome == "allow"
    with_template(scene, DANGEROUS)
    verdict = scene.evaluate().verdict
    assert verdict.outcome == "deny"
    found = {(finding.code, ref.pointer) for finding in verdict.gates[0].findings for ref in finding.evidence}
    assert ("privileged", "/services/web/privileged") in found
    assert ("engine_socket", "/services/web/volumes/0") in found
    assert ("bind_outside", "/services/web/volumes/2") in found
    assert picture_of(verdict.assessment, scene.store.get).template is not None


def test_an_image_that_is_no_component_is_seen():
    (service,) = with_template(Scene(), HARMLESS.replace("registry.test/web:1", "evil.test/web:1")).services
    assert service.component == ""
