"""In-toto statements: ours conform to the published model, foreign ones are read, other things are refused."""

import json
from pathlib import Path
from typing import get_args

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement as PeerStatement
from in_toto_attestation.v1.statement_pb2 import Statement as PeerMessage

from cas import canon, digest, jcs
from cas.problems import RecordInvalid
from cas.records.promotion import Approval
from pipeline.attest import statements
from pipeline.attest.problems import StatementInvalid

DATA = Path(__file__).parents[2] / "data" / "attest"
IMAGE = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
RECORD = "sha256:" + "3" * 64
APPROVAL = Approval(
    promotion=IMAGE,
    verdict=OTHER,
    decision="approve",
    environment="production",
    reason="checked",
    expires_at="2026-03-02T00:00:00Z",
    nonce="0" * 32,
)


@pytest.mark.parametrize("kind", get_args(statements.Kind))
def test_every_kind_conforms_to_the_published_model(kind):
    made = statements.build(kind, RECORD, "verdict/1", [("web", IMAGE), ("api", OTHER)])
    peer = PeerStatement.copy_from_pb(json_format.Parse(made, PeerMessage()))
    peer.validate()
    assert peer.pb.predicate_type == f"https://stella-ops.org/attestations/{kind}/v1"
    assert [each.name for each in peer.pb.subject] == ["api", "web"]
    assert jcs.canonical(made) == made
    assert statements.speaks_of(statements.parse(made), kind) == RECORD


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [
        ("chainloop.statement-v1.json", statements.STATEMENT_V1, "chainloop.dev/attestation/v0.2"),
        ("kube-slsa-v1.25.2.statement-v0.1.json", statements.STATEMENT_V01, "https://slsa.dev/provenance/v0.2"),
        ("slsa-provenance-v1.statement-v1.json", statements.STATEMENT_V1, "https://slsa.dev/provenance/v1"),
    ],
)
def test_statements_from_the_field_are_read(name, version, kind):
    data = (DATA / name).read_bytes()
    told = json.loads(data)
    read = statements.parse(data)
    assert (read.version, read.predicate_type) == (version, kind)
    assert {named for _, named in read.subjects} == {
        "sha256:" + each["digest"]["sha256"] for each in told["subject"] if "sha256" in each["digest"]
    }


def test_subjects_are_sorted_and_named_once():
    made = statements.build("verdict", RECORD, "verdict/1", [("b", IMAGE), ("a", OTHER), ("b", IMAGE)])
    assert statements.parse(made).subjects == (("a", OTHER), ("b", IMAGE))


def test_a_statement_without_subjects_is_not_made():
    with pytest.raises(StatementInvalid):
        statements.build("verdict", RECORD, "verdict/1", [])


def test_an_approval_travels_inside_its_statement():
    name = digest.of_bytes(canon.of_record(APPROVAL))
    made = statements.build("approval", name, "approval/1", [("web", IMAGE)], APPROVAL)
    assert statements.content_of(statements.parse(made), "approval", Approval) == (name, APPROVAL)


def test_content_that_is_not_the_record_it_names_is_refused():
    made = statements.build("approval", RECORD, "approval/1", [("web", IMAGE)], APPROVAL)
    with pytest.raises(StatementInvalid, match="not the record"):
        statements.content_of(statements.parse(made), "approval", Approval)


def test_content_of_another_shape_is_refused():
    value = {"kind": "approval/1", "promotion": IMAGE}
    name = digest.of_bytes(jcs.of_value(value))
    told = {
        "_type": statements.STATEMENT_V1,
        "subject": [{"name": "web", "digest": {"sha256": "1" * 64}}],
        "predicateType": statements.predicate_type("approval"),
        "predicate": {"kind": "approval/1", "record": name, "content": value},
    }
    with pytest.raises(RecordInvalid):
        statements.content_of(statements.parse(json.dumps(told).encode()), "approval", Approval)


def test_another_kind_is_not_taken_for_the_wanted_one():
    name = digest.of_bytes(canon.of_record(APPROVAL))
    made = statements.build("decision", name, "approval/1", [("web", IMAGE)], APPROVAL)
    with pytest.raises(StatementInvalid, match="predicate type"):
        statements.content_of(statements.parse(made), "approval", Approval)


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v2"},
        {"_type": None},
        {"predicateType": ""},
        {"predicateType": 1},
        {"subject": []},
        {"subject": {}},
        {"subject": [1]},
        {"subject": [{"name": "a"}]},
        {"subject": [{"name": 1, "digest": {}}]},
        {"subject": [{"name": "a", "digest": {"sha256": "ABC"}}]},
        {"subject": [{"name": "a", "digest": {"sha256": "A" * 64}}]},
        {"subject": [{"name": "a", "digest": {"sha256": "1" * 64}}] * 5000},
    ],
)
def test_what_is_not_a_statement_is_refused(change):
    told = json.loads(statements.build("verdict", RECORD, "verdict/1", [("web", IMAGE)])) | change
    with pytest.raises(StatementInvalid):
        statements.parse(json.dumps(told).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"_type":1,"_type":2}', b"\xff", b"1e400"])
def test_what_is_not_even_json_of_that_shape_is_refused(data):
    with pytest.raises(StatementInvalid):
        statements.parse(data)
