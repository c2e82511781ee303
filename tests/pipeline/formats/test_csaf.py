"""CSAF 2.0: every mandatory test refuses what it must and nothing else; statuses reach products through the tree."""

import copy
import json
from pathlib import Path

import pytest

from cas.adapters.memory import MemoryStore
from pipeline.formats import csaf
from pipeline.formats.csaf_profiles import weaknesses
from pipeline.formats.opened import Refused, open_document
from tests.support.evidence import facts_of

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "cases" / "csaf" / "mandatory.json").read_text(encoding="utf-8"))
DATA = ROOT / "data" / "csaf"


def patched(patch):
    document = copy.deepcopy(CASES["valid"])
    for pointer, value in patch.items():
        *path, last = pointer.split("/")[1:]
        holder = document
        for step in path:
            holder = holder[int(step) if isinstance(holder, list) else step]
        if isinstance(holder, list):
            holder[int(last) : int(last) + 1] = [value]
        elif value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
    return json.dumps(document).encode()


def codes(data):
    try:
        open_document(data, "")
    except Refused as refused:
        return {fault.code: fault for fault in refused.faults if fault.code != "evidence.holds_nothing"}
    return {}


def listed(which):
    return [
        pytest.param(case["test"], patch, id=f"{case['test']}-{number}")
        for case in CASES["tests"]
        for number, patch in enumerate(case[which])
    ]


@pytest.mark.parametrize(("test", "patch"), listed("invalid"))
def test_a_document_that_breaks_a_mandatory_test_is_refused_with_its_number(test, patch):
    found = codes(patched(patch))
    assert f"evidence.csaf.{test}" in found
    assert found[f"evidence.csaf.{test}"].message


@pytest.mark.parametrize(("test", "patch"), listed("valid"))
def test_a_document_that_comes_close_is_taken(test, patch):
    assert codes(patched(patch)) == {}, test


def test_every_mandatory_test_has_cases_and_is_asked():
    numbers = [number for number, _ in csaf.TESTS]
    assert [case["test"] for case in CASES["tests"]] == numbers
    plain = {f"6.1.{number}" for number in range(1, 34) if number != 27}
    assert set(numbers) == plain | {f"6.1.27.{number}" for number in range(1, 12)}
    assert all(case["invalid"] and case["valid"] for case in CASES["tests"])


REFUSED = {
    "oasis-csaf_informational_advisory.json": "evidence.holds_nothing",
    "oasis-csaf_vex_v0.2.1.json": "evidence.version_unsupported",  # it is CSAF 2.1
    "redhat-cve-2023-1370.vex.json": "evidence.csaf.6.1.16",  # version 1, last revision 2
    "redhat-cve-2023-20862.vex.json": "evidence.csaf.6.1.16",
}


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.name)
def test_real_documents_are_taken_or_refused_rightly(path):
    if path.name in REFUSED:
        with pytest.raises(Refused) as caught:
            open_document(path.read_bytes(), "")
        assert {fault.code for fault in caught.value.faults} == {REFUSED[path.name]}
        return
    document = json.loads(path.read_bytes())
    facts = facts_of(MemoryStore(), path.read_bytes()).record
    assert facts.author.endswith(f"<{document['document']['publisher']['namespace']}>")
    stated = [
        len(products)
        for vulnerability in document["vulnerabilities"]
        for key, products in vulnerability["product_status"].items()
        if key != "recommended"
    ]
    assert sum(len(statement.products) for statement in facts.statements) == sum(stated)
    pointers = [statement.pointer for statement in facts.statements]
    assert len(set(pointers)) == len(pointers)


def statements(patch):
    facts = facts_of(MemoryStore(), patched(patch)).record
    return {(one.vulnerability, one.status): one for one in facts.statements}


def test_a_relationship_is_a_component_in_a_product():
    (product,) = statements({})["CVE-2026-0001", "not_affected"].products
    assert product.id == "pkg:oci/web@sha256:" + "a" * 64
    assert product.components == ("pkg:npm/lib@1.0.0",)
    assert ("sha256", "b" * 64) in product.hashes


def test_flags_threats_and_remediations_become_words():
    found = statements(
        {
            "/vulnerabilities/0/threats": [
                {"category": "impact", "details": "Not called.", "product_ids": ["LIB-IN-WEB-1"]},
                {"category": "impact", "details": "Said of all."},
            ]
        }
    )
    closing = found["CVE-2026-0001", "not_affected"]
    assert closing.justification == "vulnerable_code_not_in_execute_path"
    assert closing.impact == "Not called.\nSaid of all."
    assert found["CVE-2026-0001", "affected"].action == "vendor_fix: Take 3.0"
    assert found["CVE-2026-0001", "fixed"].action == ""
    assert ("CVE-2026-0002", "under_investigation") in found


def test_products_without_an_identity_mean_no_image():
    (product,) = statements({})["CVE-2026-0001", "affected"].products
    assert product.id == "urn:csaf:product:WEB-2"
    assert product.identifiers == (("name", "Web 2.0"),)


def test_a_component_deep_inside_is_the_innermost_in_the_outermost():
    inner = {
        "category": "installed_on",
        "product_reference": "LIB-IN-WEB-1",
        "relates_to_product_reference": "OTHER",
        "full_product_name": {"name": "x", "product_id": "DEEP"},
    }
    found = statements(
        {
            "/product_tree/relationships/1": inner,
            "/product_tree/full_product_names/1/product_identification_helper": {"cpe": "cpe:/o:x:other:1"},
            "/vulnerabilities/0/product_status/fixed": ["DEEP"],
        }
    )
    (product,) = found["CVE-2026-0001", "fixed"].products
    assert product.components == ("pkg:npm/lib@1.0.0",)
    assert product.identifiers == (("cpe22", "cpe:/o:x:other:1"), ("name", "Other"))


def test_every_identification_helper_is_kept():
    helper = {
        "purl": "pkg:npm/lib@1.0.0",
        "cpe": "cpe:2.3:a:x:lib:1.0:*:*:*:*:*:*:*",
        "sbom_urls": ["https://x.example/sbom"],
        "x_generic_uris": [{"namespace": "https://x.example/", "uri": "https://x.example/lib#SPDXRef-1"}],
        "model_numbers": ["M1"],
        "serial_numbers": ["S1"],
        "skus": ["K1"],
    }
    found = statements(
        {
            "/product_tree/full_product_names/0/product_identification_helper": helper,
            "/vulnerabilities/0/product_status/fixed": ["LIB"],
        }
    )
    (product,) = found["CVE-2026-0001", "fixed"].products
    assert dict(product.identifiers) == {
        "purl": "pkg:npm/lib@1.0.0",
        "cpe23": helper["cpe"],
        "sbom": "https://x.example/sbom",
        "uri": "https://x.example/lib#SPDXRef-1",
        "model": "M1",
        "serial": "S1",
        "sku": "K1",
        "name": "Library",
    }


def test_a_loop_of_relationships_ends_even_where_nothing_checked_it():
    loop = json.loads(patched({"/product_tree/relationships/0/relates_to_product_reference": "LIB-IN-WEB-1"}))
    assert csaf.read(json.dumps(loop).encode(), "2.0").statements


def test_the_weaknesses_are_complete():
    assert len(weaknesses()) == 963
    assert "Improper Input Validation" in weaknesses()[20]
