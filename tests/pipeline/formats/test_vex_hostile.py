"""Whatever stands in a VEX or reachability document, it is read or refused: nothing else happens."""

import contextlib
import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.formats.opened import Refused, open_document
from pipeline.formats.problems import DocumentUnreadable
from tests.pipeline.formats.test_csaf import CASES
from tests.pipeline.formats.test_reachability import graph
from tests.pipeline.formats.test_vex_readings import DRAFT, analysed, bom

DOCUMENTS = {"csaf": CASES["valid"], "cyclonedx": bom(analysed()), "openvex": DRAFT, "graph": graph()}
VALUES = st.sampled_from(
    [None, "", "x", "1" * 5000, "0", "1.0.0-a", "\u202e", -1, 0, 1e308, 2**53 - 1, True, [], {}, [[]], [None], "pkg:", "sha256:"]
)  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_one_value_exchanged_is_read_or_refused(name, data):
    document = copy.deepcopy(DOCUMENTS[name])
    path = data.draw(st.sampled_from([path for path in places(document) if path]))
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = data.draw(VALUES)
    with contextlib.suppress(Refused, DocumentUnreadable):
        opened = open_document(json.dumps(document).encode())
        for reading in opened.readings:
            reading.format.subjects(reading.format.read(opened.raw, reading.version))


def test_a_version_of_5000_digits_is_refused_or_taken_without_a_crash():
    document = copy.deepcopy(CASES["valid"])
    tracking = document["document"]["tracking"]
    tracking["version"] = tracking["revision_history"][1]["number"] = "2" * 5000
    with pytest.raises(Refused) as caught:
        open_document(json.dumps(document).encode())
    assert "evidence.csaf.6.1.21" in {fault.code for fault in caught.value.faults}
