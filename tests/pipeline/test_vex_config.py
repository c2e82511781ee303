"""A VEX provider's configuration is read by shapes and judged whole: all faults at once, each with its fixed code."""

import pytest

from pipeline.vex_config import (
    FIELDS,
    Around,
    ArtifactRef,
    ProviderConfigInvalid,
    ProviderConfigRequired,
    build,
    read,
    split_registry,
    texts_of,
)

DIGEST = "sha256:" + "1" * 64
KEYED = {"images": ("reg.test/app:v1",), "mode": ("keypair",), "keys": ("k",)}
KEYLESS = {"images": ("app",), "mode": ("keyless",), "issuer": ("https://i.test",), "subject": ("ci@acme.test",)}


def around(*, sigstore=False, unfit=None):
    return Around(dict.fromkeys(("k", "r", "c"), DIGEST), unfit or {}, sigstore=sigstore)


def codes(texts, problem=ProviderConfigInvalid, **beside):
    with pytest.raises(problem) as caught:
        build("acme", texts, around(**beside), None)
    return [(one.pointer, one.code.removeprefix("PROVIDER_CONFIG_")) for one in caught.value.fields["faults"]]


def test_the_four_shapes_are_there():
    assert {field.shape for field in FIELDS} == {"scalar", "list<string>", "artifactRef", "list<artifactRef>"}


@pytest.mark.parametrize(
    "value", [("a.test/x:1", "b.test/y"), "a.test/x:1\n\n  b.test/y \n", '["a.test/x:1", "b.test/y"]']
)
def test_a_list_of_strings_is_an_array_lines_or_json(value):
    assert read({"images": value}) == {"images": ("a.test/x:1", "b.test/y")}


def test_a_reference_to_an_artifact_is_its_id_bare_or_in_an_object():
    ref = ArtifactRef(artifact_id="k")
    assert read({"tuf_root": ref}) == read({"tuf_root": "k"}) == {"tuf_root": ("k",)}
    assert read({"keys": (ref, "r")}) == {"keys": ("k", "r")}
    assert read({"keys": ref}) == {"keys": ("k",)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", ("keyless",)),
        ("mode", True),
        ("mode", ArtifactRef(artifact_id="k")),
        ("tuf_root", ("a", "b")),
        ("images", "[1]"),
        ("images", "[not json"),
        ("offline", "perhaps"),
        ("subject", "a\nb"),
        ("issuer", "x" * 2000),
        ("colour", "red"),
    ],
)
def test_a_value_of_another_shape_is_refused_at_its_field(field, value):
    with pytest.raises(ProviderConfigInvalid) as caught:
        read({field: value})
    assert [(one.pointer, one.code) for one in caught.value.fields["faults"]] == [
        (f"/fields/{field}", "PROVIDER_CONFIG_INVALID_FIELD")
    ]


def test_an_empty_configuration_says_all_that_is_wrong_at_once():
    assert codes({}) == [
        ("/fields/images", "MISSING_IMAGE_SUBSCRIPTIONS"),
        ("/fields/mode", "INVALID_COSIGN_MODE"),
    ]


def test_what_only_lacks_something_is_incomplete_and_not_invalid():
    assert codes({"mode": ("keyless",)}, ProviderConfigRequired) == [
        ("/fields/images", "MISSING_IMAGE_SUBSCRIPTIONS"),
        ("/fields/issuer", "MISSING_COSIGN_ISSUER"),
        ("/fields/subject", "MISSING_COSIGN_SUBJECT"),
        ("/fields/tuf_root", "MISSING_TUF_ROOT"),
    ]
    assert codes({**KEYED, "keys": ()}, ProviderConfigRequired) == [("/fields/keys", "MISSING_COSIGN_KEY")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"images": ("ok.test/x", "Not A Reference")}, ("/fields/images/1", "INVALID_IMAGE_REFERENCE")),
        ({"images": ("https://reg.test/x",)}, ("/fields/images/0", "INVALID_IMAGE_REFERENCE")),
        ({"images": ("http://reg.test/x",)}, ("/fields/images/0", "HTTP_REGISTRY_BLOCKED")),
        ({"registry": ("http://reg.test",)}, ("/fields/registry", "HTTP_REGISTRY_BLOCKED")),
        ({"registry": ("reg.test/path",)}, ("/fields/registry", "INVALID_FIELD")),
        ({"mode": ("cosign",)}, ("/fields/mode", "INVALID_COSIGN_MODE")),
        ({"keys": ("gone",)}, ("/fields/keys/0", "MISSING_COSIGN_KEY")),
        ({"tuf_root": ("gone",)}, ("/fields/tuf_root", "MISSING_TUF_ROOT")),
        ({"credential": ("env:NAME",)}, ("/fields/credential", "INVALID_FIELD")),
        ({"allow_private": ("true",)}, ("/fields/allow_private", "INVALID_FIELD")),
        ({"registry": ("reg.test",), "also": ("https://x.test",)}, ("/fields/also/0", "INVALID_FIELD")),
    ],
)
def test_one_fault_has_its_code(change, fault):
    problem = ProviderConfigRequired if "MISSING" in fault[1] else ProviderConfigInvalid
    assert codes({**KEYED, **change}, problem) == [fault]


def test_an_artifact_that_is_not_what_its_field_wants_is_told_with_the_reason():
    assert codes(KEYED, ProviderConfigRequired, unfit={("keys", "k"): "no key"}) == [
        ("/fields/keys/0", "MISSING_COSIGN_KEY")
    ]


def test_a_secret_in_place_of_a_reference_is_refused_and_never_repeated():
    with pytest.raises(ProviderConfigInvalid) as caught:
        build("acme", {**KEYED, "registry": ("reg.test",), "credential": ("hunter2",)}, around(), None)
    assert "hunter2" not in repr(caught.value.fields) + caught.value.detail()


def test_keyless_wants_a_root_of_its_own_when_it_is_offline_or_none_is_trusted_here():
    build("acme", KEYLESS, around(sigstore=True), None)
    for texts, sigstore in ((KEYLESS, False), ({**KEYLESS, "offline": ("true",)}, True)):
        assert codes(texts, ProviderConfigRequired, sigstore=sigstore) == [("/fields/tuf_root", "MISSING_TUF_ROOT")]


def test_a_bare_glob_is_nobody():
    assert codes({**KEYLESS, "subject": ("*",)}, ProviderConfigRequired, sigstore=True) == [
        ("/fields/subject", "MISSING_COSIGN_SUBJECT")
    ]


def test_checking_nothing_must_be_said():
    assert build("acme", {"images": ("app",), "mode": ("none",)}, around(), None).mode == "none"
    assert ("/fields/mode", "INVALID_COSIGN_MODE") in codes({"images": ("app",)})


def test_a_record_is_spelled_as_the_fields_it_was_made_of():
    texts = {**KEYED, "registry": ("https://10.0.0.5:5000",), "allow_private": ("true",), "also": ("auth.test",),
             "credential": ("file:/etc/creds",), "ca": ("c",), "offline": ("true",)}  # fmt: skip
    assert texts_of(build("acme", texts, around(), None)) == texts


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("reg.test:5000", ("https", "reg.test:5000")),
        ("127.0.0.1:5000", ("http", "127.0.0.1:5000")),
        ("https://localhost", ("https", "localhost")),
        ("http://[::1]:80", ("http", "[::1]:80")),
        ("ftp://reg.test", ("", "")),
        ("user@reg.test", ("", "")),
        ("reg.test\n", ("", "")),
    ],
)
def test_a_registry_without_scheme_is_plain_on_this_machine_only(text, split):
    assert split_registry(text) == split
