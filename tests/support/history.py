"""A made-up history of a log: releases, evidence, verdicts, promotions, deployments, as operations would leave it."""

from dataclasses import dataclass

from cas import digest, refs
from cas.records import deploy, evidence, feed, policy, promotion, proof, release, verdict
from cas.store import load, save
from tests.support.records import blank

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SEVERITIES = ("critical", "high", "medium", "low")


def image(text):
    """An image digest: nothing of ours lies under it."""
    return digest.of_bytes(f"image {text}".encode())


@dataclass
class History:
    """Writes entries into a log, records into a store. ``count`` makes every founding record its own."""

    store: object
    log: object
    count: int = 0

    def save(self, kind, **fields):
        if "nonce" in kind.__struct_fields__:
            self.count += 1
            fields.setdefault("nonce", f"{self.count:032x}")
        return save(self.store, blank(kind, **fields))

    def note(self, event, record, moves=(), runs=(), **beside):
        moves = tuple(proof.RefMove(name=name, old=self.log.ref(name), new=new) for name, new in moves)
        entry = blank(proof.Entry, event=event, record=record, moves=moves, runs=tuple(runs), **beside)
        return self.log.append([entry]).result()

    def run(self, stage, question, output, reads=(), keeps=()):
        """A Run as ``advance`` would leave it."""
        made = self.save(
            proof.Run, stage=stage, version=1, input=question, output=output, reads=tuple(reads), keeps=tuple(keeps)
        )
        return proof.RunNote(run=made, stage=stage, version=1, input=question, output=output)

    def head(self, name, member, without=None):
        """A ref moved to a set with another member."""
        old = self.log.ref(name)
        members = set(load(self.store, old, proof.HeadSet).members) if old else set()
        return name, self.save(proof.HeadSet, members=tuple(sorted((members - {without}) | {member})))

    def environment(self, name, rank=0, production=False):
        made = self.save(release.Environment, name=name, order=rank, production=production)
        self.note("environment.set", made, [(refs.environment(name), made)])
        return made

    def target(self, environment, name):
        made = self.save(release.Target, name=name, type="directory", environment=environment)
        self.note("target.added", made, [(refs.target(environment, name), made)])
        return made

    def release(self, name, line="shop", components=("api", "web"), source=()):
        parts = []
        for one in components:
            root, manifest = image(f"{name} {one}"), image(f"{name} {one} amd64")
            nodes = (
                blank(release.ImageNode, digest=root, role="index", below=(manifest,)),
                blank(release.ImageNode, digest=manifest, role="manifest", platform="linux/amd64"),
            )
            resolution = self.save(
                release.Resolution, reference=f"r/{one}:1", repository=f"r/{one}", root=root, nodes=nodes
            )
            parts.append(
                blank(release.Component, name=one, repository=f"r/{one}", tag="1", digest=root, resolution=resolution)
            )
        made = self.save(release.Release, name=name, line=line, components=tuple(parts), source=tuple(source))
        self.note("release.finalized", made, [(refs.release(name), made), (refs.named(digest.uuid_of(made)), made)])
        return made

    def vex(self, subject, vulnerability, purl, status="not_affected", aliases=()):
        product = blank(evidence.VexProduct, id="p", identifiers=(("purl", "pkg:oci/x"),), components=(purl,))
        claim = blank(
            evidence.VexStatement, vulnerability=vulnerability, status=status, products=(product,), aliases=aliases
        )
        facts = self.save(evidence.VexFacts, author="us", statements=(claim,), id=vulnerability)
        return self.admit(subject, "vex", f"vex {vulnerability} {purl}", facts)

    def admit(self, subject, kind, text, facts=None):
        raw = self.store.put(text.encode())
        facts = facts or self.save(evidence.SbomFacts, format="cyclonedx-json/1.6", serial=text)
        question = self.save(evidence.NormaliseInput, raw=raw, format="cyclonedx-json/1.6")
        found = self.save(evidence.Evidence, raw=raw, format="cyclonedx-json/1.6", type=kind, subject=subject)
        made = self.save(evidence.Admission, evidence=found, facts=facts, subject=subject, type=kind)
        runs = [self.run("normalise", question, facts, [raw])]
        self.note("evidence.admitted", made, [self.head(refs.evidence(subject), made)], runs)
        return made

    def sbom(self, subject, *purls):
        packages = tuple(blank(evidence.Package, purl=purl, ref=purl) for purl in purls)
        facts = self.save(evidence.SbomFacts, format="cyclonedx-json/1.6", serial=subject, packages=packages)
        return self.admit(subject, "sbom", f"sbom of {subject}", facts)

    def built(self, subject, commit):
        facts = self.save(evidence.AttestationFacts, source="git+https://a/b", source_digest=f"gitCommit:{commit}")
        return self.admit(subject, "provenance", f"provenance of {subject}", facts)

    def feed(self, name="osv"):
        made = self.save(
            feed.FeedSnapshot, name=name, sources=(feed.FeedSource(name="osv", documents=7, newest="2026"),)
        )
        self.note("feed.imported", made, [(refs.FEED, made)])
        return made

    def verdict(self, of, environment, name, outcome="allow", opened=2, as_of="2026-03-01T12:00:00Z", aliases=()):
        """A verdict with its runs: gather, assess, judge."""
        gather = self.save(verdict.GatherInput, release=of, environment=environment, as_of=as_of)
        question = self.save(verdict.Question, release=of, environment=environment, as_of=as_of)
        raw = self.store.put(b"sbom of " + of.encode())
        findings = tuple(
            blank(
                verdict.AssessedFinding,
                component="api",
                purl=f"pkg:deb/debian/p{at}@1",
                vulnerability=f"CVE-2026-{at}",
                advisory="A",
                aliases=aliases if at == 1 else (),
                severity=SEVERITIES[at % 4],
                open=at < opened,
                sbom=raw,
            )
            for at in range(opened + 1)
        )
        asked = self.save(verdict.AssessInput, question=question)
        assessment = self.save(verdict.Assessment, question=question, findings=findings)
        judged = self.save(verdict.JudgeInput, question=question, assessment=assessment)
        gates = tuple(
            blank(
                verdict.GateResult,
                id=one,
                gate=f"{one}/1",
                status="pass" if outcome == "allow" else "fail",
                findings=() if outcome == "allow" else (blank(verdict.Finding, code=f"{one}.over"),),
            )
            for one in ("evidence_required", "severity_budget")
        )
        made = self.save(
            verdict.Verdict,
            question=question,
            assessment=assessment,
            release=of,
            environment=environment,
            as_of=as_of,
            outcome=outcome,
            gates=gates,
        )
        runs = [
            self.run("gather", gather, question, [of, environment]),
            self.run("assess", asked, assessment, [question, raw]),
            self.run("judge", judged, made, [question, assessment]),
        ]
        self.note("verdict.judged", made, [(refs.verdict(of, name), made)], runs)
        return made

    def promote(self, of, environment, judged, approved=True):
        made = self.save(promotion.Promotion, release=of, environment=environment, reason="because")
        ref = refs.promotion(digest.uuid_of(made))
        self.note("promotion.requested", made, [(ref, self.status(made, "requested"))])
        if not approved:
            self.note("promotion.decided", judged, [(ref, self.status(made, "rejected", verdict=judged))])
            return made
        given = self.save(promotion.Approval, promotion=made, verdict=judged, decision="approve")
        admitted = self.save(promotion.AdmittedApproval, approval=given, login="bob", personal=True)
        envelope = self.store.put(b"envelope of " + given.encode())
        self.note("approval.admitted", admitted, envelopes=(envelope,))
        decided = self.save(verdict.Decision, promotion=made, verdict=judged, outcome="approved", approvals=(admitted,))
        self.note(
            "promotion.decided", decided, [(ref, self.status(made, "approved", verdict=judged, decision=decided))]
        )
        return made, decided

    def status(self, made, state, **fields):
        return self.save(promotion.PromotionStatus, promotion=made, state=state, **fields)

    def deploy(self, of, environment, name, line, promoted, targets, before=None, result="deployed"):
        made, decided = promoted
        started = self.save(
            deploy.Deployment,
            decision=decided,
            promotion=made,
            release=of,
            environment=environment,
            targets=tuple(sorted(targets)),
            previous=before,
        )
        ref = refs.promotion(digest.uuid_of(made))
        self.note("deployment.started", started, [(ref, self.status(made, "deploying", deployment=started))])
        outcomes = tuple(blank(deploy.Outcome, target=target, result=result) for target in sorted(targets))
        ended = self.save(deploy.DeploymentResult, deployment=started, result="deployed", outcomes=outcomes)
        packet = self.store.put(b"packet of " + started.encode())
        deployed = self.save(
            deploy.Deployed,
            line=line,
            release=of,
            environment=environment,
            deployment=started,
            result=ended,
            packet=packet,
            rendered=packet,
            manifest=packet,
        )
        moves = [
            (ref, self.status(made, "deployed", deployment=started, packet=packet)),
            self.head(refs.deployed(name), deployed, before),
        ]
        self.note("deployment.ended", ended, moves, beside=(deployed,))
        return deployed

    def drift(self, target):
        one = blank(deploy.Drift, component="api", field="image", expected="a", actual="b")
        made = self.save(deploy.DriftReport, target=target, drifted=True, drifts=(one,))
        self.note("drift.checked", made)
        return made

    def waive(self, vulnerability):
        made = self.save(policy.Waiver, vulnerability=vulnerability, component="*", reason="accepted")
        self.note("waiver.granted", made, [self.head(refs.waivers("any"), made)])
        return made


@dataclass
class Story:
    """What ``tell`` left, by name."""

    staging: str
    production: str
    hosts: tuple
    first: str
    second: str
    verdicts: tuple
    promotions: tuple
    deployed: tuple


def tell(history):
    """Two environments, two releases: the first runs in both, then the second replaces it in staging."""
    staging, production = history.environment("staging"), history.environment("production", 1, True)
    hosts = (history.target("staging", "s1"), history.target("production", "p1"), history.target("production", "p2"))
    first = history.release("shop-1", source=(("commit", COMMIT),))
    second = history.release("shop-2")
    history.admit(image("shop-1 api"), "sbom", "sbom one")
    history.sbom(image("shop-2 api amd64"), "pkg:deb/debian/p1@1?arch=amd64", "pkg:npm/%40a/b@2", "")
    history.built(image("shop-2 web"), COMMIT[::-1])
    history.vex(image("shop-1 api"), "CVE-2026-1", "pkg:deb/debian/p1@1")
    history.feed()
    allowed = history.verdict(first, staging, "staging")
    promoted = history.promote(first, staging, allowed)
    here = history.deploy(first, staging, "staging", "shop", promoted, hosts[:1])
    denied = history.verdict(first, production, "production", "deny", 5)
    refused = history.promote(first, production, denied, approved=False)
    again = history.verdict(first, production, "production", as_of="2026-04-01T12:00:00Z", opened=1)
    granted = history.promote(first, production, again)
    there = history.deploy(first, production, "production", "shop", granted, hosts[1:])
    newer = history.verdict(second, staging, "staging")
    following = history.promote(second, staging, newer)
    replaced = history.deploy(second, staging, "staging", "shop", following, hosts[:1], here)
    history.drift(hosts[1])
    history.waive("CVE-2026-3")
    return Story(
        staging,
        production,
        hosts,
        first,
        second,
        (allowed, denied, again, newer),
        (promoted[0], refused, granted[0], following[0]),
        (here, there, replaced),
    )
