"""Evidence of the user's own kind: a schema that can be judged in bounded time, documents held to it, facts pure."""

import base64
import itertools
import json

import pytest

from cas import refs
from cas.records.evidence import Evidence, NormaliseInput
from cas.records.report import GenericFacts
from cas.store import load, save
from pipeline.formats import own_schema
from pipeline.formats.problems import DocumentUnreadable, EvidenceRefused, KindRefused
from pipeline.operations import kinds, kinds_kept
from pipeline.operations.ingest import Submission, submit
from pipeline.stage import advance
from pipeline.stages.normalise import NORMALISE
from tests.support.world import ALICE, World

IMAGE = "sha256:" + "1" * 64
SCHEMA = json.dumps(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["approved", "score"],
        "properties": {
            "approved": {"type": "boolean"},
            "score": {"$ref": "#/$defs/score"},
            "at": {"format": "date-time"},
        },
        "$defs": {"score": {"type": "number", "minimum": 0}},
    }
).encode()


@pytest.fixture
def effects():
    made = World().effects()
    kinds.add(made, ALICE, "review", SCHEMA)
    return made


def statement(predicate):
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "web", "digest": {"sha256": IMAGE[7:]}}],
            "predicateType": "https://example.com/review",
            "predicate": predicate,
        }
    ).encode()


def refused(effects, data, declared="generic/review"):
    with pytest.raises(EvidenceRefused) as caught:
        submit(effects, ALICE, [Submission(data, IMAGE, declared)])
    return [(fault.pointer, fault.code) for fault in caught.value.fields["faults"]]


def test_a_kind_is_an_entry_of_the_log_and_the_same_again_is_none(effects):
    before = effects.log.head().size
    again = kinds.add(effects, ALICE, "review", SCHEMA)
    assert again.existed
    assert effects.log.head().size == before
    assert effects.log.ref(refs.own_kind("review")) == again.digest
    assert effects.store.get(again.kind.schema) == SCHEMA
    assert [each.kind.name for each in kinds_kept.every(effects)] == ["review"]


def test_a_document_of_the_kind_becomes_generic_facts_that_name_the_schema(effects):
    document = b'{"approved": true, "score": 80.50, "by": "alice", "rest": [1], "none": null, "created_at": "2026-01-01T00:00:00Z"}'
    (receipt,) = submit(effects, ALICE, [Submission(document, IMAGE, "generic/review")]).receipts
    evidence = load(effects.store, receipt.evidence, Evidence)
    schema = kinds.add(effects, ALICE, "review", SCHEMA).kind.schema
    assert (receipt.type, evidence.format) == ("generic", f"generic/review@{schema}")
    question = save(effects.store, NormaliseInput(raw=receipt.raw, format=evidence.format))
    assert advance(NORMALISE, question, effects.store).record == GenericFacts(
        format=evidence.format,
        name="review",
        schema=schema,
        created_at="2026-01-01T00:00:00Z",
        subjects=(),
        values=(("approved", "true"), ("by", "alice"), ("created_at", "2026-01-01T00:00:00Z"), ("score", "80.50")),
    )


def test_a_document_that_names_its_image_is_embedded(effects):
    document = json.dumps({"approved": True, "score": 1, "image": f"registry.example/web@{IMAGE}"}).encode()
    (receipt,) = submit(effects, ALICE, [Submission(document, format="generic/review")]).receipts
    assert (receipt.subject, receipt.binding) == (IMAGE, "embedded")


def test_a_statement_about_an_image_may_carry_it(effects):
    data = statement({"approved": True, "score": 1})
    (receipt,) = submit(effects, ALICE, [Submission(data, format="generic/review")]).receipts
    assert (receipt.subject, receipt.type, receipt.binding) == (IMAGE, "generic", "embedded")
    assert effects.store.get(receipt.raw) == b'{"approved": true, "score": 1}'
    envelope = {
        "payload": base64.b64encode(data).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": "AA=="}],
    }
    (signed,) = submit(effects, ALICE, [Submission(json.dumps(envelope).encode(), format="generic/review")]).receipts
    assert (signed.subject, signed.type) == (IMAGE, "generic")


def test_every_fault_of_a_document_is_named_where_it_stands(effects):
    assert refused(effects, b'{"approved": "yes", "score": -1}') == [
        ("/0/approved", "evidence.schema.type"),
        ("/0/score", "evidence.schema.minimum"),
    ]
    assert refused(effects, statement({"approved": True})) == [("/0/predicate", "evidence.schema.required")]
    assert refused(effects, b'{"approved": true, "score": 1, "at": "now"}') == [("/0/at", "evidence.schema.format")]
    assert refused(effects, b"[]") == [("/0", "evidence.not_object")]
    assert refused(effects, b"<a/>") == [("/0", "evidence.not_object")]
    assert refused(effects, b"nonsense {") in ([("/0", "evidence.not_object")], [("/0", "evidence.not_json")])


@pytest.mark.parametrize("declared", ["generic/", "generic/other", "generic/../x", "generic/" + "x" * 300])
def test_a_kind_that_nobody_registered_is_refused(effects, declared):
    assert refused(effects, b"{}", declared) == [("/0", "evidence.kind_unknown")]


def test_without_a_declared_kind_content_tells_nothing(effects):
    assert refused(effects, b'{"approved": true, "score": 1}', "") == [("/0", "evidence.format_unknown")]


def test_another_schema_judges_what_comes_after_and_leaves_what_is_here(effects):
    document = b'{"approved": true, "score": 1}'
    first = submit(effects, ALICE, [Submission(document, IMAGE, "generic/review")]).receipts[0]
    kinds.add(effects, ALICE, "review", b'{"type": "object", "required": ["reviewer"]}')
    other = b'{"approved": true, "score": 2}'
    assert refused(effects, other) == [("/0", "evidence.schema.required")]
    assert load(effects.store, first.evidence, Evidence).format.startswith("generic/review@sha256:")


DEEP = {"$defs": {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(400)}, "$ref": "#/$defs/d0"}
DEEP["$defs"]["d400"] = {}
WIDE = {"$defs": {f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(40)}, "$ref": "#/$defs/d0"}
WIDE["$defs"]["d40"] = {}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (b"", ""),
        (b"[]", "object"),
        (b'{"a": 1, "a": 2}', ""),
        (b'{"type": "nonsense"}', ""),
        (b'{"$schema": "https://example.com/mine"}', ""),
        (b'{"$ref": "https://example.com/other.json"}', "into the schema itself"),
        (b'{"$ref": "file:///etc/passwd"}', "into the schema itself"),
        (b'{"$ref": "other.json"}', "into the schema itself"),
        (b'{"$ref": "#/$defs/none"}', "nowhere"),
        (b'{"$ref": "#"}', "contains itself"),
        (b'{"properties": {"a": {"$ref": "#"}}}', "contains itself"),
        (
            b'{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}',
            "contains itself",
        ),
        (b'{"$dynamicRef": "#x"}', "dynamic"),
        (b'{"$defs": {"a": {"$id": "https://example.com/a"}}}', "no id of its own"),
        (json.dumps(DEEP).encode(), "levels"),
        (json.dumps(WIDE).encode(), "written out"),
        (b'{"pattern": "(?=a)b"}', ""),
        (b'{"enum": [' + b"1," * (1 << 19) + b"1]}", ""),
        (b'{"a": ' * 100 + b"1" + b"}" * 100, ""),
    ],
    ids=itertools.count(),
)
def test_a_schema_that_cannot_be_judged_in_bounded_time_is_refused(effects, schema, said):
    before = effects.log.head().size
    with pytest.raises(KindRefused) as caught:
        kinds.add(effects, ALICE, "other", schema)
    assert [fault.code for fault in caught.value.fields["faults"]] == ["evidence.kind_schema"]
    assert said in caught.value.fields["faults"][0].message
    assert effects.log.head().size == before


def test_patterns_run_without_backtracking():
    schema = b'{"properties": {"a": {"pattern": "^(a+)+$"}}}'
    assert own_schema.schema_faults(schema) == ()
    assert [fault.pointer for fault in own_schema.faults(schema, {"a": "a" * 50_000 + "b"})] == ["/a"]


def test_faults_of_a_document_are_bounded():
    schema = b'{"items": {"type": "string"}}'
    assert len(list(own_schema.faults(schema, list(range(3000))))) == own_schema.MAX_FAULTS + 1


def test_the_stage_needs_the_schema_in_the_format():
    world = World()
    question = save(world.store, NormaliseInput(raw=world.store.put(b"{}"), format="generic/review"))
    with pytest.raises(DocumentUnreadable):
        advance(NORMALISE, question, world.store)
