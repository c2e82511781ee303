"""The golden path in a home on disk, on the demo's real evidence: what a person, CI and an approver do, step by step."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from api.settings import Settings
from api.wiring import open_instance, own_signer
from cas.digest import Digest
from cas.records.proof import Person
from pipeline.adapters.keys import generate, save_key
from pipeline.effects import Caller
from pipeline.operations import approve, environments, policy, promote, releases, trust
from pipeline.operations.attestations import sign_statement
from pipeline.operations.deploy import deploy
from pipeline.operations.feed_files import documents_in
from pipeline.operations.feeds import import_feed
from pipeline.operations.ingest import Submission, submit
from tests.support.judging import in_statement

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
EVIDENCE = EXAMPLES / "evidence"
CYCLONEDX = "https://cyclonedx.org/bom"
PROVENANCE = "https://slsa.dev/provenance/v1"
OPENVEX = "https://openvex.dev/ns/v0.2.0"
NAMES = ("alice", "bob", "carol", "ci")
CALLERS = {name: Caller(actor=f"person:{at:032x}", login=name) for at, name in enumerate(NAMES, 1)}
EXCUSED = ("CVE-2023-39325", "GHSA-m425-mq94-257g", "CVE-2022-32149")
"""What caddy's SBOM matches at or above the budget of the demo's production pack, each under a name of its own."""


def demo_images():
    spec = importlib.util.spec_from_file_location("demo_images", EXAMPLES / "images.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def provenance(reference):
    return json.dumps(
        {
            "buildDefinition": {
                "buildType": "https://example.com/build/container/v1",
                "externalParameters": {"ref": reference},
                "resolvedDependencies": [{"uri": "git+https://example.com/shop", "digest": {"gitCommit": "c" * 40}}],
            },
            "runDetails": {
                "builder": {"id": "https://ci.example.com/runner"},
                "metadata": {"startedOn": "2026-01-15T10:00:00Z", "finishedOn": "2026-01-15T10:05:00Z"},
            },
        }
    ).encode()


@dataclass
class Story:
    """A home being lived in. ``keys`` are people's own; the home never sees the private half."""

    folder: Path
    keys: dict = field(default_factory=dict)
    images: dict = field(default_factory=dict)

    def __post_init__(self):
        self.home = self.folder / "home"
        (self.folder / "keys").mkdir(parents=True, mode=0o700)
        for name in NAMES:
            purposes = ("submit",) if name == "ci" else ("approve", "submit")
            self.keys[name] = generate("ed25519", purposes=purposes, ref=name)
            save_key(self.folder / "keys" / f"{name}.pem", self.keys[name])
        self.open(found=True)

    def open(self, *, found=False):
        settings = Settings(home=str(self.home))
        self.instance = open_instance(settings, found=found, owner_login="alice", owner_key=self.keys["alice"])
        self.effects = self.instance.effects
        return self

    def close(self):
        self.instance.close()

    @property
    def store(self):
        return self.effects.store

    @property
    def log(self):
        return self.effects.log

    @property
    def fingerprint(self) -> Digest:
        return trust.fingerprint(trust.current(self.effects).root)

    def caller(self, name):
        people = {one.login: one.id for one in trust.current(self.effects).directory.people}
        return Caller(actor=people[name], login=name)

    def people(self):
        """Bob, carol and CI join alice, under the root's signature."""
        [alice] = trust.current(self.effects).directory.people
        joined = [
            Person(id=CALLERS[name].actor, login=name, groups=groups, keys=(self.keys[name].key,))
            for name, groups in (("bob", ("approvers",)), ("carol", ("approvers",)), ("ci", ()))
        ]
        trust.set_directory(
            self.effects, self.caller("alice"), [alice, *joined], [own_signer(self.instance.settings.root, "root")]
        )

    def places(self, **production):
        """Staging that only watches, and production with the demo's pack; two folders each."""
        effects, alice = self.effects, self.caller("alice")
        (self.folder / "database.secret").write_text("postgres://shop:hunter2-very-secret@db/shop\n")
        secrets = {"DATABASE_URL": f"file:{self.folder / 'database.secret'}"}
        policy.store_pack(effects, alice, policy.starter("observe"))
        policy.store_pack(effects, alice, (EXAMPLES / "policy" / "production.yaml").read_bytes())
        environments.set_environment(effects, alice, "staging", order=1, secrets=secrets)
        environments.set_environment(
            effects,
            alice,
            "production",
            **{
                "order": 2,
                "after": "staging",
                "production": True,
                "required_approvals": 2,
                "separation_of_duties": True,
                "personal_key_required": True,
                "secrets": secrets,
            }
            | production,
        )
        policy.activate(effects, alice, "observe", "staging")
        policy.activate(effects, alice, "production", "production")
        for environment in ("staging", "production"):
            for host in ("one", "two"):
                folder = self.host(environment, host)
                folder.mkdir(parents=True)
                settings = {"directory": str(folder)}
                environments.add_target(
                    effects, alice, environment, host, type_="directory", platform="linux/amd64", settings=settings
                )

    def host(self, environment, name):
        return self.folder / "hosts" / environment / name

    def feed(self):
        documents = list(documents_in(EVIDENCE / "osv.zip"))
        kev = (EVIDENCE / "kev.json").read_bytes()
        return import_feed(self.effects, self.caller("ci"), "osv", documents, kev=kev)

    def build(self, *versions):
        """Images in a layout, and a release of two components per version, its images kept."""
        layout = self.folder / "layout"
        self.images = demo_images().build(layout)
        for version in versions:
            project = self.folder / f"project-{version}"
            project.mkdir()
            for file in (EXAMPLES / "project").iterdir():
                (project / file.name).write_text(file.read_text().replace("v2.3.1", version))
            releases.create(
                self.effects,
                self.caller("alice"),
                f"shop-{version}",
                [releases.ComponentSpec(name, f"oci:{layout}:{name}:{version}") for name in ("api", "worker")],
                template=project,
                platforms=("linux/amd64",),
                keep_images=True,
            )

    def attested(self, document, subject, predicate_type=CYCLONEDX, *, by="ci"):
        """An envelope in which somebody says that a document is about an image."""
        return sign_statement(in_statement(document, subject, predicate_type), [self.keys[by]])

    def scan(self, reference, sbom):
        """Signed SBOM and provenance of one image, in one atomic call."""
        subject = self.images[reference]
        return self.submit(
            self.attested((EVIDENCE / sbom).read_bytes(), subject),
            self.attested(provenance(reference), subject, PROVENANCE),
            subject=subject,
        )

    def submit(self, *documents, subject=""):
        given = [Submission(data=data, subject=subject) for data in documents]
        return submit(self.effects, self.caller("ci"), given)

    def excuse(self, reference="api:v2.3.1", names=EXCUSED, by="ci"):
        """A signed OpenVEX document about one image."""
        subject = self.images[reference]
        product = {"@id": f"pkg:oci/api@{subject.replace(':', '%3A')}", "hashes": {"sha-256": subject[7:]}}
        document = {
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": "https://example.com/vex/shop-api-2.3.1",
            "author": "Shop security team",
            "timestamp": self.effects.clock.now(),
            "version": 1,
            "statements": [
                {
                    "vulnerability": {"name": name},
                    "products": [product],
                    "status": "not_affected",
                    "justification": "vulnerable_code_not_in_execute_path",
                }
                for name in names
            ],
        }
        return self.submit(self.attested(json.dumps(document).encode(), subject, OPENVEX, by=by), subject=subject)

    def promote(self, release, environment, by="alice", **more):
        return promote.request(self.effects, self.caller(by), release, environment, f"release {release}", **more)

    def envelope(self, view, by, decision="approve", expires_at="2100-01-01T00:00:00Z"):
        """What an approver signs on their own machine."""
        asked = approve.view(self.effects, view.id)
        payload = approve.statement_to_sign(asked, decision, "looked at it", expires_at, self.effects.entropy.nonce())
        return sign_statement(payload, [self.keys[by]])

    def approve(self, view, by, **more):
        approve.admit(self.effects, self.caller("alice"), self.envelope(view, by, **more))
        return promote.decide(self.effects, self.caller(by), view.id)

    def deploy(self, view, by="alice"):
        return deploy(self.effects, self.caller(by), view.id)

    def prepare(self):
        """Everything before the first promotion."""
        self.people()
        self.places()
        self.feed()
        self.build("v2.3.0", "v2.3.1")
        for reference in self.images:
            self.scan(reference, "caddy.cdx-1.4.json" if reference == "api:v2.3.1" else "nginx-debian11.cdx-1.4.json")
        return self

    def ship(self, release, *approvers, environment="production", **more):
        """Promote, approve and deploy; the deployment must end well."""
        view = self.promote(release, environment, **more)
        for name in approvers:
            view = self.approve(view, name)
        assert view.status.state == "approved", view
        ended = self.deploy(view)
        assert ended.result.result == "deployed", ended.result
        return view, ended

    def stella(self, *words, by="", code=0, **environment):
        """Run a command on this home in a process of its own; the home must be closed."""
        who = ["--key", str(self.folder / "keys" / f"{by}.pem")] if by else []
        done = subprocess.run(
            [sys.executable, "-m", "api.cli.main", "--home", str(self.home), *map(str, words), *who],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done
