import re
from typing import get_type_hints

import pytest
import rfc8785
from hypothesis import given, settings
from msgspec import inspect

from cas import canon, jcs
from cas.records.base import Record
from cas.records.catalog import KINDS
from tests.support.records import GOLDEN, named, plain, shapes_text, some, structs, tag


def test_kinds_are_sorted_and_unique():
    tags = [tag(kind) for kind in KINDS]
    assert tags == sorted(set(tags))
    assert len({kind.__name__ for kind in KINDS}) == len(KINDS)


def test_every_record_class_is_in_the_catalog():
    def below(kind):
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    assert {one for one in below(Record) if one.__module__.startswith("cas.")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=tag)
def test_a_kind_is_frozen_tagged_and_made_of_plain_types(kind):
    assert re.fullmatch(r"[a-z][a-z0-9_]*/[1-9][0-9]*", tag(kind))
    for struct, info in structs(kind).items():
        config = struct.__struct_config__
        assert config.frozen, struct
        assert config.forbid_unknown_fields, struct
        assert config.tag_field in {"kind", None}, struct
        assert not config.omit_defaults, struct
        for field in info.fields:
            spelled = named(field.type)
            where = f"{struct.__name__}.{field.name}: {spelled}"
            assert "FORBIDDEN" not in spelled, where  # a dict, float, set, bytes, Any …
            assert "None" not in spelled, f"{where}: an integer without bounds"
            assert field.encode_name.isascii(), where
        assert get_type_hints(struct), struct


@pytest.mark.parametrize("kind", KINDS, ids=tag)
def test_a_kind_encodes_to_rfc_8785_and_back(kind):
    @settings(max_examples=25, deadline=None)
    @given(some(kind))
    def holds(record):
        data = canon.of_record(record)
        assert data == rfc8785.dumps(plain(record))
        assert canon.to_record(data, kind) == record
        assert jcs.canonical(data) == data

    holds()


def test_published_shapes_are_those_of_the_golden_file():
    assert shapes_text() == GOLDEN.read_text(encoding="utf-8"), (
        "A record's shape changed. A published shape is frozen: add a new kind beside it. "
        "For a kind that is not published yet: python -m tests.support.records, and review the diff."
    )


def test_a_forbidden_type_would_be_noticed():
    for kind in (dict[str, str], float, set[str], bytes, object):
        assert "FORBIDDEN" in named(inspect.type_info(kind))
