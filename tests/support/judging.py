"""A small instance to judge in: keys, people, a release of images built by hand, evidence through the real doors."""

import json

from cas import digest, refs
from cas.records.proof import Person
from cas.records.release import Component, Environment, FreezeWindow, ImageNode, Release, Resolution
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.attest import statements
from pipeline.operations import approve, policy, promote, trust, waivers
from pipeline.operations.attestations import sign_statement
from pipeline.operations.feeds import import_feed
from pipeline.operations.ingest import Submission, submit
from pipeline.operations.work import Work
from tests.support.world import ALICE, BOB, CAROL, World

ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ecdsa-p256", purposes=("server",))
STICKER = generate("ed25519", purposes=("server",))
PEOPLE = (ALICE, BOB, CAROL)
KEYS = {caller.login: generate("ed25519", purposes=("approve", "submit")) for caller in PEOPLE}
START = "2026-03-01T12:00:00Z"

PACK = """
name: house
version: "1"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: %(binding)s}
  - gate: severity_budget/1
    with: {critical: 0, high: 0}
"""


def named(text):
    return digest.of_bytes(text.encode())


def osv(name, package, severity="HIGH", fixed="2.0.0", ecosystem="PyPI", aliases=()):
    vectors = {
        "CRITICAL": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "HIGH": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        "LOW": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N",
    }
    return json.dumps(
        {
            "id": name,
            "modified": "2026-02-01T00:00:00Z",
            "aliases": list(aliases),
            "severity": [{"type": "CVSS_V3", "score": vectors[severity]}],
            "affected": [
                {
                    "package": {"ecosystem": ecosystem, "name": package},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
                }
            ],
        }
    ).encode()


def sbom(*packages, serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"):
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "serialNumber": serial,
            "version": 1,
            "components": [
                {
                    "type": "library",
                    "bom-ref": f"pkg:pypi/{name}@{version}",
                    "name": name,
                    "version": version,
                    "purl": f"pkg:pypi/{name}@{version}",
                }
                for name, version in packages
            ],
        }
    ).encode()


def openvex(vulnerability, status, product, *, at="2026-03-01T11:00:00Z", subcomponents=(), justification="", name="1"):
    statement = {
        "vulnerability": {"name": vulnerability},
        "products": [
            {"@id": product, **({"subcomponents": [{"@id": one} for one in subcomponents]} if subcomponents else {})}
        ],
        "status": status,
    }
    if status == "not_affected":
        statement["justification"] = justification or "vulnerable_code_not_in_execute_path"
    if status == "affected":
        statement["action_statement"] = "upgrade"
    return json.dumps(
        {
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": f"https://example.test/vex/{name}",
            "author": "Example",
            "timestamp": at,
            "version": 1,
            "statements": [statement],
        }
    ).encode()


def in_statement(document, subject, predicate_type):
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "image", "digest": {"sha256": subject[7:]}}],
            "predicateType": predicate_type,
            "predicate": json.loads(document),
        }
    ).encode()


def signed(document, subject, login="bob", predicate_type="https://openvex.dev/ns/v0.2.0"):
    return sign_statement(in_statement(document, subject, predicate_type), [KEYS[login]])


def an_environment(name="production", **changes):
    fields = {
        "name": name,
        "order": 1,
        "after": "",
        "production": True,
        "required_approvals": 0,
        "approver_groups": (),
        "separation_of_duties": True,
        "personal_key_required": True,
        "freeze_windows": (),
        "soak_seconds": 0,
        "variables": (),
        "secrets": (),
        "allowed_bind_paths": (),
        "targets": (),
        "health_timeout_seconds": 60,
        "retention_days": 30,
        "created_by": ALICE.actor,
    }
    return Environment(**(fields | changes))


def window(start, end, *exceptions):
    return FreezeWindow(start=start, end=end, reason="holidays", exceptions=tuple(exceptions))


def a_resolution(name="web", platforms=("linux/amd64",), index=True):
    nodes, manifests = [], []
    for platform in platforms:
        config, manifest = named(f"{name} {platform} config"), named(f"{name} {platform} manifest")
        nodes.append(ImageNode(digest=config, media_type="config", size=1, role="config", platform=platform, below=()))
        nodes.append(
            ImageNode(
                digest=manifest, media_type="manifest", size=1, role="manifest", platform=platform, below=(config,)
            )
        )
        manifests.append(manifest)
    root = manifests[0]
    if index:
        root = named(f"{name} index")
        nodes.append(
            ImageNode(
                digest=root, media_type="index", size=1, role="index", platform="", below=tuple(sorted(manifests))
            )
        )
    return Resolution(
        reference=f"registry.test/{name}:1",
        repository=f"registry.test/{name}",
        tag="1",
        root=root,
        nodes=tuple(sorted(nodes, key=lambda node: node.digest)),
    )


class Scene:
    """An instance with a trust root, three people, one release ``app-1`` and the environment ``production``."""

    def __init__(self, platforms=("linux/amd64",), pack=PACK % {"binding": "asserted"}, world=None, **environment):
        self.world = world or World()
        self.effects = self.world.effects(server=SERVER, sticker=STICKER)
        trust.found(self.effects, ROOT, SERVER, STICKER, ALICE)
        people = [Person(id=one.actor, login=one.login, groups=("ops",), keys=(KEYS[one.login].key,)) for one in PEOPLE]
        trust.set_directory(self.effects, ALICE, people, [ROOT])
        self.release = self.add_release("app-1", a_resolution("web", platforms), platforms)
        self.set_environment("production", **environment)
        if pack is not None:
            self.activate(pack)

    @property
    def store(self):
        return self.effects.store

    def at(self, instant):
        self.world.clock.at = instant

    def note(self, event, record, *moves):
        work = Work(self.effects, ALICE)
        name = work.save(record)
        work.note(event, name, tuple(work.move(ref, name) for ref in moves))
        work.commit()
        return name

    def add_release(self, name, resolution, platforms):
        component = Component(
            name="web",
            repository=resolution.repository,
            tag=resolution.tag,
            digest=resolution.root,
            platforms=tuple(platforms),
            resolution=Work(self.effects, ALICE).save(resolution),
            semver="1.0.0",
            role="primary",
            images_kept=False,
        )
        self.resolution = resolution
        release = Release(
            name=name,
            line="app",
            components=(component,),
            template=None,
            source=(),
            created_at=self.world.clock.at,
            created_by=ALICE.actor,
            nonce="0" * 32,
        )
        return self.note("release.finalized", release, refs.release(name))

    def set_environment(self, name, **changes):
        return self.note("environment.set", an_environment(name, **changes), refs.environment(name))

    def activate(self, pack, environment="production"):
        stored = policy.store_pack(self.effects, ALICE, pack.encode())
        policy.activate(self.effects, ALICE, stored.digest, environment)
        return stored.digest

    def manifest(self, platform="linux/amd64"):
        return next(
            node.digest for node in self.resolution.nodes if node.role == "manifest" and node.platform == platform
        )

    def submit(self, *documents, subject=None):
        subject = self.manifest() if subject is None else subject
        return submit(self.effects, BOB, [Submission(data=data, subject=subject) for data in documents])

    def feed(self, *documents, **lists):
        return import_feed(self.effects, BOB, "test", list(documents), **lists)

    def evaluate(self, environment="production"):
        return promote.evaluate(self.effects, ALICE, "app-1", environment)

    def request(self, environment="production", **more):
        return promote.request(self.effects, ALICE, "app-1", environment, "because", **more)

    def decide(self, view):
        return promote.decide(self.effects, ALICE, view.id)

    def approval(self, view, login, decision="approve", expires_at="2026-03-02T00:00:00Z", nonce="1" * 32):
        asked = approve.view(self.effects, view.id)
        payload = approve.statement_to_sign(asked, decision, "fine", expires_at, nonce)
        return sign_statement(payload, [KEYS[login]])

    def approve(self, view, login, **more):
        return approve.admit(self.effects, BOB, self.approval(view, login, **more))

    def waive(self, vulnerability="CVE-2026-0001", login="carol", **wanted):
        """Have ALICE ask for a waiver, and another person approve it."""
        given = {"reason": "known", "ticket": "T-1", "expires_at": "2026-03-05T00:00:00Z"} | wanted
        asked = waivers.request(self.effects, ALICE, waivers.Wanted(vulnerability, **given))
        envelope = sign_statement(waivers.to_sign(self.effects, asked.id), [KEYS[login]])
        return waivers.approve(self.effects, BOB, envelope)

    def load(self, name, kind):
        return load(self.store, name, kind)


def codes(verdict):
    return sorted({finding.code for gate in verdict.gates for finding in gate.findings})


__all__ = ["Scene", "codes", "openvex", "osv", "sbom", "signed", "statements"]
