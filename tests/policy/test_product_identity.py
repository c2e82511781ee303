"""A VEX product means an image and a package by the names the field uses; a near miss says which check failed.

The documents are built from what users reported as not matching elsewhere (anchore/grype 1836, 1589, 1905 and 2355,
3212, 3657, 2818, 3476, 3145): each must match here, and its near misses must not.
"""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from cas.adapters.memory import MemoryStore
from cas.records.evidence import Package, SbomFacts, VexProduct
from pipeline.formats import csaf
from pipeline.versions.vers import within
from policy.images import named
from policy.product_identity import Subject, best_fit, component_fit, links_of, product_fit
from tests.support import evidence

ALPINE = "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"
MYAPP = "sha256:261e230db3d87f3d2df65182c3f0b2fdba02a93a319078641f2cb2168513b3c1"
PODMAN_INDEX = "sha256:0dbb10bb65e5df8a6d6aecb69f130441dc941e306ce89844c2870a25152c44a2"
PODMAN = "sha256:616de3d327ff90bac601532140a8d25fbf700911cf98101379e5a67fa1a2bb17"
PODMAN_CONFIG = "sha256:7ce0ef4f0bc490dc15ab3f798a5d5ea8a82a4b1dcf5fa3187a0ad440a4ddb911"
OTHER = "sha256:" + "f" * 64
LIBSSL = "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.17.3&upstream=openssl"
DPKG = "pkg:deb/debian/dpkg@1.18.25?arch=amd64&distro=debian-9"
NODE = "pkg:apk/alpine/busybox@1.37.0-r19?arch=x86_64&distro=alpine-3.22.2"
BUILDAH = "pkg:golang/github.com/containers/buildah@v1.43.0"
NET = "pkg:golang/golang.org/x/net@v0.33.0"


def product(name, components=(), identifiers=(), hashes=()):
    return VexProduct(id=name, identifiers=tuple(identifiers), hashes=tuple(hashes), components=tuple(components))


def subject(reference, *digests, purls=(), platform="linux/amd64"):
    return Subject(digests=frozenset(digests), image=named(reference), purls=frozenset(purls), platform=platform)


ALPINE_IMAGE = subject("docker.io/library/alpine:3.17.3", ALPINE, purls=[LIBSSL])
MYAPP_IMAGE = subject("mine.azurecr.io/janakiramm/myapp:v2", MYAPP, purls=[DPKG])
LOCAL_IMAGE = subject("vex-test:latest", MYAPP, purls=[DPKG])
BUSYBOX_IMAGE = subject("busybox:1.36", OTHER, purls=[NODE])
NODE_IMAGE = subject("node:24-alpine3.22", OTHER, purls=[NODE])
PODMAN_IMAGE = subject(
    "registry.access.redhat.com/ubi10/podman:10.2", PODMAN_INDEX, PODMAN, PODMAN_CONFIG, purls=[BUILDAH]
)
GOSU_IMAGE = subject("mariadb:lts-ubi9", OTHER, purls=["pkg:golang/github.com/tianon/gosu@v1.19.0", NET])
NGINX_IMAGE = subject("nginx:1.27", ALPINE, purls=[LIBSSL])
BUILT_IMAGE = subject("localhost/prod-images/my-container-image:v1.2.3", MYAPP, purls=[DPKG])

MATCHING = [
    # 1836: a digest with an encoded colon, subcomponents without the qualifiers that the SBOM has
    (
        ALPINE_IMAGE,
        LIBSSL,
        product(f"pkg:oci/alpine@{ALPINE.replace(':', '%3A')}", ["pkg:apk/alpine/libssl3@3.0.8-r3"]),
    ),
    (ALPINE_IMAGE, LIBSSL, product("pkg:oci/alpine?tag=3.17.3&repository_url=index.docker.io/library/alpine")),
    # 1589: a digest whose algorithm stands twice, an image in a private registry
    (MYAPP_IMAGE, DPKG, product(f"pkg:oci/myapp@sha256:{MYAPP}", ["pkg:deb/debian/dpkg@1.18.25"])),
    (MYAPP_IMAGE, DPKG, product("pkg:oci/myapp?repository_url=mine.azurecr.io/janakiramm&tag=v2")),
    # 1905, 2355: an image known by its local name and tag only
    (LOCAL_IMAGE, DPKG, product("pkg:oci/vex-test", ["pkg:deb/debian/dpkg@1.18.25"])),
    (LOCAL_IMAGE, DPKG, product(f"pkg:oci/vex-test@{MYAPP}")),
    (LOCAL_IMAGE, DPKG, product("vex-test:latest")),
    (BUSYBOX_IMAGE, NODE, product("pkg:oci/busybox?tag=1.36")),
    # 3212: the standard's minimal example: the product is the package itself
    (NODE_IMAGE, NODE, product("pkg:apk/alpine/busybox@1.37.0-r19?arch=x86_64")),
    (NODE_IMAGE, NODE, product(NODE)),
    # 3657: every way of writing one image of a registry, by index, manifest, config, repository and tag
    *(
        (PODMAN_IMAGE, BUILDAH, product(name))
        for name in (
            f"pkg:oci/podman@{PODMAN_INDEX}",
            f"pkg:oci/podman@{PODMAN}?repository_url=registry.access.redhat.com/ubi10/podman",
            f"pkg:oci/podman@{PODMAN_CONFIG}",
            "pkg:oci/podman?repository_url=registry.access.redhat.com/ubi10/podman",
            "pkg:oci/podman?repository_url=registry.access.redhat.com%2Fubi10&tag=10.2",
            "pkg:oci/podman?repository_url=https://registry.access.redhat.com/ubi10/podman/&tag=10.2&arch=amd64",
            "pkg:docker/ubi10/podman@10.2?repository_url=registry.access.redhat.com",
            "registry.access.redhat.com/ubi10/podman:10.2",
            f"registry.access.redhat.com/ubi10/podman@{PODMAN_INDEX}",
            "oci://registry.access.redhat.com/ubi10/podman",
        )
    ),
    (PODMAN_IMAGE, BUILDAH, product("podman", hashes=[("sha256", PODMAN.removeprefix("sha256:"))])),
    # 2818: every name of the Docker Hub
    (NGINX_IMAGE, LIBSSL, product("pkg:oci/nginx?repository_url=docker.io%2Flibrary")),
    (NGINX_IMAGE, LIBSSL, product("pkg:docker/nginx@1.27")),
    (NGINX_IMAGE, LIBSSL, product("pkg:oci/nginx?repository_url=registry-1.docker.io/library/nginx&tag=1.27")),
    # 3476: a reference without a tag
    (BUILT_IMAGE, DPKG, product("localhost/prod-images/my-container-image")),
    # 3145: a Go module inside another, versions with and without their v
    (GOSU_IMAGE, NET, product("pkg:golang/github.com/tianon/gosu@1.19.0", ["pkg:golang/golang.org/x/net@0.33.0"])),
    (GOSU_IMAGE, NET, product("pkg:golang/github.com/tianon/gosu", ["pkg:golang/golang.org/x/net"])),
]


@pytest.mark.parametrize(("image", "purl", "given"), MATCHING, ids=[case[2].id[:60] for case in MATCHING])
def test_what_users_wrote_matches(image, purl, given):
    fit = product_fit(given, image, purl, within)
    assert fit.applies, fit


MISSES = [
    (ALPINE_IMAGE, LIBSSL, product(f"pkg:oci/alpine@{OTHER}"), "image_other_digest"),
    (ALPINE_IMAGE, LIBSSL, product(f"pkg:oci/alpine@{ALPINE}", ["pkg:apk/alpine/libssl3@3.0.8-r2"]), "package_other_version"),
    (ALPINE_IMAGE, LIBSSL, product(f"pkg:oci/alpine@{ALPINE}", ["pkg:apk/alpine/libcrypto3"]), "package_other"),
    (ALPINE_IMAGE, LIBSSL, product(f"pkg:oci/alpine@{ALPINE}", ["libssl3"]), "component_not_a_purl"),
    (MYAPP_IMAGE, DPKG, product("pkg:oci/myapp?repository_url=mine.azurecr.io/other"), "image_other_repository"),
    (MYAPP_IMAGE, DPKG, product("pkg:oci/myapp?repository_url=evil.azurecr.io/janakiramm"), "image_other_repository"),
    (MYAPP_IMAGE, DPKG, product("pkg:oci/myapp"), "image_other_repository"),
    (LOCAL_IMAGE, DPKG, product("pkg:oci/vex-test?tag=1"), "image_other_tag"),
    (BUSYBOX_IMAGE, NODE, product("pkg:oci/busybox?tag=1.37"), "image_other_tag"),
    (subject("evil.test/busybox:1.36", OTHER), NODE, product("pkg:oci/busybox?tag=1.36"), "image_other_repository"),
    (NODE_IMAGE, NODE, product("pkg:apk/alpine/busybox@1.37.0-r19?arch=aarch64"), "package_other_qualifier"),
    (NODE_IMAGE, NODE, product("pkg:apk/wolfi/busybox@1.37.0-r19"), "package_other"),
    (PODMAN_IMAGE, BUILDAH, product("pkg:oci/podman?repository_url=registry.access.redhat.com/ubi9/podman"), "image_other_repository"),
    (PODMAN_IMAGE, BUILDAH, product("pkg:oci/podman?repository_url=registry.access.redhat.com/ubi10/podman&arch=arm64"), "image_other_platform"),
    (subject("registry.access.redhat.com/ubi10:10.2", OTHER), BUILDAH, product("pkg:oci/podman?repository_url=registry.access.redhat.com/ubi10"), "image_other_repository"),
    (PODMAN_IMAGE, BUILDAH, product("podman", hashes=[("sha256", "0" * 64)]), "image_other_digest"),
    (GOSU_IMAGE, NET, product("pkg:golang/github.com/tianon/other", ["pkg:golang/golang.org/x/net"]), "product_not_inside"),
    (GOSU_IMAGE, NET, product("pkg:golang/github.com/tianon/gosu", ["pkg:golang/golang.org/x/net@0.32.0"]), "package_other_version"),
    (NODE_IMAGE, NODE, product("urn:csaf:product:9", identifiers=[("cpe22", "cpe:/a:x:y")]), "only_cpe"),
    (NODE_IMAGE, NODE, product("node"), "product_not_understood"),
]  # fmt: skip


@pytest.mark.parametrize(("image", "purl", "given", "reason"), MISSES, ids=[case[2].id[:60] for case in MISSES])
def test_near_misses_say_why(image, purl, given, reason):
    fit = product_fit(given, image, purl, within)
    assert not fit.applies
    assert fit.reason == reason


def test_evidence_goes_downward_only():
    """A claim about a platform's manifest does not speak of the index's other platforms."""
    amd64 = subject("r.test/web:1", PODMAN_INDEX, PODMAN, purls=[DPKG])
    arm64 = subject("r.test/web:1", PODMAN_INDEX, MYAPP, purls=[DPKG], platform="linux/arm64")
    about_index, about_amd64 = product(f"pkg:oci/web@{PODMAN_INDEX}"), product(f"pkg:oci/web@{PODMAN}")
    assert product_fit(about_index, amd64, DPKG).applies
    assert product_fit(about_index, arm64, DPKG).applies
    assert product_fit(about_amd64, amd64, DPKG).applies
    assert not product_fit(about_amd64, arm64, DPKG).applies


@pytest.mark.parametrize(
    ("claimed", "found", "reason"),
    [
        ("pkg:npm/a?vers=vers:npm/>=1.0.0%7C<2.0.0", "pkg:npm/a@1.5.0", "package_range"),
        ("pkg:npm/a?vers=vers:npm/>=1.0.0%7C<2.0.0", "pkg:npm/a@2.5.0", "package_outside_range"),
        ("pkg:npm/a?vers=vers:klingon/<2", "pkg:npm/a@1.5.0", "package_range_unknown"),
        ("pkg:npm/a", "pkg:npm/a@1.5.0", "package"),
        ("pkg:rpm/redhat/x@9.0.87-1.el8?arch=noarch&epoch=1", "pkg:rpm/rhel/x@1:9.0.87-1.el8?arch=noarch", "package_version"),
        ("pkg:rpm/redhat/x@9.0.87-1.el8?arch=noarch", "pkg:rpm/rhel/x@1:9.0.87-1.el8?arch=noarch", "package_other_version"),
        ("pkg:alpine/x@1", "pkg:apk/alpine/x@1", "package_version"),
        ("pkg:deb/debian/openssl?arch=source", "pkg:deb/debian/libssl3@3.0.1?arch=amd64&upstream=openssl", "package"),
        ("pkg:deb/debian/openssl@3.0.1?arch=source", "pkg:deb/debian/libssl3@3.0.1?upstream=openssl", "package_version"),
        ("pkg:deb/debian/openssl", "pkg:deb/debian/libssl3@3.0.1?upstream=openssl", "package_other"),
        ("pkg:rpm/redhat/gnutls@3.6-1?arch=src", "pkg:rpm/rhel/gnutls@3.6-1?arch=x86_64&upstream=gnutls-3.6-1.src.rpm", "package_version"),
        ("pkg:golang/stdlib@1.21.10", "pkg:golang/stdlib@go1.21.10", "package_version"),
        ("pkg:maven/a/b@1?type=jar", "pkg:maven/a/b@1", "package_version"),
        ("pkg:maven/a/b@1?type=pom", "pkg:maven/a/b@1", "package_other_qualifier"),
        ("pkg:apk/alpine/x@1?distro=3.17.3", "pkg:apk/alpine/x@1?distro=alpine-3.17.3", "package_version"),
    ],
)  # fmt: skip
def test_a_component_is_its_name_and_whatever_else_is_claimed(claimed, found, reason):
    assert component_fit(claimed, found, within).reason == reason


def test_without_an_order_of_versions_a_range_applies_to_nothing():
    assert component_fit("pkg:npm/a?vers=vers:npm/>=1.0.0", "pkg:npm/a@1.5.0").reason == "package_range_unknown"


@pytest.mark.parametrize(
    ("component", "cpe", "purl", "reason", "specificity"),
    [
        ("pkg:rpm/redhat/expat@2.5.0-2.el9_4.2?arch=x86_64", "cpe:/a:redhat:rhel_eus:9.4::appstream",
         "pkg:rpm/redhat/expat@2.5.0-2.el9_4.2?arch=x86_64", "component_version", 3),
        ("pkg:rpm/redhat/expat", "cpe:/o:redhat:enterprise_linux:9",
         "pkg:rpm/rhel/expat@2.5.0-2.el9?distro=rhel-9.4", "component_on_platform", 5),
        ("pkg:rpm/redhat/expat", "cpe:/o:redhat:enterprise_linux:6",
         "pkg:rpm/rhel/expat@2.5.0-2.el9?distro=rhel-9.4", "only_cpe", 0),
        ("pkg:rpm/redhat/expat", "cpe:/a:redhat:quarkus:2",
         "pkg:rpm/rhel/expat@2.5.0-2.el9?distro=rhel-9.4", "only_cpe", 0),
        ("pkg:rpm/redhat/expat", "cpe:/o:redhat:enterprise_linux:9", "pkg:rpm/rhel/expat@2.5.0-2.el9", "only_cpe", 0),
    ],
)  # fmt: skip
def test_a_component_of_a_product_known_by_cpe(component, cpe, purl, reason, specificity):
    given = product("urn:csaf:product:x", [component], identifiers=[("cpe22", cpe)])
    fit = product_fit(given, NODE_IMAGE, purl, within)
    assert (fit.reason, fit.specificity) == (reason, specificity)


def test_the_narrowest_product_speaks_and_the_nearest_miss_is_told():
    wide, narrow = product("pkg:oci/alpine"), product(f"pkg:oci/alpine@{ALPINE}")
    assert best_fit((wide, narrow), ALPINE_IMAGE, LIBSSL).specificity == 1
    assert best_fit((product("pkg:oci/debian"), product("pkg:oci/alpine?tag=9")), ALPINE_IMAGE, LIBSSL).reason == (
        "image_other_tag"
    )
    assert best_fit((), ALPINE_IMAGE, LIBSSL).reason == "product_missing"


def test_a_bom_link_means_a_package_of_the_subjects_own_sbom():
    facts = SbomFacts(
        format="cyclonedx-json/1.6",
        serial="urn:uuid:11-22",
        created_at="",
        tools=(),
        subjects=(),
        packages=(
            Package(
                ref="lib 1", purl=DPKG, name="dpkg", version="1", type="library", licenses=(), hashes=(), pointer="/0"
            ),
        ),
        depends=(),
    )
    linked = dataclasses.replace(MYAPP_IMAGE, links=links_of(facts))
    assert product_fit(product("urn:cdx:11-22#lib%201"), linked, DPKG).reason == "package_version"
    assert product_fit(product("urn:cdx:11-22"), linked, DPKG).reason == "bom_link"
    assert product_fit(product("urn:cdx:11-22", ["urn:cdx:11-22#lib%201"]), linked, DPKG).applies
    assert product_fit(product(f"pkg:oci/myapp@{MYAPP}", ["urn:cdx:11-22#lib%201"]), linked, DPKG).applies
    assert product_fit(product("urn:cdx:11-22#other"), linked, DPKG).reason == "bom_link_unknown"
    assert product_fit(product("urn:cdx:33-44"), linked, DPKG).reason == "bom_link_unknown"
    assert links_of(msgspec.structs.replace(facts, serial="")) == ()


MULTIARCH = "redhat-multiarch/container-amd64-rpm-go-pypi.cdx-1.6.json"
MAPPING = "mapping-rpm-npm-pypi.cdx-1.4.json"


@pytest.mark.parametrize(
    ("document", "sbom", "status", "package", "applies"),
    [
        ("redhat-cve-2024-50602-expat", MULTIARCH, "fixed", "pkg:rpm/redhat/expat@2.2.5-16.el8_10", True),
        ("redhat-cve-2024-50602-expat", MAPPING, "fixed", "pkg:rpm/rhel/expat@2.5.0-2.el9_4", False),
        ("redhat-cve-2024-28834-gnutls", MULTIARCH, "fixed", "pkg:rpm/redhat/gnutls@3.6.16-8.el8_9.3", True),
        ("redhat-cve-2024-28834-gnutls", MAPPING, "fixed", "pkg:rpm/rhel/gnutls@3.8.3-4.el9_4", True),
        ("redhat-cve-2024-0727-openssl", MAPPING, "fixed", "pkg:rpm/rhel/openssl@3.0.7-27.el9", True),
        ("redhat-cve-2024-0727-openssl", MAPPING, "not_affected", "pkg:rpm/rhel/openssl-fips-provider@", True),
        ("redhat-cve-2024-0727-openssl", MAPPING, "not_affected", "pkg:rpm/rhel/openssl@3.0.7-27.el9", False),
    ],
)
def test_real_advisories_meet_real_packages(document, sbom, status, package, applies):
    """Red Hat names products by CPE and packages by purl; syft and Red Hat spell the same packages otherwise."""
    path = Path(__file__).parents[1] / "data" / "csaf" / f"{document}.vex.json"
    said = [one for one in csaf.read(path.read_bytes(), "2.0").statements if one.status == status]
    found = evidence.facts_of(MemoryStore(), evidence.sbom(sbom)).record
    (purl,) = [one.purl for one in found.packages if one.purl.startswith(package)]
    fits = [best_fit(one.products, NODE_IMAGE, purl, within) for one in said]
    assert any(fit.applies for fit in fits) is applies, fits


def test_a_claim_about_a_module_stream_is_only_about_a_package_that_says_its_stream_the_same_way():
    claimed = "pkg:rpm/redhat/nodejs?rpmmod=nodejs:18"
    told = "pkg:rpm/redhat/nodejs@18.20.8-1.module%2Bel8?arch=x86_64&distro=rhel-8.10"
    assert component_fit(claimed, f"{told}&rpmmod=nodejs:18").applies
    for spelled in (
        "",
        "&rpmmod=nodejs:18:8100020240807161023:489197e6",
        "&rpmmod=nodejs:20",
        "&modularitylabel=nodejs:18",
    ):
        assert component_fit(claimed, told + spelled).reason == "package_other_qualifier"
