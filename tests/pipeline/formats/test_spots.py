"""From a pointer back to the line: JSON, JSON lines' own pointers, XML, text; whatever is odd gives nothing."""

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.formats.spots import EXCERPT, spots

TEXT = json.dumps(
    {"a/b": [{"x~y": 1}, "ü", {"name": "n", "k": {"z": [1, 2, 3]}}], "b": None}, indent=2, ensure_ascii=False
)
XML = '﻿<?xml version="1.0"?>\n<b:bom xmlns:b="x">\n <components>\n  <component n="ü">\n  </component>\n  <component/><other/>\n </components>\n</b:bom>\n'


@pytest.mark.parametrize(
    ("pointer", "line", "begins"),
    [
        ("", 1, "{"),
        ("/b", 18, '"b"'),
        ("/a~1b/0/x~0y", 4, '"x~y"'),
        ("/a~1b/1", 6, '"ü"'),
        ("/a~1b/2", 7, "{"),
        ("/a~1b/2/k/z/2", 13, "3"),
    ],
)
def test_a_json_pointer_leads_to_its_line(pointer, line, begins):
    spot = spots(TEXT.encode(), [pointer])[pointer]
    assert (spot.line, spot.text[: len(begins)]) == (line, begins)
    assert TEXT.splitlines()[spot.line - 1][spot.column - 1 :].startswith(begins)


def test_what_is_not_there_gives_nothing():
    for pointer in ("/a~1b/7", "/c", "/a~1b/0/x~0y/deeper", "nonsense", "#L0", "#L999", "/bom"):
        assert spots(TEXT.encode(), [pointer]) == {}
    for data in (b"", b"{", b'{"a":', b"[[[[", b"<a", b"\xff\xfe", b"]]]]"):
        assert not spots(data, ["/a", "/0/0", "/a/b[1]"])
    assert spots(b'<!DOCTYPE a [<!ENTITY x "y">]><a><b/></a>', ["/a/b[1]"]) == {}


@pytest.mark.parametrize(
    ("pointer", "line", "begins"),
    [("/bom/components[1]/component[1]", 4, "<component n"), ("/bom/components[1]/component[2]", 6, "<component/>"), ("/bom/components[1]/other[1]", 6, "<other/>")],
)  # fmt: skip
def test_a_place_in_xml_leads_to_its_line(pointer, line, begins):
    spot = spots(XML.encode(), [pointer])[pointer]
    assert (spot.line, spot.text[: len(begins)]) == (line, begins)
    assert ET.fromstring(XML[1:]) is not None


def test_a_line_is_a_line_and_an_excerpt_is_cut():
    assert spots(b"one\ntwo\nthree", ["#L2", "#L3"])["#L2"].text == "two"
    long = spots(json.dumps({"a": "x" * 5000}).encode(), ["/a"])["/a"]
    assert (len(long.text), long.cut) == (EXCERPT, True)


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_every_pointer_of_any_document_leads_to_its_value(value):
    text = json.dumps(value, indent=1)
    wanted = {}

    def walk(one, pointer):
        wanted[pointer] = one
        for key, each in one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ():
            walk(each, pointer + "/" + str(key).replace("~", "~0").replace("/", "~1"))

    walk(value, "")
    found = spots(text.encode(), wanted)
    assert set(found) == set(wanted)
    for pointer, spot in found.items():
        held = spot.text
        if not spot.cut:
            named = "{" + held + "}" if pointer and isinstance(parent(value, pointer), dict) else held
            read = json.loads(named)
            assert (next(iter(read.values())) if named is not held else read) == wanted[pointer]


def parent(value, pointer):
    for part in pointer.split("/")[1:-1]:
        value = value[int(part)] if isinstance(value, list) else value[part.replace("~1", "/").replace("~0", "~")]
    return value
