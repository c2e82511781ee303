"""The golden path over HTTP: every operation once, with an answer that conforms. Gives what was answered well."""

import base64

import msgspec

from api.calls.catalog import BY_NAME
from api.calls.moved import MOVED
from api.calls.tokens import SCOPES
from cas.digest import of_bytes
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust
from pipeline.operations.approve import ApprovalView, statement_to_sign
from pipeline.operations.attestations import sign_statement
from tests.api.doors import ALICE, CAROL, ROOT
from tests.support.identity import AUDIENCE, ISSUER, SUBJECT, identity, key_set
from tests.support.images import Layout, LayoutImages
from tests.support.judging import openvex, sbom
from tests.support.sigstore import DATA

COMPOSE = b"services:\n  web:\n    image: registry.example/shop/web:v1\n"
PACK = """name: open
version: "1"
description: one gate
gates:
  - id: sbom
    gate: evidence_required/1
    enforcement: block
    with: {types: [sbom], binding: asserted}
moment:
  - id: approvals
    gate: approvals/1
    enforcement: block
"""
OSV = (
    b'{"schema_version":"1.6.0","id":"PYSEC-2024-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":'
    b'{"ecosystem":"PyPI","name":"requests"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}'
)
CLAIMED = "PYSEC-2024-1@pkg:pypi/requests@2.31.0#shop-v1/web/linux/amd64/prod"


class Journey:
    """Walks, and notes which operations gave 2xx."""

    def __init__(self, doors, http, folder):
        self.doors, self.http, self.folder = doors, http, folder
        self.token = doors.token(*SCOPES)
        self.good = set()

    def ask(self, name, /, **fields):
        """Ask one call; the answer must be of its struct."""
        call = BY_NAME[name]
        path = "/api/v1" + call.path
        for field in call.in_path:
            path = path.replace("{" + field + "}", str(fields.pop(field)))
        kind = {"content": msgspec.json.encode(fields), "headers": {**self.token, "Content-Type": "application/json"}}
        if not call.has_body:
            kind = {"params": fields, "headers": self.token}
        answer = self.http.request(call.method, path, **kind)
        assert answer.status_code == call.status, (name, answer.status_code, answer.text[:2000])
        self.good.add(name)
        return msgspec.json.decode(answer.content, type=call.answer)

    def move(self, name, path, /, **how):
        """Ask one moved call."""
        call = next(one for one in MOVED if one.name == name)
        headers = {**self.token, **how.pop("headers", {})}
        answer = self.http.request(call.method, "/api/v1" + path, headers=headers, **how)
        assert answer.status_code == call.status, (name, answer.status_code, answer.text[:2000])
        self.good.add(name)
        return msgspec.json.decode(answer.content, type=call.answer) if call.answer else answer.content

    def image(self):
        """An image in a source that the instance asks."""
        layout = Layout()
        digest = layout.name("v1", layout.image({"app": (b"v1\n", 0o755)}))
        self.doors.images = LayoutImages(layout)
        return digest

    def walk(self):
        """Everything once, in an order in which it can be done."""
        image = self.image()
        self.prepare(image)
        promotion = self.promote()
        self.deliver(promotion)
        self.providers()
        self.audit()
        return self.good

    def prepare(self, image):
        """Evidence, feed, policy, environment, release."""
        self.ask("health")
        self.ask("feed.import", name="osv", documents=[{"data": OSV, "format": "osv"}])
        self.ask("feed.show")
        self.ask("evidence.add_kind", name="review", schema='{"type": "object"}')
        assert [one.name for one in self.ask("evidence.list_kinds").items] == ["review"]
        (met,) = self.ask("match.purl", purl="pkg:pypi/requests@2.31.0").matches
        assert met.advisory == "PYSEC-2024-1"
        told = self.ask("match.explain", purl="pkg:pypi/requests@2.31.0", vulnerability=met.advisory)
        assert told.matched
        document = sbom(("requests", "2.31.0"))
        headers = {"Content-Type": "application/octet-stream"}
        self.raw = (
            self.move("evidence.upload", f"/evidence?subject={image}", content=document, headers=headers)
            .receipts[0]
            .raw
        )
        self.ask("evidence.submit", documents=[{"data": document, "subject": image}])
        listed, *_ = self.ask("evidence.list", subject=image).items
        assert self.ask("evidence.show", admission=listed.admission).receipt == listed
        assert self.ask("evidence.collect", image="registry.test/shop:v1").image == image
        claim = openvex("PYSEC-2024-1", "affected", f"pkg:oci/web@{image}")
        self.ask("evidence.submit", documents=[{"data": claim, "subject": image}])
        self.move("object.read", f"/objects/{self.raw}")
        self.ask("policy.store", yaml=PACK)
        self.ask("policy.list")
        self.ask("policy.show", policy="open")
        self.ask("environment.set", environment="prod", required_approvals=1, production=True)
        self.ask("environment.list")
        self.ask("environment.show", environment="prod")
        self.ask("policy.activate", policy="open", environment="prod")
        settings = [["directory", str(self.folder / "host")]]
        self.ask(
            "target.add", environment="prod", name="one", type="directory", platform="linux/amd64", settings=settings
        )
        self.ask(
            "target.add", environment="prod", name="two", type="directory", platform="linux/amd64", settings=settings
        )
        self.ask("target.remove", environment="prod", name="two")
        start, end = "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z"
        self.ask("environment.freeze", environment="prod", start=start, end=end, reason="new year")
        self.ask("environment.unfreeze", environment="prod", start=start)
        self.release("shop-v1")
        self.lives()
        self.packs()

    def packs(self):
        """A rule, and a pack from its draft to the environment and back; one that is refused; one that is a shadow."""
        rule = 'package stella\nimport rego.v1\ndeny contains "many" if { count(input.findings) > 1000 }\n'
        assert self.ask("policy.rule.check", source=rule).asks == ("deny",)
        self.ask("policy.rule.store", source=rule)
        yaml = PACK.replace("name: open", "name: house") + "cases:\n  - {name: nothing, expect: {outcome: deny}}\n"
        self.ask("policy.draft", name="house", yaml=yaml)
        assert [one.name for one in self.ask("policy.drafts").items] == ["house"]
        assert self.ask("policy.draft.show", name="house").yaml == yaml
        assert self.ask("policy.lint", draft="house").valid
        self.ask("policy.test", draft="house")
        self.ask("policy.refuse", proposal=self.ask("policy.propose", name="house").id)
        self.publish("house")
        self.ask("policy.activate", policy="house", environment="prod")
        self.ask("policy.draft", name="house", yaml=yaml.replace('"1"', '"2"'))
        self.publish("house")
        self.ask("policy.activate", policy="house", environment="prod")
        self.ask("policy.rollback", environment="prod", reason="a test")
        self.ask("policy.shadow.set", environment="prod", policy="open")
        self.ask("policy.draft", name="spare", yaml=yaml.replace("name: house", "name: spare"))
        self.ask("policy.draft.discard", name="spare")

    def publish(self, draft):
        """Propose a draft, have it approved by another person, publish it."""
        asked = self.ask("policy.propose", name=draft)
        assert [one.id for one in self.ask("policy.proposals").items] == [asked.id]
        statement = self.ask("policy.to_sign", proposal=asked.id).statement
        assert self.ask("policy.approve", envelope=self.signed(statement, CAROL)).approved_by == "bob"
        self.ask("policy.publish", proposal=asked.id)

    def lives(self):
        """A release from its draft to the archive, and a draft that comes to nothing."""
        component = {"name": "web", "reference": "registry.example/shop/web:v1"}
        self.ask("draft.create", name="other-v1")
        self.ask("draft.edit", draft="other-v1", components=[component])
        self.ask("draft.list")
        self.ask("draft.show", draft="other-v1")
        self.ask("draft.finalize", draft="other-v1")
        self.ask("release.deprecate", release="other-v1", reason="a test")
        self.ask("release.archive", release="other-v1", reason="a test")
        self.ask("draft.create", name="other-v2")
        self.ask("draft.discard", draft="other-v2")

    def release(self, name):
        """Freeze a release of the one image."""
        component = {"name": "web", "reference": "registry.example/shop/web:v1"}
        template = [{"path": "compose.yaml", "data": COMPOSE}]
        more = {"line": "shop", "platforms": ["linux/amd64"], "keep_images": True}
        self.ask("release.create", name=name, components=[component], template=template, **more)

    def promote(self):
        """Judge, ask, approve."""
        self.ask("release.list")
        self.ask("release.show", release="shop-v1")
        self.ask("release.diff", release="shop-v1", old="shop-v1")
        self.accept()
        verdict = self.ask("gate.evaluate", release="shop-v1", environment="prod")
        assert verdict.outcome == "allow", verdict.why
        self.verdict = verdict.digest
        (seen,) = self.ask("policy.shadow.report", environment="prod").items
        assert seen.verdict == verdict.digest
        self.ask("policy.shadow.clear", environment="prod")
        assert self.ask("policy.simulate", policy="open").items
        self.ask("policy.init", release="shop-v1", environment="prod")
        self.ask("unknown.list")
        whole = self.ask("evaluation.create", release="shop-v1", environment="prod")
        assert (whole.verdict.digest, whole.created, whole.receipts) == (verdict.digest, False, ())
        assert self.ask("verdict.fixes", verdict=verdict.digest).fixes == ()
        assert self.ask("verdict.diff", verdict=verdict.digest, against=verdict.digest).changes == ()
        delta = self.ask("release.delta", release="shop-v1", old="shop-v1", environment="prod")
        assert (delta.delta.new, delta.delta.changes, delta.existed) == (verdict.digest, (), False)
        self.ask("gate.simulate", release="shop-v1", environment="prod", as_of="2026-02-01T00:00:00Z")
        self.vex(verdict.digest)
        self.ask("verdict.list")
        self.ask("verdict.show", verdict=verdict.digest)
        self.ask("promotion.plan", release="shop-v1", environment="prod")
        cancelled = self.ask("promotion.request", release="shop-v1", environment="prod", reason="x")
        self.ask("promotion.cancel", promotion=cancelled.id)
        return self.approved(self.ask("promotion.request", release="shop-v1", environment="prod", reason="go").id)

    def accept(self):
        """A waiver by two people, one that is refused, and a verdict set aside and reviewed."""
        wanted = {"vulnerability": "CVE-2024-1", "reason": "x", "ticket": "T", "expires_at": "2026-03-05T00:00:00Z"}
        asked = self.ask("waiver.request", **wanted)
        assert [one.id for one in self.ask("waiver.requests").items] == [asked.id]
        statement = self.ask("waiver.to_sign", waiver_request=asked.id).statement
        waiver = self.ask("waiver.approve", envelope=self.signed(statement, CAROL))
        assert (waiver.requested_by, waiver.approved_by) == ("alice", "bob")
        self.ask("waiver.list")
        self.ask("waiver.withdraw", waiver=waiver.digest)
        self.ask("waiver.refuse", waiver_request=self.ask("waiver.request", **wanted).id)
        wanted = {"release": "shop-v1", "environment": "prod", "reason": "down", "ticket": "INC"}
        asked = self.ask("break_glass.request", **wanted, expires_at="2026-03-01T20:00:00Z")
        statement = self.ask("break_glass.to_sign", glass_request=asked.id).statement
        self.ask("break_glass.sign", envelope=self.signed(statement, ALICE))
        made = self.ask("break_glass.sign", envelope=self.signed(statement, CAROL))
        (one,) = self.ask("break_glass.list").unreviewed
        assert (one.digest, one.people) == (made.break_glass, ("alice", "bob"))
        mine, self.token = self.token, self.doors.token(*SCOPES, by="person:" + "c" * 32)
        self.ask("break_glass.review", break_glass=one.digest, outcome="justified", reason="it was down")
        self.token = mine

    def signed(self, statement, key):
        """Sign what the instance gave to be signed, as a person does elsewhere."""
        return base64.b64encode(sign_statement(base64.b64decode(statement), [key])).decode()

    def vex(self, verdict):
        """Explained, agreed, compared, trusted, exported."""
        (told,) = self.ask("vex.explain", subject="shop-v1", vulnerability="PYSEC-2024-1").items
        assert (told.why, told.status, told.meaning) == ("counts", "affected", "It applies and counts.")
        (agreed,) = self.ask("vex.consensus", release="shop-v1").items
        assert self.ask("vex.get", id=agreed.id) == agreed
        assert (agreed.id, agreed.consensus_state) == (CLAIMED, "affected")
        assert self.ask("vex.delta", old=verdict, new=verdict).items == ()
        shown = self.ask("vex.trust_show", environment="prod")
        stored = self.ask("vex.trust_set", yaml=shown.yaml)
        assert self.ask("vex.trust_show", table=stored.digest).table == shown.table
        assert self.ask("vex.export", release="shop-v1").files

    def providers(self):
        """A provider of VEX: its key handed over, configured, pulled, and what it no longer needs deleted."""
        key = f"-----BEGIN PUBLIC KEY-----\n{ALICE.key.spki}\n-----END PUBLIC KEY-----\n".encode()
        made = self.ask("vex_provider.artifact.upload", id="acme", key="keys", data=key, name="cosign.pub")
        assert (made.size, made.sha256) == (len(key), of_bytes(key))
        assert self.ask("vex_provider.artifact.list", id="acme").items == (made,)
        assert self.ask("vex_provider.artifact.show", id="acme", artifact=made.artifact_id) == made
        fields = {"images": "registry.example/shop/web:v1", "mode": "keypair", "keys": {"artifactId": made.artifact_id}}
        view = self.ask("vex_provider.configure", id="acme", fields=fields)
        assert view.vouched, "it is alice's own key"
        assert self.ask("vex_provider.pull", id="acme").pull.provider == view.digest
        assert self.ask("vex_provider.show", id="acme").pull is not None
        self.ask("vex_provider.configure", id="acme", fields={"mode": "none"}, clear=["keys"])
        self.ask("vex_provider.artifact.delete", id="acme", artifact=made.artifact_id)
        assert [one.provider.id for one in self.ask("vex_provider.list").items] == ["acme"]

    def approved(self, promotion):
        """Bob signs with his own key; anybody may carry it."""
        asked = self.ask("promotion.to_sign", promotion=promotion)
        view = ApprovalView(asked.promotion, asked.verdict, asked.environment, asked.subjects)
        statement = statement_to_sign(view, "approve", "fine", "2026-03-02T00:00:00Z", "9" * 32)
        envelope = base64.b64encode(sign_statement(statement, [CAROL])).decode()
        made = self.ask("promotion.approve", promotion=promotion, envelope=envelope)
        assert made.state == "approved", made
        self.ask("promotion.decide", promotion=promotion)
        self.ask("promotion.list", state="approved")
        self.ask("promotion.show", promotion=promotion)
        return promotion

    def deliver(self, promotion):
        """Deploy twice, look for drift, go back."""
        deployed = self.ask("deployment.start", promotion=promotion)
        assert deployed.result == "deployed", deployed
        self.packet = deployed.packet
        self.ask("deployment.list")
        self.ask("deployment.show", id=deployed.id)
        listed = self.ask("deployment.artifacts", id=deployed.id)
        for one in listed.artifacts:
            self.move("deployment.artifact", f"/deployment-jobs/{deployed.id}/artifacts/{one.name}")
            found = self.ask("deployment.verify", id=deployed.id, name=one.name)
            assert found.valid, (one, found)
        told = self.ask("deployment.verify", id=deployed.id, name=listed.artifacts[0].name, data=b"tampered with")
        assert (told.valid, told.checksum.valid) == (False, False)
        pdf = self.move("deployment.artifact", f"/deployment-jobs/{deployed.id}/artifacts/deployment.evidence.pdf")
        assert pdf.startswith(b"%PDF")
        manifest = self.move("deployment.artifact", f"/deployment-jobs/{deployed.id}/artifacts/manifest")
        assert b'"totalSize"' in manifest
        drift = self.ask("drift.check", environment="prod")
        assert not drift.drifted
        assert drift.all_seen
        self.ask("status")
        self.found(deployed)

    def found(self, deployed):
        """What was just deployed is found at once, by release and by image."""
        component = self.ask("release.show", release="shop-v1").release.components[0]
        for asked, kind in (("shop-v1", "release"), (component.digest, "image")):
            view = self.ask("search", q=asked)
            (line,) = view.runs
            assert (view.kind, line.target, line.environment) == (kind, "one", "prod")
            assert (line.deployment, line.allowed, line.since) == (deployed.id, "allow", deployed.completed_at)
        assert self.ask("search", q="CVE-1999-1").affected == ()

    def audit(self):
        """Log, trust, tokens, replay, bundles."""
        self.ask("line.stop", environments=["prod"], reason="an incident")
        assert self.ask("line.show").stopped
        assert not self.ask("line.lift").stopped
        self.ask("log.head")
        self.ask("log.entries")
        self.ask("log.entry", position=0)
        self.ask("log.checkpoint")
        self.ask("log.inclusion", position=0)
        self.ask("log.consistency", old=1)
        assert self.ask("replay.run", subject=self.verdict).result == "equal"
        fingerprint = self.ask("trust.show").fingerprint
        made = self.ask("token.create", name="ci", scopes=["log:read"])
        self.ask("token.list")
        self.ask("token.revoke", id=made.view.id)
        self.identities()
        self.change_trust()
        self.ask("feed.import", name="osv", documents=[{"data": OSV.replace(b'"0"', b'"1"'), "format": "osv"}])
        assert self.ask("feed.diff").changed
        assert self.ask("feed.rejudge", everything=True).seen == 1
        tar = self.move("bundle.export", "/bundles/export?release=shop-v1")
        headers = {"Content-Type": "application/x-tar"}
        self.move("bundle.import", f"/bundles?root={fingerprint}", content=tar, headers=headers)

    def identities(self):
        """A CI system's provider, a job's token in exchange, and the end of it."""
        provider = {"issuer": ISSUER, "audience": AUDIENCE, "keys": key_set().decode(), "claims": [["sub", SUBJECT]]}
        self.ask("token.issuer_set", name="ci", scopes=["gate:run"], **provider)
        assert [one.name for one in self.ask("token.issuers").items] == ["ci"]
        job = identity(self.doors.world.clock.now())
        assert self.ask("token.exchange", identity_token=job).view.scopes == ("gate:run",)
        self.ask("token.issuer_remove", name="ci")

    def change_trust(self):
        """The next directory and trust root, signed by the root key elsewhere."""
        from pipeline.operations import trust

        people = self.ask("trust.show").directory.people
        drafted = trust.propose_directory(self.doors.effects, people)
        envelope = base64.b64encode(trust.sign_record("directory", drafted, [ROOT])).decode()
        self.ask("trust.change_directory", envelope=envelope)
        now = self.ask("trust.sigstore")
        assert now.trust.version == 0
        data = (DATA / "trusted_root.json").read_bytes()
        listed = (SigstoreIdentity(issuer="https://issuer.test", identity="*@acme.test"),)
        known = SigstoreRoot(name="public", root=of_bytes(data), identities=listed)
        envelope = base64.b64encode(
            trust.sign_record("sigstore-trust", SigstoreTrust(version=1, roots=(known,), previous=None), [ROOT])
        ).decode()
        view = self.ask("trust.change_sigstore", envelope=envelope, roots=[base64.b64encode(data).decode()])
        assert view.trust.roots == (known,)
        root = trust.propose_root(self.doors.effects, threshold=1)
        envelope = base64.b64encode(trust.sign_record("trust-root", root, [ROOT])).decode()
        self.ask("trust.change_root", envelope=envelope)
