"""What the doors promise, kept as files: a change shows as a diff to be reviewed (``make golden`` writes them)."""

import json
import os
from pathlib import Path

import msgspec

from api import problem_catalog
from api.calls.catalog import CALLS
from api.calls.moved import MOVED
from api.openapi import PROBLEMS, built, document

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def same(name, found):
    """Compare with the file; with GOLDEN=write, write it."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_bytes(found)
    assert path.read_bytes() == found, f"{name} changed: review the diff, then GOLDEN=write"


def test_the_openapi_document_is_what_was_promised():
    same("openapi.json", document())


def test_problem_codes_are_what_was_promised():
    rows = [{"code": one.code, "status": one.status, "category": one.category} for one in problem_catalog.listed()]
    same("problems.json", msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")


def test_every_code_of_a_problem_is_one_class_and_says_what_to_do():
    found = problem_catalog.listed()
    codes = [one.code for one in found]
    assert len(codes) == len(set(codes))
    assert all(one.title and one.remedy for one in found)
    assert all("." in code for code in codes)


def test_every_operation_documents_every_problem_and_its_scope():
    paths = built()["paths"]
    operations = {one["operationId"]: one for path in paths.values() for one in path.values()}
    assert set(operations) == {call.name for call in (*CALLS, *MOVED)}
    for name, one in operations.items():
        assert {str(status) for status, _ in PROBLEMS} <= set(one["responses"]), name
    posts = [one for path in paths.values() for method, one in path.items() if method == "post"]
    assert all(any(param["name"] == "Idempotency-Key" for param in one["parameters"]) for one in posts)


def test_the_document_is_valid_json_schema_throughout():
    import jsonschema_rs

    schemas = built()["components"]["schemas"]
    text = json.dumps(schemas).replace("#/components/schemas/", "#/$defs/")
    jsonschema_rs.Draft202012Validator({"$defs": json.loads(text)})
