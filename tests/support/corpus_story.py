"""The stories that the golden corpus seals: judged with VEX and approvals, deployed twice, drifted, argued over."""

import json
from collections.abc import Iterable
from pathlib import Path

from cas.digest import of_bytes
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust
from cas.records.proof import Run
from cas.store import load
from pipeline.operations import break_glass, drift, promote, rules, sigstore_trust, trust
from pipeline.operations.attestations import sign_statement
from replay import scope
from replay.bundle import export
from tests.support.delivery import Delivery, Image, target
from tests.support.fake_target import Fleet
from tests.support.images import Layout
from tests.support.judging import KEYS, ROOT, Scene, openvex, osv, sbom, signed
from tests.support.sigstore import DATA, PRODUCTION
from tests.support.world import ALICE

PACK = """
name: corpus
version: "1"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: asserted}
  - gate: severity_budget/1
    with: {critical: 0, high: 0}
  - gate: unknowns_budget/1
    with: {max_count: 10}
  - gate: vex_trust/1
    with: {minimum_score: 100000}
    enforcement: warn
  - gate: cve_delta/1
    enforcement: observe
  - gate: kev_blocker/1
    enforcement: warn
  - gate: feed_age/1
    with: {max_hours: 72}
    enforcement: observe
  - gate: template_safety/1
    enforcement: observe
moment:
  - gate: approvals/1
    with: {minimum: 2, separation_of_duties: true, personal_key: true}
  - gate: freeze_window/1
  - gate: stop_line/1
"""
REPORTS = Path(__file__).resolve().parents[1] / "data" / "reports"
PRODUCT = "pkg:oci/web@sha256:%s"


def judged():
    """Denied for an open finding, then allowed by a signed VEX claim, approved by two, decided."""
    scene = Scene(platforms=("linux/amd64", "linux/arm64"), pack=PACK, required_approvals=2)
    scene.feed(
        osv("CVE-2026-0001", "requests", aliases=("GHSA-aaaa-bbbb-cccc",)),
        osv("CVE-2026-0002", "flask", severity="LOW", fixed="10.0.0"),
        osv("CVE-2026-0003", "unrelated", severity="CRITICAL"),
    )
    for platform in ("linux/amd64", "linux/arm64"):
        document = sbom(("flask", "9.0.0"), ("requests", "1.0.0"))
        scene.submit(document, subject=scene.manifest(platform))
    denied = scene.request()
    assert denied.verdict.outcome == "deny"
    scene.at("2026-03-01T13:00:00Z")
    for platform in ("linux/amd64", "linux/arm64"):
        image = scene.manifest(platform)
        claim = openvex(
            "CVE-2026-0001", "not_affected", PRODUCT % image[7:], subcomponents=("pkg:pypi/requests@1.0.0",)
        )
        scene.submit(signed(claim, image), subject=image)
    view = scene.request(previous=denied.id)
    if view.status.state == "pending_approval":
        scene.approve(view, "bob")
        scene.approve(view, "carol", nonce="2" * 32)
        view = scene.decide(view)
    assert view.status.state == "approved", view.verdict
    promote.evaluate(scene.effects, ALICE, "app-1", "production")
    return scene.effects


def deployed():
    """Two releases of one line, deployed to two pretend hosts one after the other."""
    layout = Layout()
    fleet = Fleet()
    hosts = tuple(target(name, "docker_host", url="unix:///x", directory="/srv") for name in ("alpha", "beta"))
    made = Delivery(targets=hosts, adapter=fleet.adapter)
    for number in (1, 2):
        made.world.clock.at = f"2026-03-01T1{number}:30:00Z"
        descriptor = layout.image({"app": b"v%d" % number})
        image = Image("registry.example/shop/web", f"v{number}", layout, descriptor)
        ended = made.deploy(made.release(f"shop-{number}", {"web": image}))
        assert ended.result.result == "deployed"
    return made.effects


SPOILED = ("alpha", "beta", "delta", "epsilon", "gamma", "zeta")


def drifted():
    """One release on six pretend hosts, five of which are changed behind our back, each in its own way; then looked at."""
    layout = Layout()
    fleet = Fleet()
    hosts = tuple(target(name, "docker_host", url="unix:///x", directory="/srv") for name in SPOILED)
    made = Delivery(targets=hosts, adapter=fleet.adapter)
    image = Image("registry.example/shop/web", "v1", layout, layout.image({"app": b"v1"}))
    ended = made.deploy(made.release("shop-1", {"web": image}))
    assert ended.result.result == "deployed"
    made.world.clock.at = "2026-03-01T14:00:00Z"
    assert not any(one.report.drifted for one in drift.check(made.effects, ALICE, "production"))
    made.world.clock.at = "2026-03-01T15:00:00Z"
    spoil(fleet, layout.image({"app": b"other"})["digest"])
    reports = {one.target.name: one.report for one in drift.check(made.effects, ALICE, "production")}
    found = {name: {each.type for each in report.drifts} for name, report in reports.items()}
    assert found == {
        "alpha": set(),
        "beta": {"missing"},
        "delta": {"corrupted"},
        "epsilon": {"mismatch"},
        "gamma": {"mismatch"},
        "zeta": {"corrupted", "missing"},
    }, found
    return made.effects


def spoil(fleet, other):
    """What somebody did to five hosts."""
    engines, sticker = fleet.engines, "stella.version.json"
    del engines["beta"].files[sticker]
    engines["delta"].files[sticker] = engines["delta"].files[sticker].replace(b"shop-1", b"shop-9")
    deployment = json.loads(engines["epsilon"].files[sticker])["deployment"]["id"].encode()
    engines["epsilon"].files[sticker] = engines["epsilon"].files[sticker].replace(deployment, b"another")
    [container] = engines["gamma"].containers.values()
    container |= {"digest": other, "id": "replaced"}
    engines["zeta"].containers.clear()
    engines["zeta"].files["compose.stella.lock.yml"] += b"# edited by hand\n"


ARGUED = """
name: argued
version: "1"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: asserted}
  - gate: severity_budget/1
    with: {critical: 0, high: 1}
  - gate: cve_delta/2
    enforcement: warn
  - gate: kev_blocker/2
    enforcement: warn
  - gate: epss_threshold/2
    enforcement: observe
  - gate: vex_trust/2
    enforcement: warn
  - gate: vex_conflict/1
  - gate: lattice_state/1
    enforcement: observe
  - gate: reachable_cve/1
    enforcement: observe
  - gate: uncertainty_tier/1
    enforcement: observe
  - gate: unknowns_budget/2
    enforcement: observe
  - gate: waiver_expiry/1
  - gate: sbom_quality/1
    enforcement: observe
  - gate: license_terms/1
    enforcement: observe
  - gate: code_findings/1
    enforcement: observe
  - gate: secret_findings/1
    with: {binding: asserted}
  - gate: test_results/1
  - gate: coverage/1
    with: {lines_millionths: 100000}
    enforcement: observe
  - gate: rego_rules/1
    with: {rules: [%s]}
"""
RULE = """package stella

import rego.v1

warn contains sprintf("%s is open", [found.vulnerability]) if {
	some found in input.findings
	found.open
}
"""


SECDB = json.dumps(
    {
        "distroversion": "v3.16",
        "reponame": "main",
        "packages": [{"pkg": {"name": "curl", "secfixes": {"7.83.1-r1": ["CVE-2026-0004"]}}}],
    }
).encode()


def public_roots(effects):
    """Trust the public Sigstore instance, for whoever it names."""
    named = SigstoreRoot(
        name="public",
        root=of_bytes(PRODUCTION),
        identities=(SigstoreIdentity(issuer="https://token.actions.githubusercontent.com", identity="*"),),
    )
    made = trust.sign_record("sigstore-trust", SigstoreTrust(version=1, roots=(named,), previous=None), [ROOT])
    sigstore_trust.change(effects, ALICE, made, (PRODUCTION,))


def argued():
    """Reports, tests, a waiver that lowers, a claim, a rule of the house: denied, then set aside by two people."""
    scene = Scene(pack=None)
    rule = rules.store_rule(scene.effects, ALICE, RULE.encode())
    scene.activate(ARGUED % f'"{rule.digest}"')
    scene.feed(
        osv("CVE-2026-0001", "requests", aliases=("GHSA-aaaa-bbbb-cccc",)),
        osv("CVE-2026-0002", "flask", severity="LOW", fixed="10.0.0"),
        osv("CVE-2026-0003", "django", severity="CRITICAL"),
        SECDB,
    )
    public_roots(scene.effects)
    scene.submit((DATA / "bundle-verify" / "happy-path-intoto-in-dsse-v3" / "bundle.sigstore.json").read_bytes())
    scene.submit(sbom(("django", "1.0.0"), ("flask", "9.0.0"), ("requests", "1.0.0")))
    for name in ("trivy.json", "gitleaks.json", "surefire.xml", "cobertura-coverage-py.xml", "semgrep.sarif"):
        scene.submit((REPORTS / name).read_bytes())
    image = scene.manifest()
    claim = openvex("CVE-2026-0002", "not_affected", PRODUCT % image[7:], subcomponents=("pkg:pypi/flask@9.0.0",))
    scene.submit(signed(claim, image), subject=image)
    scene.waive("CVE-2026-0001", effect="downgrade", severity="low", environment="production")
    denied = scene.request()
    assert denied.verdict.outcome == "deny"
    asked = break_glass.request(scene.effects, ALICE, "app-1", "production", "down", "INC-1", "2026-03-01T18:00:00Z")
    for login in ("alice", "bob"):
        envelope = sign_statement(break_glass.to_sign(scene.effects, asked.id), [KEYS[login]])
        break_glass.sign(scene.effects, ALICE, envelope)
    assert scene.request(previous=denied.id).status.state == "approved"
    return scene.effects


SETTLED = """
name: settled
version: "1"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: asserted}
  - gate: determinization/1
    with: {half_life_days: 30}
  - gate: stability_damping/1
    with: {max_flips: 1}
  - gate: sbom_drift/1
    with: {binding: asserted, max_added: 1}
  - gate: unknowns_budget/2
    enforcement: observe
"""


def settled():
    """Two SBOMs that disagree, one with a package URL that names nothing, and an issuer who changes his mind."""
    scene = Scene(pack=SETTLED)
    scene.feed(osv("CVE-2026-0001", "requests"), osv("CVE-2026-0002", "flask", fixed="10.0.0"))
    scene.submit(sbom(("flask", "9.0.0"), ("requests", "1.0.0")))
    other = json.loads(sbom(("flask", "9.0.1"), ("requests", "1.0.0"), ("nameless", "1")))
    other["components"][2]["purl"] = "pkg:maven/@1.3.4"
    scene.at("2026-03-01T12:30:00Z")
    scene.submit(json.dumps(other).encode())
    image = scene.manifest()
    for day, status in enumerate(("not_affected", "affected", "not_affected"), 1):
        product = {"subcomponents": ("pkg:pypi/requests@1.0.0",), "at": f"2026-02-{day:02}T00:00:00Z", "name": str(day)}
        scene.submit(signed(openvex("CVE-2026-0001", status, PRODUCT % image[7:], **product), image), subject=image)
    verdict = promote.evaluate(scene.effects, ALICE, "app-1", "production").verdict
    assert [one.status for one in verdict.gates] == ["pass", "fail", "fail", "fail", "fail"], verdict.gates
    assert verdict.outcome == "deny"
    return scene.effects


STORIES = {"argued": argued, "deployed": deployed, "drifted": drifted, "judged": judged, "settled": settled}


def seal(story, path):
    """Tell a story and seal all of it, feed imports included."""
    effects = STORIES[story]()
    roots = {*scope.of_period(effects.log, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), *imports(effects)}
    return export(effects.store, effects.log, effects.server, roots, path)


def imports(effects) -> Iterable[str]:
    """Name the Runs that imported feeds: a closure stops at a feed unless asked for more."""
    for _, entry in effects.log.read():
        for note in entry.runs:
            if note.stage in {"import_feed", "read_feed"}:
                yield note.run
                yield load(effects.store, note.run, Run).input
