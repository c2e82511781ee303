"""Package identity: the purl vectors, the library, and where feeds speak of a package."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from pipeline.versions import purl
from pipeline.versions.ecosystem import feed_name, place, place_of
from pipeline.versions.nameless import nameless
from pipeline.versions.purl import PurlInvalidError

VECTORS = Path(__file__).parents[2] / "data" / "purl"
CONTRADICTED = "pkg:gem/jruby-launcher@1.1.2?Platform=java"
"""One parse vector refuses this upper-case key; the vector beside it wants it read and written in lower case."""


def vectors():
    for path in sorted(VECTORS.glob("*-test.json")):
        for case in json.loads(path.read_text())["tests"]:
            yield pytest.param(case, id=f"{path.stem}-{case['test_type']}-{str(case['input'])[:60]}")


@pytest.mark.parametrize("case", list(vectors()))
def test_purl_vectors_hold(case):
    given_, wanted = case["input"], case.get("expected_output")
    if case["expected_failure"]:
        assert given_ == CONTRADICTED  # the only refusal among the vectors
        return
    if case["test_type"] == "parse":
        found = purl.parse(given_)
        parts = {
            "type": found.type,
            "namespace": found.namespace or None,
            "name": found.name,
            "version": found.version or None,
            "qualifiers": dict(found.qualifiers) or None,
            "subpath": found.subpath or None,
        }
        assert parts == {key: wanted[key] or None for key in parts}
    elif case["test_type"] == "build":
        made = purl.make(
            given_["type"],
            given_["namespace"] or "",
            given_["name"],
            given_["version"] or "",
            qualifiers=tuple((given_["qualifiers"] or {}).items()),
            subpath=given_["subpath"] or "",
        )
        assert made.text() == wanted
    else:
        assert purl.canonical(given_) == wanted


def test_there_are_185_vectors():
    assert len(list(vectors())) == 185


PART = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/@?#%&=\\"), min_size=1, max_size=8
)


@given(st.sampled_from(["generic", "npm", "maven", "golang", "rpm", "cargo"]), PART, PART, PART, PART)
def test_what_is_built_reads_back_as_itself(kind, namespace, name, version, value):
    made = purl.make(kind, namespace, name, version, qualifiers=(("arch", value),))
    assert purl.parse(made.text()) == made
    assert purl.canonical(made.text()) == made.text()


@given(st.text(max_size=40))
def test_canonical_never_raises_and_is_idempotent(text):
    once = purl.canonical("pkg:" + text)
    assert purl.canonical(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "pkg:golang/github.com/Azure/go-ntlmssp@v0.0.0-20200615164410-66371956d46c",
        "pkg:maven/org.apache.commons/commons-text@1.9",
        "pkg:deb/debian/git-man@1:2.30.2-1?arch=all&distro=debian-11&upstream=git",
        "pkg:rpm/redhat/openssl-libs@1.1.1k-7.el8_6?arch=x86_64&epoch=1",
        "pkg:npm/%40angular/animation@12.3.1",
        "pkg:deb/debian/e2fsprogs@1.44.5-1%2Bdeb10u2?arch=amd64&distro=debian-10.2",
    ],
)
def test_the_library_writes_real_purls_as_we_do(text):
    assert purl.canonical(text) == text
    if not text.startswith("pkg:golang"):  # the library still lower-cases Go names; the type's definition does not
        assert PackageURL.from_string(text).to_string() == text


@pytest.mark.parametrize(
    "text", ["", "pkg:", "pkg:npm", "npm/x", "pkg:npm/", "pkg:1x/y", "pkg:npm/x?a=1&a=2", "x" * 5000]
)
def test_what_is_no_purl_is_refused(text):
    with pytest.raises(PurlInvalidError):
        purl.parse(text)
    assert purl.canonical(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "pkg:maven/@1.3.4", "pkg:maven/org.apache/@1.3.4", "pkg:npm/@", "pkg:npm/@scope", "pkg:npm/%40scope@1.0.0",
        "pkg:npm/@scope/@1.0.0", "pkg:deb/debian/@1.0?arch=amd64", "pkg:pypi/%20@1", "pkg:pypi/ @1", "pkg:npm/%2F@1",
        "pkg:generic/@1?a=b#c/d",
    ],
)  # fmt: skip
def test_what_names_no_package_is_told(text):
    assert nameless(purl.canonical(text))


@pytest.mark.parametrize(
    "text",
    [
        "", "pkg:npm/%40scope/name@1", "pkg:npm/@scope/name", "pkg:npm/%40scope%2Fname@1", "pkg:npm/a@1@2",
        "pkg:githubactions/actions/checkout@v4", "pkg:generic/a%20b@1", "pkg:npm/x?a=/%40y", "pkg:npm/x#y/%40z",
    ],
)  # fmt: skip
def test_what_names_one_is_left_alone(text):
    assert not nameless(purl.canonical(text))


def test_every_purl_that_the_vectors_call_valid_names_a_package():
    given_ = [param.values[0] for param in vectors()]
    texts = [one["input"] for one in given_ if isinstance(one["input"], str) and not one["expected_failure"]]
    assert len(texts) > 100
    assert [text for text in texts if nameless(purl.canonical(text))] == []


def test_alpine_is_apk():
    assert purl.canonical("pkg:alpine/musl@1.2.3-r0?arch=x86_64") == "pkg:apk/alpine/musl@1.2.3-r0?arch=x86_64"


def at(text, source=""):
    spoken = place(purl.parse(text), source)
    return spoken.ecosystems, spoken.name, spoken.version, spoken.reason


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pkg:deb/debian/libcurl4@7.74?upstream=curl&distro=debian-11", (("Debian:11",), "curl", "7.74", "")),
        ("pkg:deb/debian/x@1-1?upstream=y%402-3&distro=debian-10.2", (("Debian:10",), "y", "2-3", "")),
        ("pkg:deb/debian/x@1-1?epoch=1&distro=debian-10", (("Debian:10",), "x", "1:1-1", "")),
        ("pkg:deb/debian/x@1-1?distro=bullseye", (("Debian:11",), "x", "1-1", "")),
        ("pkg:deb/ubuntu/x@1?distro=ubuntu-22.04", (("Ubuntu:22.04:LTS", "Ubuntu:22.04"), "x", "1", "")),
        (
            "pkg:apk/alpine/libssl1.1@1.1.1q-r0?upstream=openssl&distro=alpine-3.16.2",
            (("Alpine:v3.16",), "openssl", "1.1.1q-r0", ""),
        ),
        ("pkg:apk/wolfi/curl@8.0-r0", (("Wolfi",), "curl", "8.0-r0", "")),
        ("pkg:rpm/almalinux/x@1-2?distro=almalinux-9.3&epoch=2", (("AlmaLinux:9",), "x", "2:1-2", "")),
        (
            "pkg:rpm/redhat/x-libs@1-2?distro=rhel-9.4&upstream=x-1-2.src.rpm",
            (("Red Hat:enterprise_linux:9::",), "x", "1-2", ""),
        ),
        ("pkg:rpm/redhat/x@1-2", ((), "x", "1-2", "distro_missing")),
        ("pkg:golang/github.com/Azure/x/v2@v2.0.0", (("Go",), "github.com/Azure/x/v2", "v2.0.0", "")),
        ("pkg:npm/%40babel/core@7", (("npm",), "@babel/core", "7", "")),
        ("pkg:maven/org.x/y@1", (("Maven",), "org.x:y", "1", "")),
        ("pkg:pypi/zope.interface@5", (("PyPI",), "zope-interface", "5", "")),
        ("pkg:generic/openssl@1", ((), "openssl", "1", "type_without_feed")),
    ],
)
def test_feeds_are_asked_at_the_right_place(text, wanted):
    assert at(text) == wanted


def test_the_documents_own_word_for_the_source_counts_without_upstream():
    assert at("pkg:deb/debian/libapt-pkg5.0@1.8.2?distro=debian-10.2", "apt@1.8.2")[1:3] == ("apt", "1.8.2")
    assert at("pkg:deb/debian/a@1?distro=debian-10.2&upstream=b", "c@2")[1:3] == ("b", "1")


def test_python_feed_names_are_normalised():
    assert feed_name("PyPI", "Zope.Interface_x") == "zope-interface-x"
    assert feed_name("Go", "github.com/Azure/X") == "github.com/Azure/X"


@settings(max_examples=500)
@given(
    st.sampled_from(("pkg:", "pkg:/", " pkg:")),
    st.sampled_from(("npm", "deb", "pypi", "alpine", "rpm", "golang", "oci", "Npm")),
    st.sampled_from(("", "debian/", "%40s/", "A_/")),
    st.text("aB0.~:-_%2@/ ", min_size=1, max_size=5),
    st.text("1.A-%3a0:+@/?# ", max_size=5),
    st.lists(
        st.sampled_from(("arch=x", "distro=debian-11", "epoch=1", "upstream=foo%40a:", "upstream=foo@2:3", "B=1")),
        max_size=3,
    ),
    st.sampled_from(("", "s", "s@1")),
)
def test_a_place_found_without_the_version_is_the_place_of_the_whole(scheme, kind, space, name, version, query, source):
    text = f"{scheme}{kind}/{space}{name}@{version}" + ("?" + "&".join(query) if query else "")

    def told(find):
        try:
            return find()
        except purl.PurlInvalidError as error:
            return str(error)

    assert told(lambda: place_of(text, source)) == told(lambda: place(purl.parse(text), source))
    if text == text.strip() and "#" not in text:  # a fragment, empty or not, takes the long way
        assert told(lambda: purl.parse(text)) == told(lambda: purl.parse(text + "#"))
