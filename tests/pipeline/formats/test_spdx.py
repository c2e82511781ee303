"""SPDX 2.2 and 2.3 say the same as JSON, tag-value and RDF; SPDX 3.0.1 says it of the same packages."""

import contextlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.formats import xml
from pipeline.formats.catalog import named
from pipeline.formats.opened import Refused, open_document
from pipeline.formats.problems import DocumentUnreadable
from tests.support import evidence, spellings

DATA = Path(__file__).parents[2] / "data" / "spdx"


def facts(data):
    opened = open_document(data)
    return named(opened.name.partition("/")[0]).read(data, opened.version)


def refused(data):
    with pytest.raises(Refused) as caught:
        open_document(data)
    return [(each.pointer, each.code) for each in caught.value.faults]


def told(found):
    plain = msgspec.to_builtins(found)
    assert plain.pop("format")
    for package in plain["packages"]:
        assert package.pop("pointer")
        package["licenses"] = tuple(sorted(map(unordered, package["licenses"])))  # RDF has sets, not an order
    return plain


def unordered(expression):
    return " ".join(sorted(expression.replace("(", " ").replace(")", " ").split()))


@pytest.mark.parametrize("version", ["2.2", "2.3"])
@pytest.mark.parametrize("name", ["SPDXTagExample-v{}.spdx", "SPDXRdfExample-v{}.spdx.rdf.xml"])
def test_the_examples_of_the_specification_say_the_same_in_every_spelling(version, name):
    wanted = facts((DATA / f"SPDXJSONExample-v{version}.spdx.json").read_bytes())
    found = facts((DATA / name.format(version)).read_bytes())
    assert told(found) == told(wanted)
    assert len(found.packages) == 4
    assert found.format == f"{'spdx-rdf' if 'Rdf' in name else 'spdx-tag-value'}/{version}"


@pytest.mark.parametrize("suffix", [".spdx", ".spdx.rdf.xml"])
@pytest.mark.parametrize("name", ["pair-alpine/alpine.spdx-2.2.json", "pair-openssl-rpm/openssl.spdx-2.3.json"])
def test_a_real_sbom_written_anew_by_spdx_tools_says_the_same(name, suffix):
    document = spellings.plain(evidence.sbom(name))
    assert told(facts(spellings.written(document, suffix))) == told(facts(json.dumps(document).encode()))


@pytest.mark.parametrize(
    "name", ["pair-alpine/alpine.spdx-2.2.json", "pair-openssl-rpm/openssl.spdx-2.3.json", "go-105.spdx-2.3.json"]
)
def test_spdx_3_says_the_same_of_the_same_packages(name):
    document = spellings.plain(evidence.sbom(name))
    left, right = facts(json.dumps(document).encode()), facts(spellings.spdx3(document))
    local = {"document": "SPDXRef-DOCUMENT"}

    def short(text):
        return local.get(text.rpartition("#")[2], text.rpartition("#")[2])

    def rows(found):
        return sorted(
            (short(p.ref), p.purl, p.name, p.version, p.type.replace("_", "-"), p.licenses, p.hashes, p.source)
            for p in found.packages
        )

    assert rows(right) == rows(left)
    assert (right.subjects, right.created_at, right.tools) == (left.subjects, left.created_at, left.tools)
    packages = {p.ref for p in left.packages}
    assert {(short(a), short(b)) for a, b in right.depends} >= {(a, b) for a, b in left.depends if {a, b} <= packages}


@pytest.mark.parametrize("path", sorted(DATA.glob("*3.0*")), ids=lambda path: path.stem)
def test_every_spdx_3_example_is_taken(path):
    document = json.loads(path.read_text())
    found = facts(path.read_bytes())
    assert found.format == "spdx3-json/3.0.1"
    assert found.created_at
    for package in found.packages:
        there = document["@graph"][int(package.pointer.rpartition("/")[2])]
        assert (package.ref, package.name) == (there["spdxId"], there["name"])
    assert found.packages


def test_one_product_of_the_examples_has_the_same_packages_in_spdx_2_and_3():
    old = facts((DATA / "software__example14__spdx2.3__examplemaven-0.0.1-enriched.spdx.json").read_bytes())
    new = facts((DATA / "software__example14__spdx3.0__examplemaven-0.0.1-enriched.spdx3.json").read_bytes())
    assert {(p.name, p.version) for p in old.packages} == {(p.name, p.version) for p in new.packages}


def test_tag_value_packages_point_to_their_lines_and_rdf_packages_to_their_elements():
    path = DATA / "SPDXTagExample-v2.3.spdx"
    lines = path.read_text().split("\n")
    for package in facts(path.read_bytes()).packages:
        assert lines[int(package.pointer.removeprefix("#L")) - 1] == f"PackageName: {package.name}"
    data = (DATA / "SPDXRdfExample-v2.3.spdx.rdf.xml").read_bytes()
    for package in facts(data).packages:
        at = xml.parse(data)
        for step in package.pointer.split("/")[2:]:
            name, _, number = step.rstrip("]").partition("[")
            at = [each for each in at if xml.local(each) == name][int(number or 1) - 1]
        assert xml.text(at, "name") == package.name


HEAD = """SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: x
DocumentNamespace: https://x.example/1
Creator: Tool: t-1
Created: 2024-01-01T00:00:00Z
"""
PACKAGE = "PackageName: a\nSPDXID: SPDXRef-a\nPackageDownloadLocation: NONE\n"


def test_the_smallest_tag_value_document_is_taken():
    found = facts((HEAD + PACKAGE + "PackageComment: <text>Package\nName: b</text>\n").encode())
    assert [(p.name, p.pointer) for p in found.packages] == [("a", "#L8")]
    assert found.tools == ("t-1",)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (HEAD + "PackagName: a\n", ("#L8", "evidence.schema.syntax")),
        (HEAD + "no tag at all\n", ("#L8", "evidence.schema.syntax")),
        (HEAD + PACKAGE + "PackageComment: <text>never\nclosed\n", ("#L11", "evidence.schema.syntax")),
        (HEAD + "PackageName: a\nPackageDownloadLocation: NONE\n", ("#L8", "evidence.schema.required")),
        (HEAD + PACKAGE + "PackageChecksum: SHA9: 00\n", ("#L8", "evidence.schema.enum")),
        (HEAD + PACKAGE + "Relationship: SPDXRef-a LIKES SPDXRef-b\n", ("#L11", "evidence.schema.enum")),
        (HEAD.replace("Created: 2024", "Created: x"), ("#L1", "evidence.schema.format")),
        (HEAD.replace("2.3", "2.1"), ("", "evidence.version_unsupported")),
        ("PackageName: a\n", ("", "evidence.not_json")),
    ],
)
def test_bad_tag_value_is_refused_with_its_line(text, wanted):
    assert wanted in refused(text.encode())


RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:spdx="http://spdx.org/rdf/terms#">
<spdx:SpdxDocument rdf:about="https://x.example/1#SPDXRef-DOCUMENT"><spdx:specVersion>SPDX-2.3</spdx:specVersion>
<spdx:name>x</spdx:name><spdx:dataLicense rdf:resource="http://spdx.org/licenses/CC0-1.0"/>
<spdx:creationInfo><spdx:CreationInfo><spdx:creator>Tool: t</spdx:creator><spdx:created>2024-01-01T00:00:00Z</spdx:created>
</spdx:CreationInfo></spdx:creationInfo></spdx:SpdxDocument>{}</rdf:RDF>"""
RDF_PACKAGE = """<spdx:Package rdf:about="https://x.example/1#SPDXRef-a"><spdx:name>a</spdx:name>
<spdx:downloadLocation>NONE</spdx:downloadLocation>{}</spdx:Package>"""


def test_licence_sets_of_rdf_become_expressions():
    sets = """<spdx:licenseDeclared><spdx:DisjunctiveLicenseSet><spdx:member rdf:resource="http://spdx.org/licenses/MIT"/>
    <spdx:member><spdx:ConjunctiveLicenseSet><spdx:member rdf:resource="http://spdx.org/licenses/Zlib"/>
    <spdx:member rdf:resource="http://spdx.org/licenses/0BSD"/></spdx:ConjunctiveLicenseSet></spdx:member>
    </spdx:DisjunctiveLicenseSet></spdx:licenseDeclared><spdx:licenseConcluded rdf:resource="http://spdx.org/rdf/terms#noassertion"/>"""
    found = facts(RDF.format(RDF_PACKAGE.format(sets)).encode())
    assert [p.licenses for p in found.packages] == [("(0BSD AND Zlib) OR MIT",)]


def bomb(levels):
    nodes = "".join(
        f'<spdx:ConjunctiveLicenseSet rdf:nodeID="n{at}"><spdx:member rdf:nodeID="n{at + 1}"/><spdx:member rdf:nodeID="n{at + 1}"/>'
        "</spdx:ConjunctiveLicenseSet>"
        for at in range(levels)
    )
    return RDF.format(RDF_PACKAGE.format('<spdx:licenseDeclared rdf:nodeID="n0"/>') + nodes)


def chain(levels):
    """Sets of one member each: no longer than their last, and deeper than any stack."""
    nodes = "".join(
        f'<spdx:ConjunctiveLicenseSet rdf:nodeID="n{at}"><spdx:member rdf:nodeID="n{at + 1}"/></spdx:ConjunctiveLicenseSet>'
        for at in range(levels)
    )
    return RDF.format(RDF_PACKAGE.format('<spdx:licenseDeclared rdf:nodeID="n0"/>') + nodes)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (bomb(64), "evidence.schema.syntax"),
        (chain(5000), "evidence.schema.syntax"),
        (bomb(1).replace('"n1"', '"n0"'), "evidence.schema.syntax"),
        (RDF.format('<spdx:Package rdf:parseType="Literal"/>'), "evidence.schema.syntax"),
        (RDF.format('<spdx:Package xml:base="urn:x"/>'), "evidence.schema.syntax"),
        (RDF.format(RDF_PACKAGE.format("<spdx:a><spdx:B/><spdx:C/></spdx:a>")), "evidence.schema.syntax"),
        (RDF.format("<spdx:Package/>"), "evidence.schema.required"),
        (RDF.format("").replace("SPDX-2.3", "SPDX-2.0"), "evidence.version_unsupported"),
        (RDF.format("").replace("SpdxDocument", "Document"), "evidence.schema.syntax"),
        (RDF.format("").replace("specVersion", "noVersion"), "evidence.format_unknown"),
    ],
)
def test_bad_rdf_is_refused(text, code):
    found = refused(text.encode())
    assert {each for _, each in found} == {code}
    assert all(place.startswith("/RDF") or not place for place, _ in found)


def spdx3(*elements):
    made = {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2024-01-01T00:00:00Z",
            "createdBy": ["urn:p"]}  # fmt: skip
    return json.dumps({"@context": spellings.CONTEXT, "@graph": [made, *elements]}).encode()


def test_spdx_3_names_the_image_it_describes():
    package = {"type": "software_Package", "spdxId": "urn:a", "creationInfo": "_:c", "name": "web",
               "software_packageUrl": "pkg:oci/web@sha256%3A" + "c" * 64,
               "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": "b" * 64}]}  # fmt: skip
    document = {"type": "SpdxDocument", "spdxId": "urn:d", "creationInfo": "_:c", "rootElement": ["urn:a"]}
    found = facts(spdx3(package, document))
    assert found.subjects == tuple("sha256:" + letter * 64 for letter in "bc")
    assert found.packages[0].purl == "pkg:oci/web@sha256:" + "c" * 64


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (spdx3({"type": "software_Package", "creationInfo": "_:c", "name": "x"}), "evidence.schema."),
        (spdx3({"type": "nonsense"}), "evidence.schema."),
        (b'{"@context":"https://spdx.org/rdf/3.0.0/spdx-context.jsonld","@graph":[]}', "evidence.version_unsupported"),
        (b'{"@context":"https://spdx.org/rdf/elsewhere","@graph":[]}', "evidence.version_unsupported"),
    ],
)
def test_bad_spdx_3_is_refused(data, wanted):
    assert all(code.startswith(wanted) for _, code in refused(data))


def test_licences_of_spdx_3_that_hold_each_other_say_nothing():
    def set_of(name, *members):
        return {"type": "expandedlicensing_ConjunctiveLicenseSet", "spdxId": name, "creationInfo": "_:c",
                "expandedlicensing_member": list(members)}  # fmt: skip

    package = {"type": "software_Package", "spdxId": "urn:a", "creationInfo": "_:c", "name": "a"}
    relation = {"type": "Relationship", "spdxId": "urn:r", "creationInfo": "_:c", "from": "urn:a",
                "relationshipType": "hasDeclaredLicense", "to": ["urn:l0"]}  # fmt: skip
    doubled = [set_of(f"urn:l{at}", f"urn:l{at + 1}", f"urn:l{at + 1}") for at in range(40)]
    found = facts(spdx3(package, relation, *doubled, set_of("urn:l40", "urn:l0", "https://spdx.org/licenses/MIT")))
    assert found.packages[0].licenses == ()
    deep = [set_of(f"urn:l{at}", f"urn:l{at + 1}", "https://spdx.org/licenses/MIT") for at in range(2000)]
    with pytest.raises(DocumentUnreadable):
        facts(spdx3(package, relation, *deep))


@pytest.mark.parametrize(
    "name",
    [
        "SPDXTagExample-v2.3.spdx",
        "SPDXRdfExample-v2.2.spdx.rdf.xml",
        "dataset__example01__spdx3.0__example01.spdx3.json",
    ],
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4)), min_size=1, max_size=4))
def test_a_document_with_other_bytes_in_it_is_read_or_refused(name, change):
    data = bytearray((DATA / name).read_bytes()[:6000] if name.endswith(".spdx") else (DATA / name).read_bytes())
    for at, value in change:
        place = at % len(data)
        data[place : place + max(1, len(value))] = value
    with contextlib.suppress(Refused, DocumentUnreadable):
        facts(bytes(data))
