"""The orders that match/2 goes by: every ecosystem of the OSV schema, vectors, libraries as oracles, their own laws."""

import itertools
import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from univers.versions import ComposerVersion, NugetVersion

from pipeline.versions.catalog import ECOSYSTEMS as FIRST
from pipeline.versions.catalog import scheme_of
from pipeline.versions.orders import ECOSYSTEMS, ORDERS, UNORDERED, inner, order_of
from pipeline.versions.scheme import VersionInvalidError

VECTORS = Path(__file__).parents[2] / "data" / "versions"
SCHEMA = Path(__file__).parents[3] / "pipeline" / "formats" / "schemas" / "osv-schema.json"
BY_NAME = {scheme.name: scheme for scheme in ORDERS}


def sign(left, right):
    return (right < left) - (left < right)


def compare(ecosystem, left, right):
    order = (BY_NAME.get(ecosystem) or order_of(ecosystem)).sort
    return sign(order(left), order(right))


def test_every_ecosystem_of_the_osv_schema_has_an_order_or_is_known_to_have_none():
    known = msgspec.json.decode(SCHEMA.read_bytes())["$defs"]["ecosystemName"]["enum"]
    assert len(known) > 40
    rebuilt = {"Docker Hardened Images", "Root", "TuxCare"}  # order of what they rebuild
    assert [name for name in known if order_of(name) is None and name not in {*UNORDERED, *rebuilt}] == []
    assert {name for name, _ in ECOSYSTEMS} | set(UNORDERED) | rebuilt == set(known)
    assert all(order_of(f"{name}:npm") is not None for name in ("Root", "TuxCare", "Echo"))


def test_an_order_of_the_first_table_stays_what_it_was():
    for ecosystem, _ in FIRST:
        assert order_of(ecosystem).name == scheme_of(ecosystem).name


def nuget():
    return json.loads((VECTORS / "nuget_version_cmp.dev.json").read_text())


@pytest.mark.parametrize("case", nuget())
def test_nuget_vectors_hold(case):
    given_, wanted = case["input"]["versions"], case["expected_output"]
    keys = [BY_NAME["nuget"].sort(text) for text in given_]
    if case["test_type"] == "equality":
        assert (len(set(keys)) == 1) == wanted
    else:
        assert sorted(keys) == [BY_NAME["nuget"].sort(text) for text in wanted]


def packagist():
    rows = [line.split() for line in (VECTORS / "packagist.txt").read_text().splitlines()]
    return [row for row in rows if len(row) == 3 and row[0] != "//"]


def test_packagist_vectors_hold():
    assert len(packagist()) == 85
    signs = {"<": -1, "=": 0, ">": 1}
    assert [row for row in packagist() if compare("packagist", row[0], row[2]) != signs[row[1]]] == []


NUMBER = "(0|[1-9][0-9]?)"
NUGET = st.from_regex(rf"\A{NUMBER}(\.{NUMBER}){{0,3}}(-[a-zA-Z][a-z0-9]{{0,3}}(\.{NUMBER})?)?\Z")


@settings(max_examples=150, deadline=None)
@given(NUGET, NUGET)
def test_nuget_order_is_that_of_univers(left, right):
    one, other = NugetVersion(left), NugetVersion(right)
    assert compare("nuget", left, right) == (one > other) - (one < other)


COMPOSER = st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){2}(-(alpha|beta|rc)[0-9])?\Z")


@settings(max_examples=150, deadline=None)
@given(COMPOSER, COMPOSER)
def test_packagist_order_is_that_of_univers_on_full_versions(left, right):
    one, other = ComposerVersion(left), ComposerVersion(right)
    assert compare("packagist", left, right) == (one > other) - (one < other)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 120), min_size=1, max_size=4), st.lists(st.integers(0, 120), min_size=1, max_size=4))
def test_dotted_numbers_sort_as_lists_of_numbers(left, right):
    texts = [".".join(map(str, numbers)) for numbers in (left, right)]
    assert compare("numbers", *texts) == sign(left, right)


@pytest.mark.parametrize(
    ("ecosystem", "ascending"),
    [
        ("Root:npm", ["7.5.1", "7.5.2-alpha", "7.5.2", "7.5.2-root.io.1", "7.5.2-root.io.2", "7.5.3"]),
        ("Root:PyPI", ["2.31.0rc1", "2.31.0", "2.31.0+root.io.1", "2.31.0+root.io.10", "2.31.1"]),
        ("Root:Debian:12", ["8:6.9.11.60+dfsg-1.6+deb12u3", "8:6.9.11.60+dfsg-1.6+deb12u3.root.io.1"]),
        ("Root:Alpine:3.18", ["2.38.1-r8", "2.38.1-r10071", "2.38.1-r10072"]),
        ("TuxCare:Alpine:v3.16", ["1.2.3-r0", "1.2.3-r1"]),
        ("Docker Hardened Images:Debian:trixie", ["7.88.1-10", "7.88.1-10+deb13u2"]),
        ("Bitnami", ["2.4.42", "2.4.43-rc.1", "2.4.43", "2.4.43-1", "2.4.43-10", "2.4.43-r11", "2.4.44"]),
        ("Android", ["12:0", "12L:0", "12L:2023-01-05", "13:0", "13:2023-01-05", "13:2023-02-01"]),
        ("FreeBSD", ["1.2.rc1", "1.2", "1.2_1", "1.2_2", "1.10", "1.0,1"]),
        ("ConanCenter", ["1.2.3-pre", "1.2.3", "1.2.4", "1.10", "cci.20200203", "cci.20210203"]),
        ("vcpkg", ["1.2.3-rc1", "1.2.3", "1.2.3#1", "1.2.3#2", "2023-01-05", "2023-01-05#1", "2023-02-01"]),
        ("Homebrew", ["1.2.3alpha1", "1.2.3beta", "1.2.3rc1", "1.2.3", "1.2.3_1", "1.2.3p1", "1.2.3.post1", "1.2.4"]),
        ("Hackage", ["0.9", "1", "1.0", "1.0.0", "1.0.1", "1.2"]),
        ("CRAN", ["0.2", "0.9-1", "0.9-10", "1.8"]),
        ("opam", ["1.0~beta1", "1.0", "1.0.1", "4.14"]),
        ("Red Hat:enterprise_linux:8::baseos", ["1.6.0-1.module_el8.5.0+2603", "1.6.0-1.module_el8.5.0+2604"]),
        ("Debian:11", ["2.0-1~bpo11+1", "2.0-1", "2.0-1+deb11u1", "2.0-1+deb11u10", "2.0-2"]),
        ("Maven", ["4.1.108.Final", "4.1.108.Final-redhat-00001", "4.1.109.Final"]),
        ("Go", ["v0.0.0-20200615164410-66371956d46c", "v0.0.1", "v2.0.0+incompatible", "v2.0.1"]),
        ("Packagist", ["dev-main", "1.0.0-alpha", "1.0.0-beta", "1.0.0-RC1", "1.0.0", "1.0.0-pl1", "1.0.1"]),
    ],
)
def test_known_sequences_ascend(ecosystem, ascending):
    assert [pair for pair in itertools.pairwise(ascending) if compare(ecosystem, *pair) != -1] == []


def test_homebrew_skips_a_zero_that_the_other_lacks():
    assert compare("Homebrew", "2.1.0-p194", "2.1-p194") == 0
    assert compare("Homebrew", "1.0", "1") == 0


def test_rebuilds_are_those_of_the_ecosystem_named():
    assert inner("Root:Debian:12") == "Debian:12"
    assert inner("TuxCare:npm") == "npm"
    assert inner("Root:Unheard Of") == "Root:Unheard Of"
    assert inner("Debian:12") == "Debian:12"
    assert order_of("Root:Unheard Of") is None


@settings(deadline=None)
@given(st.sampled_from([scheme for scheme in ORDERS if scheme.exact]), st.text(max_size=20))
def test_no_text_breaks_an_order(scheme, text):
    key = scheme.key(text)
    assert re.fullmatch("([0-9a-f]{2})*", key)


@settings(deadline=None)
@given(st.sampled_from([scheme for scheme in ORDERS if not scheme.exact]), st.text(max_size=20))
def test_no_text_breaks_an_order_of_pairs(scheme, text):
    try:
        parsed = scheme.sort(text)
    except VersionInvalidError:
        return
    assert not parsed < parsed


@pytest.mark.parametrize("scheme", ORDERS, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("text", ["", " ", "1" * 2000, "1.é", "\x00"])
def test_what_is_no_version_has_no_place(scheme, text):
    with pytest.raises(VersionInvalidError):
        scheme.sort(text)
