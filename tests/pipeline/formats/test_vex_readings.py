"""VEX wherever it stands: in a CycloneDX document of either syntax, in the OpenVEX drafts; findings and call stacks too."""

import json
import re

import msgspec
import pytest

from pipeline.formats import cyclonedx_vex, cyclonedx_vex_xml, openvex
from pipeline.formats.opened import Refused, open_document

IMAGE = "sha256:" + "a" * 64
SERIAL = "3e671687-395b-41f5-a30f-a58921a69b79"
LIB = "pkg:npm/lib@1.0.0"


def analysed(state="not_affected", **more):
    analysis = {"state": state} | more.pop("analysis", {})
    return {"id": "CVE-2026-0001", "analysis": analysis, "affects": [{"ref": "lib"}]} | more


def bom(*vulnerabilities, components=True, described=True, **more):
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{SERIAL}",
        "version": 2,
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "authors": [{"name": "Example PSIRT"}]},
        "vulnerabilities": list(vulnerabilities),
    }
    if described:
        document["metadata"]["component"] = {
            "type": "container", "name": "registry.test/web", "version": IMAGE, "bom-ref": "web",
        }  # fmt: skip
    if components:
        document["components"] = [
            {"type": "library", "name": "lib", "version": "1.0.0", "purl": LIB, "bom-ref": "lib"},
            {"type": "library", "name": "plain", "version": "1", "bom-ref": "plain"},
        ]
    return document | more


def readings(document):
    return {each.name: each.kind for each in open_document(json.dumps(document).encode()).readings}


def vex(document):
    data = json.dumps(document).encode()
    open_document(data)
    return cyclonedx_vex.read_vex(data, document["specVersion"])


def only(document):
    (statement,) = vex(document).statements
    return statement


def test_a_document_is_read_as_all_that_it_holds():
    plain = {"id": "CVE-2026-0002", "affects": [{"ref": "lib"}]}
    assert readings(bom(analysed(), plain)) == {
        "cyclonedx-json/1.6": "sbom",
        "cyclonedx-vex/1.6": "vex",
        "cyclonedx-vulnerabilities/1.6": "findings",
    }
    assert readings(bom(analysed())) == {"cyclonedx-json/1.6": "sbom", "cyclonedx-vex/1.6": "vex"}
    assert readings(bom()) == {"cyclonedx-json/1.6": "sbom"}


def test_vulnerabilities_without_components_are_vex_and_no_sbom():
    link = f"urn:cdx:{SERIAL}/1#{LIB.replace('/', '%2F').replace(':', '%3A').replace('@', '%40')}"
    document = bom(analysed(affects=[{"ref": link}]), components=False)
    assert readings(document) == {"cyclonedx-vex/1.6": "vex"}
    (product,) = only(document).products
    assert product.id == f"registry.test/web@{IMAGE}"
    assert product.components == (LIB,)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("resolved", "fixed"),
        ("resolved_with_pedigree", "fixed"),
        ("exploitable", "affected"),
        ("in_triage", "under_investigation"),
        ("false_positive", "not_affected"),
        ("not_affected", "not_affected"),
    ],
)
def test_a_state_becomes_a_status(state, status):
    assert only(bom(analysed(state))).status == status


def test_an_analysis_says_why_and_what_to_do():
    given = analysed(
        analysis={
            "justification": "code_not_reachable",
            "response": ["will_not_fix", "update"],
            "detail": "Never called.",
            "lastUpdated": "2026-02-02T00:00:00Z",
        },
        recommendation="Take 2.0",
        references=[{"id": "GHSA-aaaa-bbbb-cccc", "source": {"name": "GHSA"}}],
    )
    statement = only(bom(given))
    assert statement.justification == "vulnerable_code_not_in_execute_path"
    assert statement.impact == "Never called."
    assert statement.action == "will_not_fix; update; Take 2.0"
    assert statement.aliases == ("GHSA-aaaa-bbbb-cccc",)
    assert statement.issued_at == "2026-02-02T00:00:00Z"
    assert statement.pointer == "/vulnerabilities/0/analysis"
    facts = vex(bom(given))
    assert (facts.author, facts.id, facts.version) == ("Example PSIRT", f"urn:uuid:{SERIAL}", "2")


def test_a_component_stands_inside_what_the_document_describes():
    (product,) = only(bom(analysed())).products
    assert (product.id, product.components) == (f"registry.test/web@{IMAGE}", (LIB,))
    (whole,) = only(bom(analysed(affects=[{"ref": "web"}]))).products
    assert (whole.id, whole.components) == (f"registry.test/web@{IMAGE}", ())
    (alone,) = only(bom(analysed(), described=False)).products
    assert (alone.id, alone.components) == (LIB, ())
    (nameless,) = only(bom(analysed(affects=[{"ref": "plain"}]))).products
    assert nameless.components == (f"urn:cdx:{SERIAL}#plain",)


def test_versions_narrow_the_claim_and_may_say_otherwise():
    given = analysed(
        "exploitable",
        affects=[
            {
                "ref": "lib",
                "versions": [
                    {"range": "vers:npm/<1.0.0"},
                    {"version": "1.0.1", "status": "unaffected"},
                    {"version": "1.0.2", "status": "unknown"},
                ],
            }
        ],
    )
    said = {one.status: one.products[0].components[0] for one in vex(bom(given)).statements}
    assert said == {
        "affected": "pkg:npm/lib?vers=vers:npm%2F%3C1.0.0",
        "not_affected": "pkg:npm/lib@1.0.1",
        "under_investigation": "pkg:npm/lib@1.0.2",
    }
    pointers = [one.pointer for one in vex(bom(given)).statements]
    assert len(set(pointers)) == len(pointers)


def test_what_nobody_analysed_is_a_finding():
    given = {
        "id": "CVE-2026-0002",
        "references": [{"id": "GHSA-x", "source": {"name": "GHSA"}}],
        "ratings": [{"score": 5.3, "severity": "medium"}, {"score": 9.8, "severity": "critical"}],
        "description": "Bad.",
        "affects": [{"ref": "lib"}, {"ref": "plain"}],
    }
    document = bom(given)
    document["metadata"]["tools"] = {"components": [{"type": "application", "name": "trivy", "version": "0.50"}]}
    facts = cyclonedx_vex.read_findings(json.dumps(document).encode(), "1.6")
    assert (facts.tool, facts.tool_version, facts.subjects) == ("trivy", "0.50", (IMAGE,))
    first, second = facts.results
    assert second.purl == LIB
    assert (first.purl, first.package) == ("", "plain")
    assert (first.severity, first.score_tenths, first.names) == ("critical", 98, ("CVE-2026-0002", "GHSA-x"))
    assert second.pointer == "/vulnerabilities/0/affects/0"


def test_a_call_stack_is_evidence_of_use_from_the_entry_inwards():
    document = bom()
    document["components"][0]["evidence"] = {
        "callstack": {
            "frames": [
                {"package": "log4j", "module": "Logger", "function": "log", "line": 5, "fullFilename": "l.java"},
                {"module": "App", "function": "main"},
            ]
        }
    }
    assert readings(document)["cyclonedx-callstacks/1.6"] == "reachability"
    facts = cyclonedx_vex.read_callstacks(json.dumps(document).encode(), "1.6")
    (target,) = facts.targets
    assert target.path == ("App.main", "log4j.Logger.log (l.java:5)")
    assert (target.purl, target.symbol, target.said) == (LIB, "log", "reachable")
    assert target.pointer == "/components/0/evidence/callstack"


def test_a_component_of_the_document_is_no_subject_of_it():
    base = {"type": "container", "name": "base", "purl": f"pkg:oci/base@{IMAGE}", "bom-ref": "base"}
    document = bom(analysed(affects=[{"ref": "base"}]), described=False, components=False, components_=None)
    document.pop("components_")
    assert cyclonedx_vex.VEX.subjects(vex(document | {"components": [base]})) == ()
    alone = bom(analysed(affects=[{"ref": f"pkg:oci/base@{IMAGE}"}]), described=False, components=False)
    assert cyclonedx_vex.VEX.subjects(vex(alone)) == (IMAGE,)


XML = f"""<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="urn:uuid:{SERIAL}" version="2">
 <metadata><timestamp>2026-01-01T00:00:00Z</timestamp><authors><author><name>Example PSIRT</name></author></authors>
  <component type="container" bom-ref="web"><name>registry.test/web</name><version>{IMAGE}</version></component></metadata>
 <components><component type="library" bom-ref="lib"><name>lib</name><version>1.0.0</version><purl>{LIB}</purl>
  <evidence><callstack><frames><frame><module>App</module><function>main</function><line>3</line>
  <fullFilename>App.java</fullFilename></frame></frames></callstack></evidence></component></components>
 <vulnerabilities>
  <vulnerability><id>CVE-2026-0001</id><references><reference><id>GHSA-x</id><source><name>GHSA</name></source></reference>
   </references><recommendation>Take 2.0</recommendation>
   <analysis><state>not_affected</state><justification>code_not_reachable</justification>
    <responses><response>update</response></responses><detail>Never called.</detail></analysis>
   <affects><target><ref>lib</ref><versions><version><range>vers:npm/&lt;2.0.0</range><status>unaffected</status></version>
   </versions></target></affects></vulnerability>
  <vulnerability><id>CVE-2026-0002</id><ratings><rating><score>9.8</score><severity>critical</severity></rating></ratings>
   <affects><target><ref>lib</ref></target></affects></vulnerability>
 </vulnerabilities>
</bom>"""


def test_both_syntaxes_say_the_same():
    document = bom(
        analysed(
            analysis={"justification": "code_not_reachable", "response": ["update"], "detail": "Never called."},
            recommendation="Take 2.0",
            references=[{"id": "GHSA-x", "source": {"name": "GHSA"}}],
            affects=[{"ref": "lib", "versions": [{"range": "vers:npm/<2.0.0", "status": "unaffected"}]}],
        ),
        {"id": "CVE-2026-0002", "ratings": [{"score": 9.8, "severity": "critical"}], "affects": [{"ref": "lib"}]},
    )
    frame = {"module": "App", "function": "main", "line": 3, "fullFilename": "App.java"}
    document["components"][0]["evidence"] = {"callstack": {"frames": [frame]}}
    left, right = json.dumps(document).encode(), XML.encode()
    names = [[(each.kind, each.version) for each in open_document(data).readings] for data in (left, right)]
    assert names[0] == names[1]
    assert [kind for kind, _ in names[0]] == ["sbom", "vex", "findings", "reachability"]
    bare_xml = re.sub(r"<components>.*</components>", "", XML, flags=re.DOTALL).encode()
    assert [each.kind for each in open_document(bare_xml).readings] == ["vex", "findings"]

    def bare(facts, field):
        items = [msgspec.structs.replace(each, pointer="") for each in getattr(facts, field)]
        return msgspec.structs.replace(facts, format="", **{field: tuple(items)})

    for name, field in (("read_vex", "statements"), ("read_findings", "results"), ("read_callstacks", "targets")):
        one = getattr(cyclonedx_vex, name)(left, "1.6")
        two = getattr(cyclonedx_vex_xml, name)(right, "1.6")
        assert bare(one, field) == bare(two, field)
        assert getattr(two, field)[0].pointer.startswith("/bom/")


DRAFT = {
    "@context": "https://openvex.dev/ns",
    "@id": "https://openvex.dev/docs/example/vex-1",
    "author": "Wolfi J Inkinson",
    "role": "Document Creator",
    "timestamp": "2023-01-08T18:02:03.647787998-06:00",
    "version": "1",
    "statements": [
        {
            "vulnerability": "CVE-2023-42363",
            "products": ["pkg:oci/busybox?tag=1.36"],
            "subcomponents": ["pkg:apk/alpine/busybox@1.36.1-r15"],
            "status": "not_affected",
            "justification": "blah",
            "status_notes": "Seen.",
            "impact_statement": "Not built in.",
        },
        {
            "vulnerability": {"name": "CVE-2023-42364"},
            "products": [{"@id": f"pkg:oci/web@{IMAGE}"}],
            "status": "affected",
            "action_statement": "Wait.",
            "timestamp": "2023-02-01T00:00:00Z",
        },
    ],
}


@pytest.mark.parametrize("context", ["https://openvex.dev/ns", "https://openvex.dev/ns/v0.0.1"])
def test_the_openvex_drafts_are_read(context):
    data = json.dumps(DRAFT | {"@context": context}).encode()
    opened = open_document(data)
    facts = openvex.read(data, opened.version)
    first, second = facts.statements
    assert first.products[0].id == "pkg:oci/busybox?tag=1.36"
    assert first.products[0].components == ("pkg:apk/alpine/busybox@1.36.1-r15",)
    assert first.impact == "Not built in.\nSeen."
    assert first.issued_at == "2023-01-09T00:02:03Z"  # the document's
    assert (second.issued_at, second.action) == ("2023-02-01T00:00:00Z", "Wait.")
    assert openvex.subjects(facts) == (IMAGE,)


def test_a_draft_with_a_wrong_status_is_refused():
    wrong = DRAFT | {"statements": [DRAFT["statements"][0] | {"status": "fine"}]}
    with pytest.raises(Refused):
        open_document(json.dumps(wrong).encode())
