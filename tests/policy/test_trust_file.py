"""A trust table as people write it: classes give vectors, what is left out is as built in, faults name lines."""

import re
from pathlib import Path

import pytest

from policy.packs.trust_file import TrustFileInvalid, read_table, write_table
from policy.trust_directory import VECTORS
from policy.trust_table import BUILT_IN

HOUSE = b"""name: house
version: "3"
sources:
  - class: vendor
    signers: ["sigstore:*#*@redhat.com", "ci author:Red Hat*"]
  - class: hub
    signers: ["hub"]
    coverage: 500000
  - class: internal
    signers: ["*"]
  - class: unverified
minimum_score: 100000
strengths: {vendor_blanket: 500000}
"""


def test_a_class_gives_its_vector_and_the_rest_is_built_in():
    table = read_table(HOUSE)
    vendor, hub, *_ = table.sources
    assert (vendor.provenance, vendor.coverage, vendor.replayability) == VECTORS["vendor"]
    assert (hub.provenance, hub.coverage, hub.replayability) == (600_000, 500_000, 400_000)
    assert dict(table.strengths) == dict(BUILT_IN.strengths) | {"vendor_blanket": 500_000}
    assert (table.minimum_score, table.unverified_counts) == (100_000, False)
    assert table.freshness == BUILT_IN.freshness


def test_what_is_shown_can_be_stored():
    assert read_table(write_table(BUILT_IN).encode()) == BUILT_IN
    assert read_table(write_table(read_table(HOUSE)).encode()) == read_table(HOUSE)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HOUSE.replace(b"class: hub", b"class: pub"), "line 6"),
        (HOUSE.replace(b"coverage: 500000", b"coverage: much"), "line 8"),
        (HOUSE.replace(b"coverage: 500000", b"coverage: 5000000"), "line"),
        (HOUSE.replace(b"vendor_blanket", b"vendor_word"), "line 13"),
        (HOUSE + b"provenance_weight: 900000\n", "line 14"),
        (HOUSE + b"colour: red\n", "line 1"),
        (b"name: x\n", "line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, line):
    with pytest.raises(TrustFileInvalid) as caught:
        read_table(text)
    (fault,) = caught.value.fields["faults"]
    assert fault.message.startswith(line)


def test_the_page_gives_the_vectors_of_the_classes():
    page = (Path(__file__).parents[2] / "docs" / "vex.md").read_text()
    rows = {row.split(" ")[0]: row for row in re.findall(r"^\| (.*) \|$", page, re.MULTILINE)}
    for name, vector in VECTORS.items():
        assert rows[name].split(" | ")[1:] == [f"{value:,}" for value in vector]
