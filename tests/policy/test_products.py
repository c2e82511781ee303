"""Which image and package a VEX product means: the forms people write match, near misses do not."""

import pytest

from cas.records.evidence import VexProduct
from policy.globs import matches
from policy.images import Image, named, purl_of
from policy.products import Subject, product_fits
from tests.support import gate_cases

ROOT, MANIFEST, CONFIG, SIBLING = (gate_cases.name(text) for text in ("root", "manifest", "config", "sibling"))
PURL = "pkg:deb/debian/openssl@3.0.1-1?arch=amd64&distro=debian-12"
SUBJECT = Subject(
    digests=frozenset({ROOT, MANIFEST, CONFIG}),
    image=named("ghcr.io/acme/web:v1"),
    purls=frozenset({PURL, "pkg:maven/org.acme/app@1.0"}),
)


def product(id_="", components=(), **more):
    hashes = tuple(more.get("hashes", ()))
    identifiers = tuple(more.get("identifiers", ()))
    return VexProduct(id=id_, identifiers=identifiers, hashes=hashes, components=tuple(components))


FITTING = [
    product(f"pkg:oci/web@{MANIFEST}"),
    product(f"pkg:oci/web@{ROOT.replace(':', '%3A')}"),
    product(f"pkg:oci/other-name@{CONFIG}?repository_url=elsewhere.test/x"),
    product("pkg:oci/web?repository_url=ghcr.io/acme/web&tag=v1"),
    product("pkg:oci/web?repository_url=ghcr.io/acme/web"),
    product("pkg:oci/web?repository_url=ghcr.io/acme"),
    product("pkg:oci/web@v1?repository_url=ghcr.io%2Facme%2Fweb"),
    product(f"ghcr.io/acme/web@{MANIFEST}"),
    product("ghcr.io/acme/web:v1"),
    product("urn:x", hashes=[("sha-256", MANIFEST[7:])]),
    product("urn:x", identifiers=[("purl", f"pkg:oci/web@{MANIFEST}")]),
    product(f"pkg:oci/web@{MANIFEST}", ["pkg:deb/debian/openssl"]),
    product(f"pkg:oci/web@{MANIFEST}", ["pkg:deb/debian/openssl@3.0.1-1"]),
    product(f"pkg:oci/web@{MANIFEST}", ["pkg:deb/debian/openssl@3.0.1-1?distro=debian-12"]),
    product("pkg:deb/debian/openssl@3.0.1-1"),
    product("pkg:deb/debian/openssl"),
    product("pkg:maven/org.acme/app@1.0", ["pkg:deb/debian/openssl"]),
]
NEAR_MISSES = [
    product(f"pkg:oci/web@{SIBLING}"),
    product(f"pkg:oci/web@{SIBLING}?repository_url=ghcr.io/acme/web&tag=v1"),
    product("pkg:oci/web"),
    product("pkg:oci/web?tag=v1"),
    product("pkg:oci/web?repository_url=ghcr.io/acme/web&tag=v2"),
    product("pkg:oci/web?repository_url=ghcr.io/evil/web&tag=v1"),
    product("pkg:oci/web?repository_url=docker.io/acme/web"),
    product("ghcr.io/acme/web:v2"),
    product("ghcr.io/acme/web"),
    product(f"ghcr.io/acme/web:v1@{SIBLING}"),
    product("web:v1"),
    product("web"),
    product("", hashes=[("sha-256", SIBLING[7:])]),
    product(f"pkg:oci/web@{MANIFEST}", hashes=[("sha-256", SIBLING[7:])]),
    product(f"pkg:oci/web@{MANIFEST}", ["pkg:deb/debian/curl"]),
    product(f"pkg:oci/web@{MANIFEST}", ["openssl"]),
    product("pkg:deb/debian/openssl@3.0.2-1"),
    product("pkg:deb/ubuntu/openssl"),
    product("pkg:deb/debian/openssl@3.0.1-1?distro=debian-11"),
    product("pkg:maven/org.acme/other@1.0", ["pkg:deb/debian/openssl"]),
    product("*"),
    product(""),
]


@pytest.mark.parametrize("claimed", FITTING, ids=lambda one: f"{one.id} {one.components}"[:70])
def test_a_product_as_people_write_it_fits(claimed):
    assert product_fits(claimed, SUBJECT, PURL)


@pytest.mark.parametrize("claimed", NEAR_MISSES, ids=lambda one: f"{one.id} {one.components}"[:70])
def test_a_near_miss_does_not_fit(claimed):
    assert not product_fits(claimed, SUBJECT, PURL)


def test_references_are_taken_apart_with_the_hub_s_defaults():
    assert named("nginx") == Image("docker.io", "library/nginx", "latest", "")
    assert named("index.docker.io/acme/x:1") == Image("docker.io", "acme/x", "1", "")
    assert named("localhost:5000/x@" + ROOT) == Image("localhost:5000", "x", "", ROOT)
    assert named("ghcr.io/a/b:t") == Image("ghcr.io", "a/b", "t", "")


def test_purls_are_taken_apart():
    assert purl_of("pkg:npm/@angular/core@1.0").namespace == "@angular"
    assert purl_of("pkg:npm/%40angular/core@1.0") == purl_of("pkg:npm/@angular/core@1.0")
    assert purl_of("pkg:golang/github.com/a/b@v1.0.0%2Bincompatible").version == "v1.0.0+incompatible"
    assert purl_of("http://x") is None
    assert purl_of("pkg:npm") is None


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("*", "a/b@c", True),
        ("pkg:npm/*@1.*", "pkg:npm/x@1.2", True),
        ("pkg:npm/*@1.*", "pkg:npm/x@2.1", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[ab]", "a", False),
        ("", "", True),
        ("", "a", False),
        ("a*b*c", "aXbYbZc", True),
        ("*" * 50 + "x", "y" * 200, False),
    ],
)
def test_globs_know_star_and_question_mark_only(pattern, text, fits):
    assert matches(pattern, text) is fits
