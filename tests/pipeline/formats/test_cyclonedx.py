"""CycloneDX 1.2 to 1.7: every sample of the specification is judged as named; XML says what JSON says."""

import functools
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import msgspec
import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from pipeline.formats import pieces, xml, xsd
from pipeline.formats.catalog import FORMATS, named
from pipeline.formats.opened import Refused, open_document
from pipeline.stages import normalise
from tests.support import evidence

DATA = Path(__file__).parents[2] / "data" / "cyclonedx"
WRITABLE = [getattr(SchemaVersion, f"V1_{minor}") for minor in range(2, 8)]


@functools.cache
def samples():
    with tarfile.open(DATA / "samples.tar.xz") as archive:
        return {name: archive.extractfile(name).read() for name in archive.getnames()}


def judged(data):
    try:
        return open_document(data).name, []
    except Refused as refusal:
        return "", [(each.pointer, each.code) for each in refusal.faults]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7"])
def test_every_sample_of_the_specification_is_judged_as_named(version):
    counted = 0
    for path, data in samples().items():
        folder, name = path.split("/")
        if folder != version:
            continue
        taken, codes = judged(data)
        kind = "xml" if name.endswith(".xml") else "json"
        if version in {"1.0", "1.1"}:
            assert codes == [("", "evidence.version_unsupported")], path
        elif name.startswith("valid-"):
            assert taken == f"cyclonedx-{kind}/{version}", (path, codes)
        else:
            assert codes, path
            assert all(
                code.startswith(("evidence.schema.", "evidence.format_", "evidence.version_")) for _, code in codes
            )
        counted += 1
    assert counted >= {"1.0": 2, "1.1": 29}.get(version, 89)


def resolve(root, place):
    """Follow a place as we write it: ``/bom/components/component[2]``."""
    at = root
    for step in place.split("/")[2:]:
        name, _, number = step.rstrip("]").partition("[")
        at = [each for each in at if xml.local(each) == name][int(number or 1) - 1]
    return at


def facts(data):
    opened = open_document(data)
    return named(opened.name.partition("/")[0]).read(data, opened.version)


def told(found, *, places=False):
    """Give facts without what must differ: how the document is written, and the blanks that XML folds."""
    plain = msgspec.to_builtins(found)
    assert plain.pop("format")
    for package in plain["packages"]:
        assert places or package.pop("pointer")
    return json.loads(" ".join(msgspec.json.encode(plain).decode().replace("\\n", " ").split()))


def with_references(value, path="r"):
    """Give every component a reference: the writer would make one by chance."""
    if isinstance(value, dict):
        if "name" in value and "type" in value and "components" in path:
            value.setdefault("bom-ref", path)
        for key, inner in value.items():
            with_references(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            with_references(inner, f"{path}/{at}")
    return value


SPOKEN = [
    "1.6/valid-assembly-1.6.json",
    "1.6/valid-component-hashes-1.6.json",
    "1.6/valid-dependency-1.6.json",
    "1.6/valid-license-expression-1.6.json",
    "1.6/valid-license-id-1.6.json",
    "1.6/valid-license-name-1.6.json",
    "1.6/valid-metadata-tool-1.6.json",
    "1.6/valid-metadata-tool-deprecated-1.6.json",
    "1.6/valid-properties-1.6.json",
    "pair-alpine/alpine.cdx-1.4.json",
]


@pytest.mark.filterwarnings("ignore:.*deprecated", "ignore:.*dependencies")  # the writer's views on style
@pytest.mark.parametrize("name", SPOKEN)
def test_xml_says_what_the_json_of_the_same_bom_says(name):
    given = evidence.sboms().get(name) or samples()[name]
    bom = Bom.from_json(with_references(json.loads(given)))
    for version in WRITABLE:
        left, right = (
            make_outputter(bom, kind, version).output_as_string().encode()
            for kind in (OutputFormat.JSON, OutputFormat.XML)
        )
        said = told(facts(right))
        assert said == told(facts(left)), version
        assert said["packages"] or "tool" in name


def test_every_component_of_xml_points_to_its_place():
    data = samples()["1.6/valid-assembly-1.6.xml"]
    root, found = xml.parse(data), facts(data)
    assert {each.pointer.count("/component[") for each in found.packages} == {1, 2}
    for package in found.packages:
        there = resolve(root, package.pointer)
        assert xml.text(there, "name") == package.name.rpartition("/")[2]


def test_xml_names_the_image_it_describes_and_the_source_package_of_trivy():
    document = b"""<bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79">
    <metadata><timestamp>2024-01-01T00:00:00+01:00</timestamp><component type="container" bom-ref="x"><name>web</name>
    <properties><property name="aquasecurity:trivy:ImageID">sha256:%b</property></properties></component></metadata>
    <components><component type="library" bom-ref="y"><name>libapt</name><version>1</version><properties>
    <property name="aquasecurity:trivy:SrcName">apt</property><property name="aquasecurity:trivy:SrcVersion">1.8.2</property>
    </properties></component></components></bom>""" % (b"a" * 64)
    found = facts(document)
    assert found.subjects == ("sha256:" + "a" * 64,)
    assert found.created_at == "2023-12-31T23:00:00Z"
    assert [each.source for each in found.packages] == ["apt@1.8.2"]


def test_an_xml_schema_reads_nothing_but_our_own_schemas(tmp_path):
    secret = tmp_path / "secret.xsd"
    secret.write_text("no schema at all")
    document = (
        '<bom xmlns="http://cyclonedx.org/schema/bom/1.6" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:x {secret.as_uri()}" version="1"><components/></bom>'
    )
    assert judged(document.encode())[0] == "cyclonedx-xml/1.6"


def test_a_large_number_of_xml_faults_is_bounded():
    wrong = b"<component type='no'/>" * 3000
    document = b'<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>%b</components></bom>' % wrong
    _, codes = judged(document)
    assert len(codes) == 1001
    assert codes[-1] == ("", "evidence.schema.more")


def test_the_first_faults_of_a_large_xml_document_are_told_without_places(monkeypatch):
    monkeypatch.setattr(xsd, "_WHOLE", 0)
    document = (
        b'<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>\n<component type="no"/></components></bom>'
    )
    assert ("", "evidence.schema.enum") in judged(document)[1]


def test_what_one_parser_takes_and_the_other_does_not_is_refused_without_a_traceback():
    document = b'<bom xmlns="http://cyclonedx.org/schema/bom/1.6" xmlns:x="not a uri"><components/><x:y/></bom>'
    assert not judged(document)[0] or judged(document)[1] == []
    assert next(iter(xsd.faults("bom-1.6.xsd", b"<bom"))).code.startswith("evidence.schema.")


def test_normalise_reads_with_the_format_that_the_catalog_lists_without_importing_all_of_it():
    """The most frequent format is found by a shorter way."""
    assert [normalise._named(each.name) for each in FORMATS] == [named(each.name) for each in FORMATS]
    seen = "import sys; from pipeline.stages import normalise; normalise._named('cyclonedx-json'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout.split()
    assert "pipeline.formats.cyclonedx" in loaded
    assert not {"pipeline.formats.catalog", "importlib.metadata"} & set(loaded)


def readings(data):
    opened = open_document(data)
    assert all(each.format.schema(each.version) is not None for each in opened.readings), "normalise reads each of them"
    return {each.format.name: each.format.read(opened.raw, each.version) for each in opened.readings}


def listing(**vulnerabilities):
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "web", "version": "1.4"}},
        "components": [{"type": "library", "name": "a", "bom-ref": "a", "purl": "pkg:npm/a@1.0.0"}],
        "vulnerabilities": [{"id": name.replace("_", "-"), **more} for name, more in vulnerabilities.items()],
    }


def test_a_vulnerability_that_names_nothing_affected_is_a_finding_in_what_is_described():
    document = listing(
        CVE_2024_0001={"ratings": [{"severity": "high", "score": 7.5}]},
        CVE_2024_0002={"affects": [{"ref": "a"}]},
        CVE_2024_0003={"analysis": {"state": "not_affected"}},
    )
    found = readings(json.dumps(document).encode())
    assert [each.rule for each in found["cyclonedx-vulnerabilities"].results] == ["CVE-2024-0002"]
    [one] = found["cyclonedx-unplaced"].results
    assert (one.rule, one.package, one.version, one.purl) == ("CVE-2024-0001", "web", "1.4", "")
    assert (one.severity, one.score_tenths, one.pointer) == ("high", 75, "/vulnerabilities/0")


def test_every_entry_of_a_large_document_is_asked_what_it_affects():
    many = {f"CVE_2024_{number:04}": {"affects": [{"ref": "a"}], "description": "x" * 500} for number in range(1, 9000)}
    assert "cyclonedx-unplaced" not in readings(json.dumps(listing(**many)).encode())
    data = json.dumps(listing(**many, CVE_2024_9999={})).encode()
    assert len(data) > pieces.LARGE
    found = readings(data)
    assert [each.rule for each in found["cyclonedx-unplaced"].results] == ["CVE-2024-9999"]


def test_vulnerabilities_of_xml_that_name_nothing_affected_are_findings_too():
    document = b"""<bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1"><components/>
    <vulnerabilities><vulnerability><id>CVE-2024-0001</id></vulnerability>
    <vulnerability><id>CVE-2024-0002</id><affects><target><ref>a</ref></target></affects></vulnerability>
    <vulnerability><id>CVE-2024-0003</id><analysis><state>in_triage</state></analysis></vulnerability>
    </vulnerabilities></bom>"""
    [one] = readings(document)["cyclonedx-xml-unplaced"].results
    assert (one.rule, one.pointer) == ("CVE-2024-0001", "/bom/vulnerabilities/vulnerability[1]")


EXTENDED = b"""<bom xmlns="http://cyclonedx.org/schema/bom/1.2" xmlns:v="http://cyclonedx.org/schema/ext/vulnerability/1.0"
 version="1"><metadata><timestamp>2021-03-04T11:55:50Z</timestamp><tools><tool><name>grype</name><version>0.7.0</version>
 </tool></tools></metadata><components><component type="library" bom-ref="a"><name>apt</name><version>1.8.2</version>
 <purl>pkg:deb/debian/apt@1.8.2</purl><v:vulnerabilities><v:vulnerability ref="x"><v:id>CVE-2011-3374</v:id><v:ratings>
 <v:rating><v:score><v:base>3.7</v:base></v:score><v:severity>Low</v:severity></v:rating>
 <v:rating><v:score><v:base>7.1</v:base></v:score><v:severity>High</v:severity></v:rating></v:ratings>
 <v:description>found</v:description></v:vulnerability></v:vulnerabilities></component></components>
 <v:vulnerabilities><v:vulnerability ref="a"><v:id>CVE-2020-27350</v:id></v:vulnerability>
 <v:vulnerability ref="pkg:npm/b@2.0.0"><v:id>CVE-2020-1</v:id></v:vulnerability></v:vulnerabilities></bom>"""


def test_vulnerabilities_of_the_extension_are_findings_in_their_components():
    facts = readings(EXTENDED)["cyclonedx-xml-extension"]
    assert (facts.tool, facts.tool_version, facts.created_at) == ("grype", "0.7.0", "2021-03-04T11:55:50Z")
    assert [(each.rule, each.purl, each.severity, each.score_tenths) for each in facts.results] == [
        ("CVE-2011-3374", "pkg:deb/debian/apt@1.8.2", "high", 71),
        ("CVE-2020-1", "pkg:npm/b@2.0.0", "unknown", None),
        ("CVE-2020-27350", "pkg:deb/debian/apt@1.8.2", "unknown", None),
    ]
    root = xml.parse(EXTENDED)
    for each in facts.results:
        assert xml.text(resolve(root, each.pointer), "id") == each.rule
    assert "cyclonedx-xml-extension" not in readings(EXTENDED.replace(b"ext/vulnerability/1.0", b"ext/other/1.0"))
