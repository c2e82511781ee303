"""The OpenAPI document against the server: a good answer for every operation, and nothing breaks whatever is sent."""

import time

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error

from api.app import create_app
from api.calls.catalog import CALLS
from api.calls.moved import MOVED
from api.calls.tokens import SCOPES
from tests.api.doors import Doors
from tests.api.journey import Journey

SECONDS = 90
NEEDS_MORE = {"deployment.rollback", "deployment.resume"}
"""Need a second release deployed, and a crash: given 2xx in their own tests (tests/api/test_rollback.py)."""


def test_every_operation_gives_a_good_answer_that_conforms(tmp_path):
    doors = Doors()
    with doors.client() as http:
        good = Journey(doors, http, tmp_path).walk()
    wanted = {call.name for call in (*CALLS, *MOVED)}
    assert wanted - good - NEEDS_MORE == set()


@schemathesis.serializer("application/x-tar", "application/x-ndjson", "application/vnd.stella.documents")
def as_bytes(ctx, value):
    """Bodies that are not JSON are sent as they come."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


@pytest.fixture(scope="module")
def schema():
    doors = Doors()
    token = doors.token(*SCOPES)
    found = schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(doors.instance))
    return found, token


@pytest.mark.filterwarnings("ignore")
def test_whatever_is_sent_nothing_breaks_and_answers_conform(schema):
    """Each operation in turn, as often as the time allows; responses are held against the document."""
    found, token = schema
    operations = [item.ok() for item in found.get_all_operations()]
    for operation in operations:
        fuzz(operation, token, SECONDS / len(operations))


def fuzz(operation, token, seconds):
    """Send one operation what its document allows, and what it does not."""
    until = time.monotonic() + seconds

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    def send(case):
        if time.monotonic() > until:
            return
        response = case.call(headers=token)
        assert response.status_code < 500, (case.as_curl_command(), response.text[:1000])
        case.validate_response(response, checks=[not_a_server_error, *conforming()])

    send()


def conforming():
    """Status, media type, headers and body as the document says."""
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [status_code_conformance, content_type_conformance, response_schema_conformance]
