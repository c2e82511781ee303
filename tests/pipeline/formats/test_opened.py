"""Documents are known by content, judged by schema, opened through their wrappings; every fault has a code."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import jcs
from pipeline.formats import problems, schema, xsd
from pipeline.formats.catalog import FORMATS
from pipeline.formats.opened import Refused, open_document
from tests.support import evidence

DATA = Path(__file__).parents[2] / "data"
CASES = Path(__file__).parents[2] / "cases" / "formats"
IMAGE = "sha256:" + "1" * 64
CODES = {code for code, _ in problems.FAULTS}


def refused(data, declared=""):
    with pytest.raises(Refused) as caught:
        open_document(data, declared)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


def statement(predicate_type, predicate, subject=IMAGE):
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "web", "digest": {"sha256": subject[7:]}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def enveloped(payload, payload_type="application/vnd.in-toto+json"):
    return json.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"keyid": "x", "sig": base64.b64encode(b"s").decode()}],
        }
    ).encode()


SAMPLES = sorted((DATA / "cyclonedx").rglob("*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_cyclonedx_conformance_samples_are_judged_as_named(path):
    data = path.read_bytes()
    if path.name.startswith("valid-"):
        opened = open_document(data)
        assert opened.name == f"cyclonedx-json/{'1.7' if '1.7' in path.parent.name else '1.6'}"
    else:
        found = refused(data)
        assert found
        assert all(code.startswith(("evidence.schema.", "evidence.format", "evidence.version")) for _, code in found)


def test_every_conformance_sample_is_here():
    assert len(SAMPLES) == 83


@pytest.mark.parametrize("name", sorted(evidence.sboms()))
def test_every_real_sbom_is_taken(name):
    opened = open_document(evidence.sbom(name))
    assert opened.kind == "sbom"
    assert opened.version in name


@pytest.mark.parametrize("path", sorted((DATA / "openvex").glob("*.json")), ids=lambda path: path.stem)
def test_every_real_openvex_is_taken(path):
    opened = open_document(path.read_bytes())
    assert (opened.name, opened.kind) == ("openvex/0.2.0", "vex")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("statements/chainloop.statement-v1.json", ("in-toto/1", "attestation")),
        ("statements/konflux-slsa-v0.2.json", ("in-toto/0.1", "provenance")),
        ("statements/slsa-v0.2-spec-example.json", ("in-toto/0.1", "provenance")),
        ("statements/slsa-provenance-v1.statement-v1.json", ("in-toto/1", "provenance")),
        ("dsse/witness-build.dsse.json", ("in-toto/0.1", "attestation")),
        ("dsse/witness-package.dsse.json", ("in-toto/0.1", "attestation")),
    ],
)
def test_real_statements_and_envelopes_are_taken(name, wanted):
    opened = open_document((DATA / "in_toto" / name).read_bytes())
    assert (opened.name, opened.kind) == wanted
    assert (opened.envelope is not None) == name.startswith("dsse/")


def test_kubernetes_provenance_with_quoted_digests_is_refused_by_the_slsa_schema():
    path = DATA / "in_toto" / "statements" / "kube-slsa-v1.25.2.statement-v0.1.json"
    assert refused(path.read_bytes()) == [("/predicate/materials/0/digest/sha1", "evidence.schema.pattern")]


def cases():
    return sorted(CASES.glob("*.json"))


@pytest.mark.parametrize("path", cases(), ids=lambda path: path.stem)
def test_case(path):
    """A case is {document | text | hex, declared, codes: [[pointer, code]] or format: name}."""
    case = json.loads(path.read_text())
    if "hex" in case:
        data = bytes.fromhex(case["hex"])
    elif "text" in case:
        data = (case["text"] * case.get("times", 1)).encode()
    else:
        data = json.dumps(case["document"]).encode()
    if "codes" in case:
        assert sorted(refused(data, case.get("declared", ""))) == sorted(tuple(each) for each in case["codes"])
    else:
        assert open_document(data, case.get("declared", "")).name == case["format"]


def test_all_faults_of_a_document_are_given_at_once():
    bad = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "x", "components": [{"type": "no"}, {}]}
    assert refused(json.dumps(bad).encode()) == [
        ("/serialNumber", "evidence.schema.pattern"),
        ("/components/0", "evidence.schema.required"),
        ("/components/0/type", "evidence.schema.enum"),
        ("/components/1", "evidence.schema.required"),
        ("/components/1", "evidence.schema.required"),
    ]


def test_faults_are_bounded():
    bad = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}] * 3000}
    found = refused(json.dumps(bad).encode())
    assert len(found) == schema.MAX_FAULTS + 1
    assert found[-1] == ("", "evidence.schema.more")


def test_a_statement_around_an_sbom_is_read_as_that_sbom_byte_for_byte():
    sbom = evidence.sbom("pair-alpine/alpine.cdx-1.4.json")
    payload = json.dumps(statement("https://cyclonedx.org/bom", None))[:-5].encode() + sbom + b"}"
    opened = open_document(enveloped(payload))
    assert opened.raw == sbom.strip()
    assert (opened.name, opened.kind, opened.covered) == ("cyclonedx-json/1.4", "sbom", (IMAGE,))
    assert opened.statement == payload


@pytest.mark.parametrize(
    "kind", ["https://spdx.dev/Document/v2.3", "https://openvex.dev/ns/v0.2.0", "https://cyclonedx.org/bom/v1.4"]
)
def test_a_predicate_that_is_not_what_its_type_says_is_refused(kind):
    data = json.dumps(statement(kind, {"what": "else"})).encode()
    assert refused(data) == [("/predicate", "evidence.format_unknown")]
    assert refused(enveloped(data)) == [("/payload/predicate", "evidence.format_unknown")]


def test_an_openvex_predicate_is_read_as_vex():
    vex = json.loads((DATA / "openvex" / "k3s-io-kine.openvex.json").read_text())
    opened = open_document(enveloped(json.dumps(statement("https://openvex.dev/ns/v0.2.0", vex)).encode()))
    assert (opened.name, opened.kind) == ("openvex/0.2.0", "vex")


def test_an_envelope_in_an_envelope_is_refused():
    inside = enveloped(json.dumps(statement("x", {})).encode())
    assert refused(enveloped(inside)) == [("/payload", "evidence.payload_invalid")]


def test_an_advisory_is_sent_to_the_feeds():
    document = next(iter(evidence.advisories().values()))
    assert refused(document) == [("", "evidence.is_advisory")]


def test_the_declared_format_must_be_the_one_found():
    sbom = evidence.sbom("pair-alpine/alpine.cdx-1.4.json")
    assert refused(sbom, "spdx-json") == [("", "evidence.format_mismatch")]
    for declared in ("cyclonedx-json", "cyclonedx-json/1.4", "application/vnd.cyclonedx+json"):
        assert open_document(sbom, declared).version == "1.4"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["bomFormat", "specVersion", "components", "spdxVersion", "@context", "statements", "_type", "subject", "payload",
         "payloadType", "signatures", "predicateType", "predicate", "id", "modified", "affected", "type", "name"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300)
@given(JSON)
def test_no_json_does_more_than_be_refused(value):
    faults = []
    try:
        open_document(jcs.of_value(value))
    except Refused as refusal:
        faults = refusal.faults or [None]
    assert all(fault.code in CODES or fault.code.startswith("evidence.schema.") for fault in faults)


@given(st.binary(max_size=40))
def test_no_bytes_do_more_than_be_refused(data):
    with pytest.raises(Refused):
        open_document(data)


def test_catalog_names_are_unique_and_every_schema_compiles():
    assert len({each.name for each in FORMATS}) == len(FORMATS)
    for each in FORMATS:
        for _, name in each.schemas:
            assert not name or (xsd if name.endswith(".xsd") else schema).validator(name) is not None
