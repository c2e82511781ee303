"""Where feeds speak of a package, in every ecosystem that has a purl type; and back."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.versions.places import DISTROS, LANGUAGES, WITHOUT_TYPE, feed_name, fits, place, place_of, purl_of
from pipeline.versions.purl import MAX_PURL, PurlInvalidError, parse
from tests.pipeline.versions.test_orders import SCHEMA


def test_every_ecosystem_of_the_osv_schema_has_a_purl_type_or_is_known_to_have_none():
    known = set(msgspec.json.decode(SCHEMA.read_bytes())["$defs"]["ecosystemName"]["enum"])
    mapped = {name for _, name in LANGUAGES} | {name for _, _, name in DISTROS}
    assert known - mapped - set(WITHOUT_TYPE) == {"Root", "TuxCare"}  # rebuilds: the origin's type
    assert mapped <= known


@pytest.mark.parametrize(
    ("text", "ecosystems", "names"),
    [
        ("pkg:npm/%40rootio/semver@7.5.1", ("Root:npm", "npm"), (("@rootio/semver", "7.5.1"),)),
        ("pkg:golang/github.com/BurntSushi/toml@v1.0.0", ("Go",), (("github.com/BurntSushi/toml", "v1.0.0"),)),
        ("pkg:nuget/Newtonsoft.Json@13.0.1", ("NuGet",), (("Newtonsoft.Json", "13.0.1"),)),
        ("pkg:composer/typo3/cms-backend@4.1.0", ("Packagist",), (("typo3/cms-backend", "4.1.0"),)),
        ("pkg:githubactions/actions/checkout@v3", ("GitHub Actions",), (("actions/checkout", "v3"),)),
        ("pkg:bitnami/apache@2.4.43-9", ("Bitnami",), (("apache", "2.4.43-9"),)),
        ("pkg:maven/io.netty/netty-codec@4.1.1.Final", ("Maven",), (("io.netty:netty-codec", "4.1.1.Final"),)),
        ("pkg:deb/debian/curl@7.1?distro=bookworm", ("Debian:12",), (("curl", "7.1"),)),
        ("pkg:deb/debian/libssl1.1@1.1-0+deb11u3?upstream=openssl", ("Debian:11",), (("openssl", "1.1-0+deb11u3"),)),
        ("pkg:deb/debian/curl@7.1", (), (("curl", "7.1"),)),
        ("pkg:deb/debian/rootio-curl@7.1?distro=debian-12", ("Root:Debian:12", "Debian:12"), (("rootio-curl", "7.1"),)),
        ("pkg:deb/ubuntu/curl@7?distro=ubuntu-22.04", ("Ubuntu:22.04:LTS", "Ubuntu:22.04"), (("curl", "7"),)),
        ("pkg:deb/echo/curl@7", ("Echo",), (("curl", "7"),)),
        ("pkg:apk/wolfi/curl@7?distro=wolfi-20230201", ("Wolfi",), (("curl", "7"),)),
        ("pkg:alpine/curl@7?distro=alpine-3.16.2&upstream=x", ("Alpine:v3.16",), (("x", "7"),)),
        ("pkg:apk/alpine/curl@7?distro=alpine-edge", ("Alpine:edge",), (("curl", "7"),)),
        ("pkg:rpm/almalinux/x@1?distro=almalinux-8.5", ("AlmaLinux:8",), (("x", "1"),)),
        ("pkg:rpm/centos/x@1?distro=centos-7", ("Red Hat:enterprise_linux:7::*",), (("x", "1"),)),
        ("pkg:rpm/redhat/x@1-2.el9_2?epoch=3", ("Red Hat:enterprise_linux:9::*",), (("x", "3:1-2.el9_2"),)),
        ("pkg:rpm/rocky/x@1-1.el8", ("Rocky Linux:8",), (("x", "1-1.el8"),)),
        ("pkg:rpm/suse/x@1?distro=sles-15.5", ("SUSE:*15 SP5",), (("x", "1"),)),
        ("pkg:rpm/opensuse/x@1?distro=opensuse-leap-15.5", ("openSUSE:Leap 15.5",), (("x", "1"),)),
        ("pkg:rpm/opensuse/x@1?distro=opensuse-tumbleweed-20230101", ("openSUSE:Tumbleweed",), (("x", "1"),)),
        ("pkg:rpm/photon/x@1?distro=photon-3.0", ("Photon OS:3.0",), (("x", "1"),)),
    ],
)
def test_a_purl_is_asked_where_feeds_speak_of_it(text, ecosystems, names):
    found = place_of(text)
    assert (found.ecosystems, found.names) == (ecosystems, names)
    assert found == place(parse(text))  # the remembered answer is the full one
    assert (found.reason == "distro_missing") == (not ecosystems)


def test_what_is_installed_and_its_source_are_both_asked_where_feeds_name_either():
    text = "pkg:rpm/redhat/openssl-libs@3.0.7-18.el9?upstream=openssl-3.0.7-18.el9.src.rpm&epoch=1"
    assert place_of(text).names == (("openssl-libs", "1:3.0.7-18.el9"), ("openssl", "1:3.0.7-18.el9"))
    assert place_of("pkg:deb/debian/libssl@1?distro=debian-11", "openssl@2").names == (("openssl", "2"),)


def test_a_go_module_whose_path_was_cut_is_asked_whole_and_cut():
    found = place_of("pkg:golang/go.etcd.io/etcd/client@v3.5.9#pkg/v3")
    assert found.names == (("go.etcd.io/etcd/client/pkg/v3", "v3.5.9"), ("go.etcd.io/etcd/client", "v3.5.9"))


def test_names_that_registries_take_in_several_spellings_are_one():
    assert feed_name("PyPI", "Foo_Bar.baz") == "foo-bar-baz"
    assert feed_name("NuGet", "Newtonsoft.Json") == "newtonsoft.json"
    assert feed_name("SwiftURL", "https://github.com/Apple/Swift.git") == "github.com/apple/swift"
    assert feed_name("npm", "JSONStream") == "JSONStream"  # two packages there
    assert feed_name("Root:PyPI", "rootio_requests") == "rootio-requests"


@pytest.mark.parametrize(
    ("ecosystem", "name", "text"),
    [
        ("Maven", "io.netty:netty", "pkg:maven/io.netty/netty"),
        ("npm", "@a/b", "pkg:npm/%40a/b"),
        ("Go", "github.com/a/b/v2", "pkg:golang/github.com/a/b/v2"),
        ("Debian:12", "curl", "pkg:deb/debian/curl"),
        ("Root:npm", "x", "pkg:npm/x"),
        ("OSS-Fuzz", "x", ""),
    ],
)
def test_a_package_of_a_feed_has_a_purl(ecosystem, name, text):
    assert purl_of(ecosystem, name) == text


def test_a_star_stands_for_anything():
    assert fits("Red Hat:enterprise_linux:9::*", "Red Hat:enterprise_linux:9::baseos")
    assert fits("SUSE:*15 SP5", "SUSE:Linux Enterprise Server 15 SP5")
    assert not fits("SUSE:*15 SP5", "SUSE:Linux Enterprise Server 15 SP4")
    assert not fits("a*a", "a")
    assert fits("npm", "npm")


def told(find):
    try:
        return find()
    except PurlInvalidError as error:
        return type(error)


@settings(max_examples=500)
@given(
    st.sampled_from(("pkg:", "pkg:/", " pkg:", "")),
    st.sampled_from(("npm", "deb", "pypi", "alpine", "rpm", "golang", "oci", "Npm", "bitnami", "nix")),
    st.sampled_from(("", "debian/", "redhat/", "%40rootio/", "wolfi/", "A_/", "/", "suse/")),
    st.text("aB0.~:-_%2@/ ", min_size=1, max_size=5) | st.sampled_from(("rootio-x", "tuxcare", "x")),
    st.text("1.A-%3a0:+@/?# \n", max_size=5) | st.sampled_from(("1.tuxcare.2", "1-2.el8", "1+deb11u1", "%20", "1%")),
    st.lists(
        st.sampled_from(
            (
                "arch=x", "distro=debian-11", "epoch=1", "upstream=foo%40a:", "upstream=foo@2:3", "B=1", "distro=sles-15.5",
                "upstream=x-1-2.src.rpm", "x=tuxcare", "distro=alpine-3.16.2", "distro=tumbleweed", "x= ", "",
            )
        ),
        max_size=3,
    ),
    st.sampled_from(("", "s", "s@1", "s@0", "x@")),
)  # fmt: skip
def test_a_place_found_without_the_version_is_the_place_of_the_whole(scheme, kind, space, name, version, query, source):
    text = f"{scheme}{kind}/{space}{name}@{version}" + ("?" + "&".join(query) if query else "")
    for _ in range(2):  # asked, and remembered
        assert told(lambda: place_of(text, source)) == told(lambda: place(parse(text), source))


@pytest.mark.parametrize("size", [MAX_PURL, MAX_PURL + 1])
def test_a_purl_that_is_too_long_is_none_however_it_is_read(size):
    text = "pkg:npm/x@1?a=".ljust(size, "1")
    assert told(lambda: place_of(text)) == told(lambda: place(parse(text)))
    assert (told(lambda: place_of(text)) is PurlInvalidError) == (size > MAX_PURL)
