"""A document's syntax is told from its bytes; what is dangerous in XML is refused before anything is expanded."""

import pytest

from cas.problems import CanonInvalid, TooLarge
from pipeline.formats import xml
from pipeline.formats.content import content, values


@pytest.mark.parametrize(
    ("data", "syntax"),
    [
        (b'{"a": 1}', "json"),
        (b"[1, 2]", "json"),
        (b'{"a": 1}\n{"b": 2}\n', "json-lines"),
        (b'{\n "a": "}"\n}\n{"b": "\\"{"}', "json-lines"),
        (b"  <a/>", "xml"),
        (b"SPDXVersion: SPDX-2.3\n", "text"),
        (b"Brackets: " + b"[" * 1000, "text"),  # are no depth in a text
    ],
)
def test_syntax_is_told_from_the_bytes(data, syntax):
    assert content(data).syntax == syntax


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"a": 1} {"a": ', b'{"a": 1, "a": 2}', b'{"a":1}{"b":1,"b":2}', b"\xff\xfe", b"a\0b"]
)
def test_what_is_nothing_is_refused(data):
    with pytest.raises(CanonInvalid):
        content(data)


def test_values_stand_one_after_another_whatever_their_strings_hold():
    data = b'{"a": "}{"}[1, {"b": "\\\\"}]  {"c": []}'
    assert list(map(bytes.strip, values(data))) == [b'{"a": "}{"}', b'[1, {"b": "\\\\"}]', b'{"c": []}']


BOMB = b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd" [<!ENTITY b "b">]><a/>',
        b'<!DOCTYPE a SYSTEM "a.dtd" [%remote;]><a/>',
        b"<!DOCTYPE a []><a/>",
        b'<!DOCTYPE a SYSTEM "a.dtd"><a>&nbsp;</a>',  # declared in the DTD perhaps: nobody looks
        b'<!DOCTYPE a SYSTEM "a.dtd"><a b="&nbsp;"/>',
        b'<!DOCTYPE a SYSTEM "<!DOCTYPE a"><a/>',
        b"<!DOCTYPE a><!DOCTYPE a><a/>",
        b"<a/><!DOCTYPE a>",
        b"<a>",
        b"<a></b>",
        b"<a>&undefined;</a>",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"<a/><b/>",
        b"<a b='1' b='2'/>",
    ],
)
def test_dangerous_or_broken_xml_is_refused(data):
    with pytest.raises(xml.XmlInvalidError):
        content(data)


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">',
        b'<!DOCTYPE report SYSTEM "file:///etc/passwd">',
        b"<!DOCTYPE\n  report\n>",
        b"<!DOCTYPE report>",
    ],
)
def test_a_document_type_that_declares_nothing_is_passed_over_and_nothing_is_fetched(doctype):
    root = content(b'<?xml version="1.0" encoding="UTF-8"?>\n' + doctype + b'<report a="&lt;1">x</report>').value
    assert (root.tag, root.get("a"), root.text) == ("report", "<1", "x")


def test_a_document_type_in_another_encoding_is_refused():
    with pytest.raises(xml.XmlInvalidError, match="ASCII"):
        xml.parse('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a SYSTEM "a.dtd"><a/>'.encode("utf-16"))


def test_xml_may_begin_with_a_byte_order_mark_as_dotnet_writes_it():
    assert content(b"\xef\xbb\xbf" + b'<?xml version="1.0" encoding="utf-8"?><a/>').root == "a"


def test_lines_are_counted_as_they_stand_after_a_document_type():
    with pytest.raises(xml.XmlInvalidError, match="line 4"):
        content(b"<!DOCTYPE\n\n a>\n<a></b>")


def test_deep_xml_is_refused():
    with pytest.raises(TooLarge):
        content(b"<a>" * 1000 + b"</a>" * 1000)


def test_elements_keep_namespaces_text_and_places():
    root = content(b'<x:a xmlns:x="urn:x" k="v">t<b>1</b><b> 2 </b></x:a>').value
    assert (root.tag, root.get("k"), xml.local(root)) == ("{urn:x}a", "v", "a")
    assert [(xml.text(each), at) for each, at in xml.children(root, "b", "/a")] == [("1", "/a/b[1]"), ("2", "/a/b[2]")]
    assert (xml.text(root, "b"), xml.text(root, "none"), xml.child(root, "none")) == ("1", "", None)


def test_a_large_text_is_known_by_its_beginning_and_decoded_when_all_of_it_is_asked_for():
    text = "TAP version 13\n" + "ok 1 - \u00e4\u20ac\U0001f600\n" * 100_000
    found = content(text.encode())
    assert (found.syntax, found.late, found.value == text) == ("text", True, True)
    assert text.startswith(found.sketch.value)
    assert 60_000 < len(found.sketch.value.encode()) <= 1 << 16
    for broken in (text.encode() + b"\xff", text.encode()[:-2]):
        with pytest.raises(CanonInvalid):
            content(broken)
