"""Pictures and rules for the tests of custom rules."""

import functools

from cas.adapters.memory import MemoryStore
from cas.records.picture import AssessedFinding2, EvidenceRow2, Picture
from cas.records.rego import RegoInput, RegoRule
from cas.records.release import Component
from cas.records.verdict import UnknownRow
from cas.store import save
from pipeline.adapters.rego_child import Limits, RegoChild
from pipeline.stage import advance
from pipeline.stages.rego import REGO
from policy import rego, rego_words
from tests.support import gate_cases

HEAD = "package stella\n\nimport rego.v1\n\n"
STRICT = Limits(wall_seconds=30, cpu_seconds=4, memory_bytes=256 << 20)
name, convert = gate_cases.name, gate_cases.convert


def a_finding(**given):
    base = {
        "component": "web", "platform": "linux/amd64", "purl": "pkg:pypi/requests@1.0.0", "version": "1.0.0",
        "vulnerability": "CVE-2026-0001", "advisory": "CVE-2026-0001", "aliases": [], "related": [],
        "ecosystem": "PyPI", "published": "", "severity": "high", "score_tenths": 75, "raw_severity": "high",
        "raw_score_tenths": 75, "severity_source": "nvd", "fixed_in": ["2.0.0"], "origin": "matched",
        "reported_by": [], "sbom": 0, "sbom_pointer": "/components/0", "feed_package": 1,
        "feed_pointer": "/advisories/0", "vex": "none", "claims": [],
        "reached": None, "waived_by": None, "waiver_effect": "", "waiver_until": "", "control": "", "open": True, "new": True, "epss": None, "kev": "",
        "kev_due": "",
    }  # fmt: skip
    return gate_cases.row_of(base | given, AssessedFinding2)


def a_row(**given):
    base = {
        "component": "web", "platform": "linux/amd64", "admission": name("admission"), "evidence": name("evidence"),
        "raw": name("raw"), "facts": name("facts"), "type": "sbom", "format": "cyclonedx-json/1.5",
        "binding": "attested", "verified": True, "standing": "verified", "signers": ["bob"], "predicate_type": "",
        "builder": "", "source": "", "created_at": "", "admitted_at": "2026-03-01T00:00:00Z",
    }  # fmt: skip
    return convert(base | given, EvidenceRow2)


def a_picture(findings=None, evidence=None, unknowns=()):
    findings = [a_finding()] if findings is None else findings
    evidence = [a_row()] if evidence is None else evidence
    return Picture(
        components=(gate_cases.component(),),
        evidence=tuple(evidence),
        documents=(name("sbom"), name("package")),
        findings=tuple(findings),
        unknowns=tuple(convert(one, UnknownRow) for one in unknowns),
        template=None,
        trust_table=name("table"),
    )


def a_release():
    part = {
        "name": "web", "repository": "registry.test/web", "tag": "1", "digest": name("image"),
        "platforms": ["linux/amd64"], "resolution": name("resolution"), "semver": "1.0.0", "role": "primary",
        "images_kept": False,
    }  # fmt: skip
    return gate_cases.release({"components": [convert(part | {"role": role_of()}, Component)]})


@functools.cache
def role_of():
    """Give a role that components may have."""
    from typing import get_args

    from cas.records.release import Role

    return get_args(Role)[0]


ALL = tuple(sorted(rego_words.SHAPE))


def seen(reads=ALL, **picture):
    return rego.document(a_release(), gate_cases.environment({}), a_picture(**picture), reads)


def ask(source, entries=("deny",), limits=STRICT, **picture):
    """Ask the engine what a rule says, past the check of its text."""
    shown = seen(**picture)
    reply = RegoChild(limits).answer(rego.request((HEAD + source).encode(), entries, shown))
    return rego.answer(reply, entries, shown)


def a_question(source, asks=("deny",), **picture):
    """Keep everything rego/1 reads in a store; gives it and the digest of the input."""
    store = MemoryStore()
    rule = RegoRule(source=store.put((HEAD + source).encode()), package="stella", asks=asks, reads=ALL)
    asked = RegoInput(
        rule=save(store, rule),
        release=save(store, a_release()),
        environment=save(store, gate_cases.environment({})),
        picture=save(store, a_picture(**picture)),
    )
    return store, save(store, asked)


def run(source, engines=None, **more):
    store, asked = a_question(source, **more)
    return store, advance(REGO, asked, store, engines={"regopy": RegoChild()} if engines is None else engines)
