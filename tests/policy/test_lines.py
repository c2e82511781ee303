"""A finding's lines: told by place in a picture, by digest in an assessment; a place that is none is refused."""

import msgspec
import pytest

from cas import canon
from cas.problems import RecordInvalid
from cas.records.picture import NOWHERE, AssessedFinding2, Picture
from policy.lines import lines_of
from tests.support import gate_cases

ONE = {"sbom": gate_cases.name("z"), "feed_package": gate_cases.name("a")}


def shown(*, picture):
    return gate_cases.fact_view({"findings": [ONE]}, picture=picture).assessment


def test_both_kinds_of_finding_point_at_the_same_lines():
    old, new = (shown(picture=picture) for picture in (False, True))
    assert lines_of(old.findings[0], old) == lines_of(new.findings[0], new)
    assert [line.digest for line in lines_of(new.findings[0], new)] == [ONE["sbom"], ONE["feed_package"]]


@pytest.mark.parametrize("field", ["sbom", "feed_package"])
def test_a_finding_that_points_past_the_documents_is_no_answer(field):
    picture = shown(picture=True)
    lost = msgspec.structs.replace(picture.findings[0], **{field: len(picture.documents)})
    with pytest.raises(RecordInvalid):
        lines_of(lost, msgspec.structs.replace(picture, findings=(lost,)))


def test_a_finding_stands_in_a_picture_without_names_and_is_read_back_the_same():
    picture = shown(picture=True)
    data = canon.of_record(picture)
    assert b"severity" not in data
    assert canon.to_record(data, Picture) == picture


@pytest.mark.parametrize("change", [lambda row: row[:-1], lambda row: [*row, ""]])
def test_a_row_with_a_value_too_few_or_too_many_is_refused(change):
    whole = msgspec.json.decode(canon.of_record(shown(picture=True)))
    whole["findings"][0] = change(whole["findings"][0])
    with pytest.raises(RecordInvalid):
        canon.to_record(msgspec.json.encode(whole, order="sorted"), Picture)


def test_what_was_not_said_of_reachability_is_not_known():
    (one,) = shown(picture=True).findings
    assert (one.reached, one.reach) == (None, NOWHERE)
    assert "reach" not in AssessedFinding2.__struct_fields__
