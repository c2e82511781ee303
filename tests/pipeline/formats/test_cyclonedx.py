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

from pipeline.formats import xml, xsd
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
