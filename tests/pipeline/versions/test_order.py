"""Orders of versions against their vectors, the libraries that know them, and their own laws."""

import itertools
import json
import re
from pathlib import Path

import pytest
from debian.debian_support import NativeVersion
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version
from univers.versions import RpmVersion, RubygemsVersion, SemverVersion

from pipeline.versions import rpm
from pipeline.versions.catalog import ECOSYSTEMS, SCHEMES, scheme_of
from pipeline.versions.scheme import LOWEST, VersionInvalidError

VECTORS = Path(__file__).parents[2] / "data" / "versions"
BY_NAME = {scheme.name: scheme for scheme in SCHEMES}


def sign(left, right):
    return (right < left) - (left < right)


def compare(scheme, left, right):
    order = BY_NAME[scheme].sort
    return sign(order(left), order(right))


def lines(name):
    for line in (VECTORS / name).read_text().splitlines():
        found = re.match(r"(\S+)\s*(<|>|==)\s*(\S+)$", line.strip())
        if found:
            yield found[1], {"<": -1, ">": 1, "==": 0}[found[2]], found[3]


def cases(name):
    return list(json.loads((VECTORS / name).read_text()))


def test_dpkg_agrees_on_a_thousand_real_pairs():
    rows = list(lines("deb-dpkg-1000.txt"))
    assert len(rows) == 1000
    assert [row for row in rows if compare("deb", row[0], row[2]) != row[1]] == []


@pytest.mark.parametrize("case", cases("deb_version_python_pkg_test.dev.json"))
def test_debian_vectors_sort_as_expected(case):
    versions = case["input"]["versions"]
    if case["test_type"] == "equality":
        assert (len({BY_NAME["deb"].sort(text) for text in versions}) == 1) == case["expected_output"]
    else:
        assert sorted(versions, key=BY_NAME["deb"].sort) == case["expected_output"]


def test_rpmvercmp_vectors_hold():
    rows = list(lines("rpm-rpmvercmp.dev.txt"))
    assert len(rows) > 50
    assert [row for row in rows if sign(rpm.part(row[0]), rpm.part(row[2])) != row[1]] == []


def test_maven_vectors_hold():
    wrong = []
    for case in cases("maven_version_cmp.dev.json"):
        left, right = case["input"]["versions"]
        found = compare("maven", left, right)
        if case["test_type"] == "equality":
            good = (found == 0) == case["expected_output"]
        else:
            good = found <= 0 if case["expected_output"] == [left, right] else found >= 0
        if not good:
            wrong.append((left, right, found))
    assert wrong == []


def test_maven_redhat_rebuild_sits_above_its_fix():
    assert compare("maven", "4.1.108.Final-redhat-00001", "4.1.108.Final") == 1


@pytest.mark.parametrize("case", cases("pypi_vers_range_containment.json"))
def test_python_ranges_hold_what_they_should(case):
    """The vectors are vers ranges: every comparator is evaluated with our order."""
    order = BY_NAME["pypi"].sort
    version = order(case["input"]["version"])
    parts = case["input"]["vers"].removeprefix("vers:pypi/").split("|")
    if "*" in parts:
        assert case["expected_output"] is True
        return
    bounds = []
    for part in parts:
        found = re.match(r"(<=|>=|<|>|!=|=)?(.+)", part)
        bounds.append((found[1] or "=", order(found[2])))
    assert contained(bounds, version) == case["expected_output"]


def contained(bounds, version):
    """Evaluate a vers range (vers-spec): equalities first, then pairs of bounds."""
    if any(mark == "!=" and bound == version for mark, bound in bounds):
        return False
    if any(mark in ("=", "<=", ">=") and bound == version for mark, bound in bounds):
        return True
    edges = [(mark, bound) for mark, bound in bounds if mark[0] in "<>"]
    if not edges:
        return any(mark == "!=" for mark, _ in bounds)
    if edges[0][0][0] == "<" and version < edges[0][1]:
        return True
    if edges[-1][0][0] == ">" and version > edges[-1][1]:
        return True
    return any(
        low[0][0] == ">" and high[0][0] == "<" and low[1] < version < high[1] for low, high in itertools.pairwise(edges)
    )


PYPI = st.from_regex(
    r"\A(v?(([0-2]!)?[0-9]{1,2}(\.[0-9]{1,2}){0,3})(([-_.]?)(a|alpha|b|beta|c|rc|pre|preview)([-_.]?)[0-9]{0,2})?"
    r"((-[0-9])|([-_.]?(post|rev|r)[-_.]?[0-9]{0,2}))?([-_.]?dev[-_.]?[0-9]{0,2})?(\+[a-z0-9]{1,3}([-_.][a-z0-9]{1,3}){0,2})?)\Z"
)


@settings(max_examples=400)
@given(PYPI, PYPI)
def test_python_order_is_that_of_packaging(left, right):
    try:
        wanted = (Version(left) > Version(right)) - (Version(left) < Version(right))
    except InvalidVersion:
        return
    assert compare("pypi", left, right) == wanted


@given(st.text(max_size=12))
def test_what_packaging_refuses_has_no_python_key(text):
    try:
        Version(text)
    except InvalidVersion:
        assert BY_NAME["pypi"].key(text) == ""
    else:
        assert BY_NAME["pypi"].key(text) or not text.isascii()


DEB = st.from_regex(r"\A([0-3]:)?[0-9][0-9a-z.+~]{0,8}(-[0-9a-z.+~]{1,5})?\Z")


@settings(max_examples=400)
@given(DEB, DEB)
def test_debian_order_is_that_of_python_debian(left, right):
    a, b = NativeVersion(left), NativeVersion(right)
    assert compare("deb", left, right) == (a > b) - (a < b)


RPM = st.from_regex(r"\A[0-9][0-9a-z.~^]{0,7}-[0-9][0-9a-z.~^]{0,4}\Z")


@settings(max_examples=400)
@given(RPM, RPM)
def test_rpm_order_is_that_of_univers(left, right):
    """Versions that begin with a digit: univers strips a leading v, rpm does not."""
    a, b = RpmVersion(left), RpmVersion(right)
    assert compare("rpm", left, right) == (a > b) - (a < b)


SEMVER = st.from_regex(
    r"\A(0|[1-9][0-9]?)\.(0|[1-9][0-9]?)\.(0|[1-9][0-9]?)(-(0|[1-9][0-9]?|[a-z][0-9a-z-]{0,3})(\.(0|[1-9]|[a-z-][0-9a-z-]{0,3})){0,2})?\Z"
)


@settings(max_examples=400)
@given(SEMVER, SEMVER)
def test_semver_order_is_that_of_univers(left, right):
    a, b = SemverVersion(left), SemverVersion(right)
    assert compare("semver", left, right) == (a > b) - (a < b)


GEM = st.from_regex(r"\A[0-9]{1,2}(\.([0-9]{1,2}|[a-z]{1,3}|[a-z]{1,2}[0-9]{1,2})){0,4}(-[0-9a-z]{1,3})?\Z")


@settings(max_examples=400)
@given(GEM, GEM)
def test_gem_order_is_that_of_univers(left, right):
    a, b = RubygemsVersion(left), RubygemsVersion(right)
    assert compare("gem", left, right) == (a > b) - (a < b)


# apk-tools, src/version.c, token by token: an oracle that shares nothing with the keys.
ZERO, DIGIT, LETTER, SUFFIX, SUFFIX_NO, REVISION, END = range(7)
BEFORE, AFTER = ("alpha", "beta", "pre", "rc"), ("cvs", "svn", "git", "hg", "p")


def apk_tokens(text):
    kind, at = DIGIT, 0
    while kind != END:
        start, following = at, None
        if kind == ZERO and text[at] == "0":
            while at < len(text) and text[at] == "0":
                at += 1
            value, following = -(at - start), DIGIT
        elif kind in (ZERO, DIGIT, SUFFIX_NO, REVISION):
            while at < len(text) and text[at].isdigit():
                at += 1
            value = int(text[start:at])
        elif kind == LETTER:
            value, at = ord(text[at]), at + 1
        else:
            name = re.match("[a-z]+", text[at:])[0]
            value = BEFORE.index(name) - len(BEFORE) if name in BEFORE else AFTER.index(name)
            at += len(name)
        yield kind, value
        if at == len(text):
            kind = END
        elif following is not None and text[at].isdigit():
            kind = following
        elif kind in (ZERO, DIGIT) and text[at].isalpha():
            kind = LETTER
        elif kind == SUFFIX and text[at].isdigit():
            kind = SUFFIX_NO
        else:
            kind = {".": ZERO, "_": SUFFIX, "-": REVISION}[text[at]]
            at += 2 if kind == REVISION else 1
    yield END, 0


def apk_compare(left, right):
    for (a, x), (b, y) in zip(apk_tokens(left), apk_tokens(right), strict=False):
        if a != b:
            if a == SUFFIX and x < 0:
                return -1
            if b == SUFFIX and y < 0:
                return 1
            return -1 if a > b else 1
        if x != y:
            return -1 if x < y else 1
    return 0


APK = st.from_regex(
    r"\A[0-9]{1,2}(\.(0|00|0?[1-9][0-9]?)){0,3}[a-c]?(_(alpha|beta|pre|rc|git|p)[0-9]{0,2}){0,2}(-r[0-9]{1,2})?\Z"
)


@settings(max_examples=800)
@given(APK, APK)
def test_alpine_order_is_that_of_apk_tools(left, right):
    assert compare("apk", left, right) == apk_compare(left, right)


@pytest.mark.parametrize(
    ("scheme", "ascending"),
    [
        ("apk", ["1.2_alpha", "1.2_rc1", "1.2", "1.2-r0", "1.2-r1", "1.2_p1", "1.2a", "1.2.0", "1.2.1"]),
        ("apk", ["1.1.1q-r0", "1.1.1s-r0", "1.1.1t-r0", "3.0.0-r0"]),
        (
            "golang",
            ["v0.0.0-20200615164410-66371956d46c", "v0.0.1", "go1.20rc1", "go1.20", "1.20.1", "v1.21.0+incompatible"],
        ),
        ("golang", ["v1.6.3-0.20220401172941-5ff8fce1fcc6", "v1.6.3", "v1.6.4-rc.1", "v1.6.4"]),
        ("maven", ["1-alpha", "1-beta", "1-milestone", "1-rc", "1-SNAPSHOT", "1", "1-sp", "1-redhat-1", "1-1", "1.1"]),
        ("gem", ["1.0.a", "1.0.b", "1.0.rc.1", "1.0", "1.0.1", "1.10"]),
        ("rpm", ["1.0~rc1-1", "1.0-1.el8", "1.0-1.el9", "1.0^git1-1", "1.0.1-1", "1:0.1-1"]),
        ("deb", ["1.0~rc1-1", "1.0-1", "1.0-1+deb11u1", "1.0-1.1", "1.0.1-1", "1:0.1-1"]),
        ("npm", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "v1.0.1", "1.10.0"]),
    ],
)
def test_known_sequences_ascend(scheme, ascending):
    order = (scheme_of(scheme) or BY_NAME[scheme]).sort
    assert all(order(low) < order(high) for low, high in itertools.pairwise(ascending))


def test_go_spellings_are_one_version():
    assert {
        BY_NAME["golang"].sort(text) for text in ("v1.20.0", "1.20.0", "go1.20", "1.20", "v1.20.0+incompatible")
    } == {BY_NAME["golang"].sort("1.20")}


@given(st.sampled_from([scheme for scheme in SCHEMES if scheme.exact]), st.text(max_size=20))
def test_no_text_breaks_an_order(scheme, text):
    key = scheme.key(text)
    assert re.fullmatch("([0-9a-f]{2})*", key)
    assert key == "" or key >= LOWEST


@given(st.text(max_size=20))
def test_no_text_breaks_the_maven_order(text):
    try:
        parsed = BY_NAME["maven"].sort(text)
    except VersionInvalidError:
        return
    assert not parsed < parsed


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("text", ["", " ", "1" * 2000, "1.é", "\x00", "(" * 500])
def test_what_is_no_version_has_no_place(scheme, text):
    with pytest.raises(VersionInvalidError):
        scheme.sort(text)


def test_every_ecosystem_names_a_known_order():
    assert [name for name, scheme in ECOSYSTEMS if scheme not in BY_NAME] == []
    assert scheme_of("Debian:11") is BY_NAME["deb"]
    assert scheme_of("Unheard Of") is None
