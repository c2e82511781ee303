"""Scans with the real generator: what is found, how it was made, and that the same can be found again."""

import json
from pathlib import Path

import pytest

from cas import canon, digest
from cas.problems import Problem
from pipeline.adapters import syft
from pipeline.adapters.oci_layout_source import OciLayoutSource
from pipeline.adapters.syft import Syft
from pipeline.attest import statements
from pipeline.formats.catalog import named
from pipeline.formats.opened import open_document
from pipeline.images import PlatformMissing
from pipeline.operations import scan
from pipeline.operations.images import BytesMismatch
from pipeline.operations.sboms import SbomUnreadable
from tests.support.images import Layout

APK = b"P:busybox\nV:1.35.0-r17\nA:x86_64\nL:GPL-2.0-only\no:busybox\n\nP:zlib\nV:1.2.12-r3\nA:x86_64\no:zlib\n\n"
LOCK = {
    "name": "web", "version": "1.0.0", "lockfileVersion": 3,
    "packages": {
        "": {"name": "web", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}},
        "node_modules/left-pad": {"version": "1.3.0", "license": "WTFPL"},
        "node_modules/@scope/thing": {"version": "2.0.1", "license": "MIT"},
    },
}  # fmt: skip


def files():
    return {"etc/os-release": b'ID=alpine\nVERSION_ID=3.16.2\nNAME="Alpine Linux"\n', "lib/apk/db/installed": APK}


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    (folder / "requirements.txt").write_text("requests==2.31.0\nDjango==4.2.1\n")
    return folder


@pytest.fixture
def layout(tmp_path):
    made = Layout()
    amd, arm = made.image(files()), made.image(files(), platform="linux/arm64")
    made.name("web:1", made.index(amd, arm, made.attestation(amd)))
    return made.write(tmp_path / "layout"), amd["digest"], arm["digest"]


def sources(location):
    assert location.startswith("oci:"), "nothing but the layout is asked"
    return OciLayoutSource(Path(location[4:]))


def asked(source, form="cyclonedx-json", **others):
    return scan.scan(Syft(), sources, str(source), form=form, **others)


def found(facts):
    return {(each.purl.partition("?")[0], each.version) for each in facts.packages if each.purl}


def pretended(project, form="cyclonedx-json"):
    return scan.scan(Pretending(), sources, str(project), form=form)


class Pretending:
    """A generator without a program: it lists the lines of requirements.txt, in two formats."""

    tool = ("pretender", "1.0")

    def configuration(self):
        return "catalogers: one"

    def arguments(self, kind, name, version, form):
        return ("scan", kind, name, version, "--output", form)

    def generate(self, arguments, path):
        names = [line.split("==") for line in (Path(path) / "requirements.txt").read_text().split()]
        purls = [(name, version, f"pkg:pypi/{name}@{version}") for name, version in names]
        if arguments[-1] == "spdx-json":
            packages = [
                {"SPDXID": f"SPDXRef-{at}", "name": name, "versionInfo": version, "downloadLocation": "NONE",
                 "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text}]}
                for at, (name, version, text) in enumerate(purls)
            ]  # fmt: skip
            made = {"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "x", "dataLicense": "CC0-1.0",
                    "documentNamespace": "https://x.example/1", "packages": packages,
                    "creationInfo": {"created": "2024-01-01T00:00:00Z", "creators": ["Tool: pretender"]}}  # fmt: skip
        else:
            made = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
                {"type": "library", "name": name, "version": version, "purl": text} for name, version, text in purls
            ]}  # fmt: skip
        return json.dumps(made).encode() + b"\n"


def test_a_directory_is_scanned_by_the_real_generator_and_links_lead_out_of_none(project, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "requirements.txt").write_text("secret-thing==1.0\n")
    (project / "link").symlink_to(outside)
    (project / "nested").mkdir()
    (project / "nested" / "requirements.txt").symlink_to(outside / "requirements.txt")
    made = asked(project, "spdx-tag-value")
    assert {("pkg:npm/left-pad@1.3.0", "1.3.0"), ("pkg:npm/%40scope/thing@2.0.1", "2.0.1")} <= found(made.facts)
    assert not [name for name, _ in found(made.facts) if "secret" in name]
    assert (made.run.subject, made.run.source_kind, made.run.tool) == ("", "directory", "syft")
    assert made.run.format == "spdx-tag-value/2.3"
    assert made.run.tool_version in made.data.decode()
    assert "catalogers" in made.run.configuration


def test_an_image_of_a_layout_is_named_by_its_digest_and_platform(layout):
    root, _, arm = layout
    made = asked(f"oci:{root}:web:1", platform="linux/arm64")
    assert made.facts.subjects == (arm,)
    assert (made.run.subject, made.run.platform, made.run.source_kind) == (arm, "linux/arm64", "image")
    assert {
        ("pkg:apk/alpine/busybox@1.35.0-r17", "1.35.0-r17"),
        ("pkg:apk/alpine/zlib@1.2.12-r3", "1.2.12-r3"),
    } <= found(made.facts)
    assert made.run.sbom == digest.of_bytes(made.data)


def test_a_platform_must_be_named_where_there_are_several(layout):
    with pytest.raises(PlatformMissing) as caught:
        asked(layout[0])
    assert "linux/amd64, linux/arm64" in caught.value.detail()


def test_a_layer_that_is_not_what_its_digest_says_is_never_scanned(layout):
    root, amd, _ = layout
    manifest = json.loads((root / "blobs" / "sha256" / amd[7:]).read_bytes())
    layer = root / "blobs" / "sha256" / manifest["layers"][0]["digest"][7:]
    data = bytearray(layer.read_bytes())
    data[-1] ^= 1
    layer.write_bytes(data)
    with pytest.raises(BytesMismatch):
        asked(root, platform="linux/amd64")


def test_a_scan_is_told_in_a_statement_and_can_be_done_again(project):
    made = pretended(project)
    payload = scan.statement(made.run, "sha256:" + "1" * 64)
    said = statements.parse(payload)
    assert said.subjects == ((str(project), "sha256:" + "1" * 64),)
    assert said.predicate_type.endswith("/scan/v1")
    assert scan.run_of(payload) == made.run
    assert open_document(payload).name == "in-toto/1"
    assert made.run.sbom == digest.of_bytes(made.data.strip())
    again = pretended(project, scan.form_of(made.run))
    assert scan.compare(made.facts, again, made.run) == scan.Comparison((), (), ())
    (project / "requirements.txt").write_text("requests==2.32.0\nDjango==4.2.1\n")
    changed = scan.compare(made.facts, pretended(project, "spdx-json"), made.run)
    assert not changed.same
    assert changed.added == (("pkg:pypi/requests@2.32.0", "2.32.0"),)
    assert changed.removed == (("pkg:pypi/requests@2.31.0", "2.31.0"),)
    assert {name for name, _, _ in changed.settings} == {"format", "arguments"}


def test_a_run_is_a_record_and_a_statement_of_something_else_is_no_run(project):
    payload = statements.build("scan", "sha256:" + "2" * 64, "scan_run/1", [("x", "sha256:" + "1" * 64)])
    assert scan.run_of(payload) is None
    assert scan.run_of(b"{}") is None
    assert canon.of_record(pretended(project).run).startswith(b'{"arguments":')


@pytest.mark.parametrize("source", ["./nowhere", "oci:/nowhere:x:1", "NOT/a:Reference:", "oci:/nowhere"])
def test_what_is_not_there_is_told(source):
    with pytest.raises(scan.ScanSourceMissing):
        asked(source)


def test_a_format_that_nobody_writes_is_told(project):
    with pytest.raises(syft.ScanFormatUnknown):
        asked(project, "syft-table")


def test_a_missing_generator_is_told_with_what_to_install(project, monkeypatch):
    monkeypatch.setattr(syft, "PACKAGE", "no-such-distribution")
    with pytest.raises(syft.GeneratorMissing) as caught:
        asked(project)
    assert "stella-release[scan]" in caught.value.remedy


def test_a_generator_that_never_ends_is_ended(project):
    with pytest.raises(syft.ScanFailed) as caught:
        scan.scan(Syft(deadline=0.01), sources, str(project), form="cyclonedx-json")
    assert "not finished" in caught.value.detail()


class Lying(Pretending):
    """A generator whose document is none."""

    def generate(self, arguments, path):
        return b'{"not": "an SBOM"}'


def test_what_a_generator_makes_is_read_before_anything_is_done_with_it(project):
    with pytest.raises(SbomUnreadable):
        scan.scan(Lying(), sources, str(project), form="x")


def test_syft_writes_only_formats_that_are_read(project):
    known = {each.partition("@")[0] for each in syft.FORMATS}
    assert all(named(each) is not None for each in known)
    assert issubclass(syft.ScanFailed, Problem)
