"""Facts say what documents say: packages with their places, claims with their places, who built what."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cas import jcs
from cas.adapters.memory import MemoryStore
from cas.records.evidence import AttestationFacts, NormaliseInput, SbomFacts, VexFacts
from cas.store import save
from pipeline.formats.instant import instant
from pipeline.formats.problems import DocumentUnreadable
from pipeline.stage import advance
from pipeline.stages.normalise import NORMALISE
from tests.support import evidence

DATA = Path(__file__).parents[2] / "data"
ROOT = Path(__file__).parents[3]


def facts(data):
    return evidence.facts_of(MemoryStore(), data).record


def resolve(document, pointer):
    for step in pointer.split("/")[1:]:
        document = document[int(step) if isinstance(document, list) else step.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("name", sorted(evidence.sboms()))
def test_every_package_points_to_its_place(name):
    document = json.loads(evidence.sbom(name))
    found = facts(evidence.sbom(name))
    assert isinstance(found, SbomFacts)
    for package in found.packages:
        there = resolve(document, package.pointer)
        assert package.name.endswith(there["name"])
        assert package.version in (there.get("version", ""), there.get("versionInfo", ""), "")
    listed = document.get("components") or document.get("packages") or []
    assert len(found.packages) >= len(listed)


@pytest.mark.parametrize("name", sorted(evidence.sboms()))
def test_packages_are_sorted_and_bytes_are_canonical(name):
    store = MemoryStore()
    done = evidence.facts_of(store, evidence.sbom(name))
    keys = [(each.purl, each.name, each.version, each.ref, each.pointer) for each in done.record.packages]
    assert keys == sorted(keys)
    assert jcs.canonical(store.get(done.digest)) == store.get(done.digest)


def test_one_image_in_two_formats_has_the_same_packages():
    left = {each.purl for each in facts(evidence.sbom("pair-alpine/alpine.cdx-1.4.json")).packages if each.purl}
    right = {each.purl for each in facts(evidence.sbom("pair-alpine/alpine.spdx-2.2.json")).packages if each.purl}
    assert left == right
    assert left


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("composer-alpine.cdx-1.4.json", "810e2e447331c424b4b5a6f00f792a7f65ff634a37cbeea1c8d3b067d8a88891"),
        (
            "redhat-multiarch/container-amd64-rpm-go-pypi.cdx-1.6.json",
            "601cc46bdc24d6c432f51ce4aa8745d1a18ff07e2b0a1bb8ecad6bc091e98285",
        ),
        (
            "redhat-multiarch/container-index.cdx-1.6.json",
            "4e1a8039dfcd2a1ae7672d99be63777b42f9fad3baca5e9273653b447ae72fe8",
        ),
    ],
)
def test_the_described_image_is_named_by_digest(name, subject):
    assert facts(evidence.sbom(name)).subjects == (f"sha256:{subject}",)


def test_layers_are_not_taken_for_the_described_image():
    found = facts(evidence.sbom("fluentd-debian10-gems.cdx-1.7.json"))
    document = json.loads(evidence.sbom("fluentd-debian10-gems.cdx-1.7.json"))
    properties = document["metadata"]["component"]["properties"]
    layers = {each["value"] for each in properties if each["name"].endswith("DiffID")}
    assert layers
    assert not layers & set(found.subjects)
    assert found.subjects == tuple(each["value"] for each in properties if each["name"].endswith("ImageID"))


def test_spdx_names_the_image_it_describes():
    document = {
        "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "x", "dataLicense": "CC0-1.0",
        "documentNamespace": "https://x.example/1",
        "creationInfo": {"created": "2024-01-01T00:00:00Z", "creators": ["Tool: t-1"]},
        "packages": [
            {"SPDXID": "SPDXRef-root", "name": "web", "downloadLocation": "NONE", "versionInfo": "sha256:" + "a" * 64,
             "checksums": [{"algorithm": "SHA256", "checksumValue": "b" * 64}],
             "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:oci/web@sha256%3A" + "c" * 64 + "?arch=amd64"}]},
            {"SPDXID": "SPDXRef-other", "name": "lib", "downloadLocation": "NONE", "checksums": [{"algorithm": "SHA256", "checksumValue": "d" * 64}],
             "sourceInfo": "built package from: apt 1.8.2"},
        ],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-root"},
            {"spdxElementId": "SPDXRef-other", "relationshipType": "CONTAINED_BY", "relatedSpdxElement": "SPDXRef-root"},
        ],
    }  # fmt: skip
    found = facts(json.dumps(document).encode())
    assert found.subjects == tuple("sha256:" + letter * 64 for letter in "abc")
    assert found.depends == (("SPDXRef-root", "SPDXRef-other"),)
    assert found.tools == ("t-1",)
    assert [each.source for each in found.packages if each.name == "lib"] == ["apt@1.8.2"]


def test_nested_components_are_found_with_their_place():
    inner = {
        "type": "library",
        "name": "b",
        "version": "2",
        "purl": "pkg:npm/b@2",
        "hashes": [{"alg": "SHA-256", "content": "AB" * 32}],
    }
    outer = {
        "type": "library",
        "group": "g",
        "name": "a",
        "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "A"}}],
        "components": [inner],
    }
    found = facts(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [outer]}).encode())
    assert [(each.name, each.pointer) for each in found.packages] == [
        ("g/a", "/components/0"),
        ("b", "/components/0/components/0"),
    ]
    assert found.packages[1].hashes == (("sha256", "ab" * 32),)
    assert found.packages[0].licenses == ("A", "MIT")


def test_trivy_names_source_packages_in_properties():
    found = {each.name: each.source for each in facts(evidence.sbom("fluentd-debian10-gems.cdx-1.7.json")).packages}
    assert found["libapt-pkg5.0"] == "apt@1.8.2"
    assert found["sed"] == "sed@4.7-1"


@pytest.mark.parametrize("path", sorted((DATA / "openvex").glob("*.json")), ids=lambda path: path.stem)
def test_every_claim_points_to_its_place(path):
    document = json.loads(path.read_text())
    found = facts(path.read_bytes())
    assert isinstance(found, VexFacts)
    assert len(found.statements) == len(document["statements"])
    for statement in found.statements:
        there = resolve(document, statement.pointer)
        assert statement.vulnerability == there["vulnerability"]["name"]
        assert statement.status == there["status"]
        assert len(statement.products) == len(there["products"])
        assert statement.issued_at


def test_a_claim_keeps_products_subcomponents_and_names():
    found = facts((DATA / "openvex" / "k3s-io-kine.openvex.json").read_bytes())
    first = found.statements[0]
    assert first.vulnerability == "GO-2024-3321"
    assert first.aliases == ("CVE-2024-45337", "GHSA-v778-237x-gjrc")
    assert first.products[0].id == "pkg:golang/github.com/k3s-io/kine"
    assert "pkg:golang/golang.org/x/crypto@v0.27.0" in first.products[0].components
    assert first.issued_at == "2025-04-16T23:05:03Z"


def test_vex_names_images_by_id_purl_and_hash():
    from pipeline.formats.openvex import subjects

    products = [
        {"@id": "pkg:oci/web@sha256%3A" + "a" * 64},
        {"@id": "web", "identifiers": {"purl": "pkg:oci/web@sha256:" + "b" * 64 + "?arch=amd64"}},
        {"@id": "api", "hashes": {"sha-256": "c" * 64}},
        {"@id": "pkg:npm/left-pad@1"},
    ]
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://x.example/1", "author": "a", "timestamp": "2024-01-01T00:00:00+02:00", "version": 1,
        "statements": [{"vulnerability": {"name": "CVE-1"}, "products": products, "status": "fixed"}],
    }  # fmt: skip
    found = facts(json.dumps(document).encode())
    assert subjects(found) == tuple("sha256:" + letter * 64 for letter in "abc")
    assert found.issued_at == "2023-12-31T22:00:00Z"


@pytest.mark.parametrize(
    ("name", "builder", "build_type", "source", "source_digest"),
    [
        ("slsa-v0.2-spec-example", "mailto:person@example.com", "https://example.com/Makefile", "https://example.com/example-1.2.3.tar.gz", "sha256:0bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284"),
        ("slsa-provenance-v1.statement-v1", "https://github.com/loosebazooka/aa-test/.github/workflows/provenance.yaml@refs/heads/main", "https://actions.github.io/buildtypes/workflow/v1", "git+https://github.com/loosebazooka/aa-test@refs/heads/main", "gitCommit:a9cd7bf0bbfd5732800b8196ce893ae9915b1e87"),
    ],
)  # fmt: skip
def test_provenance_says_who_built_what_from_where(name, builder, build_type, source, source_digest):
    found = facts((DATA / "in_toto" / "statements" / f"{name}.json").read_bytes())
    assert isinstance(found, AttestationFacts)
    assert (found.builder, found.build_type, found.source, found.source_digest) == (
        builder,
        build_type,
        source,
        source_digest,
    )
    assert found.subjects


def test_times_of_provenance_are_instants():
    found = facts((DATA / "in_toto" / "statements" / "konflux-slsa-v0.2.json").read_bytes())
    assert found.started_at.endswith("Z")
    assert found.started_at < found.finished_at


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-07-12T17:54:37.399069972-03:00", "2024-07-12T20:54:37Z"),
        ("2022-10-20T15:55:54-04:00", "2022-10-20T19:55:54Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2024-02-30T00:00:00Z", ""),
        ("2024-01-01T00:00:00", ""),
        ("0001-01-01T00:00:00+05:00", ""),
        ("", ""),
        ("now", ""),
    ],
)
def test_foreign_times_become_instants_or_nothing(text, wanted):
    assert instant(text) == wanted


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (b'{"bomFormat":"CycloneDX","components":7}', "cyclonedx-json/1.6"),
        (
            b'{"bomFormat":"CycloneDX","components":[{"properties":[7],"name":"aquasecurity:trivy:SrcName"}]}',
            "cyclonedx-json/1.6",
        ),
        (b'{"packages":{}}', "spdx-json/2.3"),
        (b'{"statements":[{"status":"fine"}]}', "openvex/0.2.0"),
        (b"nonsense", "in-toto/1"),
        (b'{"predicateType":"https://slsa.dev/provenance/v1","predicate":[]}', "in-toto/1"),
        (b"{}", "csv/1"),
        (b"{}", "cyclonedx-json/9"),
        (b"{}", "osv/1"),
    ],
)
def test_what_cannot_be_read_is_a_problem_not_a_traceback(data, format_):
    store = MemoryStore()
    question = save(store, NormaliseInput(raw=store.put(data), format=format_))
    if b"SrcName" in data:
        assert advance(NORMALISE, question, store).record.packages  # properties are read only where they name a source
        return
    with pytest.raises(DocumentUnreadable) as caught:
        advance(NORMALISE, question, store)
    assert caught.value.code == "evidence.unreadable"


def test_a_sbom_of_ten_thousand_components_stays_within_200_mb(tmp_path):
    document = json.loads(evidence.sbom("python-debian11.cdx-1.4.json"))
    once = document["components"]
    document["components"] = [
        {**each, "bom-ref": f"{at}-{place}"} for at in range(24) for place, each in enumerate(once)
    ][:10_000]
    path = tmp_path / "big.json"
    path.write_text(json.dumps(document))
    assert path.stat().st_size > 15 << 20
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from pipeline.operations.ingest import Submission, submit
        from tests.support.world import ALICE, World
        world = World()
        data = Path(sys.argv[1]).read_bytes()
        (receipt,) = submit(world.effects(), ALICE, [Submission(data)]).receipts
        assert receipt.type == "sbom"
        # not ru_maxrss, which a new program inherits from the process that started it
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(int(peak.split()[1]) // 1024)
    """)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    print(ran.stdout)
    assert int(ran.stdout) < 200
