"""verify_sigstore/1 against the conformance suite and bundles from the field: offline, without a clock, to the bit."""

import base64
import hashlib
import json
import socket
import subprocess
import sys

import msgspec
import pytest

from cas.records.proof import Key
from cas.store import save
from pipeline.adapters.keys import generate
from pipeline.attest import envelope, sigstore_bundle
from pipeline.attest.problems import KeyInvalid
from pipeline.attest.signatures import read_public
from pipeline.attest.sigstore_bundle import BundleInvalid
from pipeline.engines import EngineAbsent
from pipeline.stage import advance
from pipeline.stages import verify_sigstore
from pipeline.stages.verify_sigstore import VERIFY_SIGSTORE
from replay.rerun import EQUAL, rerun
from tests.support import sigstore
from tests.support.sigstore import CASES, DATA, STAGING, ask

BEACON = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
GITHUB = "https://token.actions.githubusercontent.com"
CLOCKS = (
    "<built-in method now of type",
    "<built-in method utcnow of type",
    "<built-in method today of type",
    "<built-in function time>",
    "<built-in function time_ns>",
    "<built-in function localtime>",
)
OTHER = "sha256:" + "2" * 64


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_given, **_named):
        raise AssertionError("a stage opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def artifact_of(path):
    own = path / "artifact"
    data = (own if own.exists() else path.parent / "a.txt").read_bytes()
    return "sha256:" + hashlib.sha256(data).hexdigest()


def case(name):
    return DATA / "bundle-verify" / name


def asked(path, **others):
    keys = [("ci", (path / "key.pub").read_bytes())] if (path / "key.pub").exists() else []
    given = {"roots": sigstore.trusted(path), "keys": keys, "subjects": (artifact_of(path),)} | others
    return ask((path / "bundle.sigstore.json").read_bytes(), **given)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_every_case_of_the_conformance_suite_is_judged_as_its_folder_says(path):
    try:
        found = asked(path).record
    except (BundleInvalid, KeyInvalid):  # the wrong key of the suite is no point on its curve
        assert path.name.endswith("_fail")
        return
    good = found.status == "verified" and found.covers
    assert good == (not path.name.endswith("_fail")), found
    if good and not (path / "key.pub").exists():
        assert [each.signer for each in found.signatures] == [f"sigstore:{GITHUB}#{BEACON}"]


def test_every_case_is_here():
    assert len(CASES) == 20


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-bad-keyhint_fail", "log_entry"),
        ("dsse-invalid-sig_fail", "signature"),
        ("inclusion-proof-corrupted-hash_fail", "log_entry"),
        ("intoto-expired-certificate_fail", "certificate"),
        ("rekor2-no-timestamp_fail", "time"),
        ("set-invalid-signature_fail", "log_entry"),
        ("signature-mismatch_fail", "signature"),
        ("wrong-hashedrekord-entry_fail", "log_entry_of_another"),
    ],
)
def test_what_is_bad_says_which_step_did_not_hold(name, step):
    found = asked(case(name))
    assert (found.record.status, found.check.status, found.check.failed) == ("bad", "bad", step)
    assert (found.check.issuer, found.check.identity, found.check.claims) == ("", "", ())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bundle.txt", ("verified", "sigstore:https://github.com/login/oauth#a@tny.town")),
        ("bundle_v3.txt", ("verified", "sigstore:https://github.com/login/oauth#william@yossarian.net")),
        ("bundle_no_log_entry.txt", ("bad", "")),
    ],
)
def test_bundles_of_the_python_client_are_judged(name, expected):
    found = ask((DATA / "sigstore-python" / f"{name}.sigstore").read_bytes(), roots={"staging": STAGING}).record
    assert (found.status, found.signatures[0].signer) == expected
    assert found.subjects[0] != OTHER


def test_a_bundle_of_an_unknown_version_is_refused():
    with pytest.raises(BundleInvalid):
        ask((DATA / "sigstore-python" / "bundle_invalid_version.txt.sigstore").read_bytes())


@pytest.mark.parametrize("path", sorted((DATA / "slsa-github-container").iterdir()), ids=lambda path: path.name[:40])
def test_provenance_of_a_slsa_builder_verifies_without_an_inclusion_proof(path):
    found = ask(path.read_bytes())
    assert found.record.status == "verified"
    claims = dict(found.check.claims)
    assert claims["build_signer_uri"].startswith(
        "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_container-based_slsa3.yml@"
    )
    assert claims["source_repository_uri"] == "https://github.com/slsa-framework/example-package"
    assert (found.check.timed_by, found.check.signed_at[:10]) == ("log", "2023-06-07")


def test_a_certificate_of_an_instance_that_is_not_trusted_is_a_strangers():
    data = (DATA / "sigstore-python" / "bundle.txt.sigstore").read_bytes()
    for roots in ({}, {"production": sigstore.PRODUCTION}):
        found = ask(data, roots=roots)
        assert (found.record.status, found.record.signatures[0].status) == ("unsigned", "unknown_key")
        assert (found.check.status, found.check.failed) == ("unknown", "not_trusted")


def test_of_several_trusted_instances_the_one_that_issued_the_certificate_decides():
    data = (DATA / "sigstore-python" / "bundle.txt.sigstore").read_bytes()
    found = ask(data, roots={"production": sigstore.PRODUCTION, "staging": STAGING})
    assert (found.record.status, found.check.instance) == ("verified", "staging")


@pytest.mark.parametrize(
    ("identities", "known"),
    [
        (((GITHUB, "https://github.com/sigstore-conformance/*"),), True),
        (((GITHUB, "https://github.com/someone-else/*"),), False),
        ((("https://accounts.google.com", "*"),), False),
        ((("https://accounts.google.com", "*"), (GITHUB, BEACON)), True),
    ],
)
def test_whoever_the_instance_may_not_vouch_for_here_is_unknown(identities, known):
    found = asked(case("happy-path-v0.3"), identities=identities)
    assert found.record.status == ("verified" if known else "unsigned")
    assert (found.check.status, found.check.listed, found.check.identity) == ("verified", known, BEACON)


def test_a_digest_that_is_not_the_signed_file_is_not_covered():
    found = asked(case("happy-path-v0.3"), subjects=(OTHER,)).record
    assert (found.status, found.covers) == ("verified", False)


def test_an_attestation_in_a_bundle_is_read_as_its_statement():
    found = asked(case("happy-path-intoto-in-dsse-v3"))
    assert found.record.predicate_type == "https://slsa.dev/provenance/v1"
    assert b"_type" in found.world.store.get(found.record.payload)


def test_the_stage_never_asks_the_clock():
    asked(case("rekor2-dsse-happy-path"))  # everything is imported
    calls = []

    def watch(_frame, event, given):
        if event == "c_call" and repr(given).startswith(CLOCKS):
            calls.append(repr(given))

    sys.setprofile(watch)
    try:
        for name in ("rekor2-dsse-happy-path", "happy-path-v0.1", "intoto-with-custom-trust-root"):
            assert asked(case(name)).record.status == "verified"
    finally:
        sys.setprofile(None)
    assert not calls


def test_the_run_names_the_libraries_that_computed():
    found = asked(case("happy-path-v0.3"))
    engines = dict(found.run.engines)
    assert set(engines) == {"cryptography", "rfc3161-client", "sigstore", "sigstore-models"}
    assert all(engines.values())


def test_without_the_library_there_is_no_answer(monkeypatch):
    monkeypatch.setattr(verify_sigstore, "find_spec", lambda _: None)
    with pytest.raises(EngineAbsent):
        asked(case("happy-path-v0.3"))


def test_asked_again_it_gives_the_same_bytes():
    first = asked(case("rekor2-happy-path"))
    store = first.world.store
    again = advance(VERIFY_SIGSTORE, save(store, first.question), store)
    assert again.record == first.record
    assert again.note.run == save(store, first.run)


def test_authorities_count_only_while_their_windows_are_open():
    """Moved windows: the certificate's authority, its log, and the certificate log each closed before the signing."""
    path = case("happy-path-v0.3")
    for list_name, failed in (
        ("certificateAuthorities", "certificate"),
        ("tlogs", "log_entry"),
        ("ctlogs", "certificate_timestamp"),
    ):
        root = json.loads(sigstore.PRODUCTION)
        for each in root[list_name]:
            (each.get("publicKey") or each)["validFor"]["end"] = "2023-01-01T00:00:00Z"
        found = ask((path / "bundle.sigstore.json").read_bytes(), roots={"moved": json.dumps(root).encode()})
        assert (found.record.status, found.check.failed) == ("bad", failed), list_name


def bundled(content, hint="", entries=()):
    """Write a bundle by a plain key."""
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": list(entries)},
            **content,
        }
    ).encode()


def message(signer, data):
    return {
        "messageSignature": {
            "messageDigest": {
                "algorithm": "SHA2_256",
                "digest": base64.b64encode(hashlib.sha256(data).digest()).decode(),
            },
            "signature": base64.b64encode(signer.sign(data)).decode(),
        }
    }


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "rsa"])
def test_a_bundle_by_a_key_of_the_directory_verifies_with_and_without_a_hint(algorithm):
    signer = generate(algorithm, purposes=("submit",))
    for hint in ("", signer.key.id, base64.b64encode(bytes.fromhex(signer.key.id)).decode()):
        found = ask(bundled(message(signer, b"file"), hint), keys=[("ci", signer.key)]).record
        assert (found.status, found.signatures[0].signer) == ("verified", "ci")
        assert found.subjects == ("sha256:" + hashlib.sha256(b"file").hexdigest(),)


def test_a_named_key_whose_signature_does_not_hold_is_bad_and_a_strangers_is_unknown():
    signer, stranger = (generate("ecdsa-p256", purposes=("submit",)) for _ in range(2))
    keys = [("ci", signer.key)]
    forged = message(stranger, b"file")
    assert ask(bundled(forged, signer.key.id), keys=keys).record.status == "bad"
    assert ask(bundled(forged), keys=keys).record.status == "unsigned"


def test_a_revoked_key_counts_before_the_place_where_it_was_revoked():
    signer = generate("ecdsa-p256", purposes=("submit",))
    gone = Key(**{name: getattr(signer.key, name) for name in ("id", "algorithm", "spki", "purposes")}, revoked_at=5)
    data = bundled(message(signer, b"file"))
    assert ask(data, keys=[("ci", gone)], position=4).record.status == "verified"
    assert ask(data, keys=[("ci", gone)], position=5).record.signatures[0].status == "revoked"


def test_every_signature_of_an_envelope_in_a_bundle_is_checked():
    one, two = (generate("ed25519", purposes=("submit",)) for _ in range(2))
    pae = envelope.pae("text/plain", b"said")
    content = {
        "dsseEnvelope": {
            "payload": base64.urlsafe_b64encode(b"said").decode(),
            "payloadType": "text/plain",
            "signatures": [{"sig": base64.b64encode(each.sign(pae)).decode()} for each in (one, two, one)],
        }
    }
    found = ask(bundled(content), keys=[("ann", one.key), ("bob", two.key)]).record
    assert [(each.signer, each.status) for each in found.signatures] == [
        ("ann", "verified"),
        ("ann", "verified"),
        ("bob", "verified"),
    ]
    assert found.payload_type == "text/plain"


def test_a_log_entry_about_another_signature_makes_a_key_signature_bad():
    path = case("managed-key-happy-path")
    bundle = json.loads((path / "bundle.sigstore.json").read_bytes())
    signer = generate("ecdsa-p256", purposes=("submit",))
    bundle["messageSignature"] = message(signer, b"another file")["messageSignature"]
    found = ask(json.dumps(bundle).encode(), keys=[("ci", signer.key)])
    assert (found.record.status, found.check.failed) == ("bad", "log_entry_of_another")
    assert ask(json.dumps(bundle).encode(), keys=[("ci", signer.key)], roots={}).record.status == "verified"


def test_the_log_entry_of_a_plain_key_is_told():
    found = asked(case("managed-key-happy-path"))
    assert (found.check.status, found.check.timed_by, found.check.log_index) == ("verified", "log", 771488337)


def npm(name):
    document = json.loads((DATA / "npm" / f"supreme-googles-cli-v02-tag{name}.tgz.json").read_text())
    return [json.dumps(each["bundle"]).encode() for each in document["attestations"]]


def npm_key():
    """Give the registry's key as its own log entry spells it."""
    entry = json.loads(npm("")[0])["verificationMaterial"]["tlogEntries"][0]
    body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
    pem = base64.b64decode(body["spec"]["content"]["envelope"]["signatures"][0]["publicKey"])
    return read_public(pem, ("submit",))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ("verified", "verified")),
        ("-invalidsigpub", ("bad", "verified")),
        ("-invalidsigprov", ("verified", "bad")),
    ],
)
def test_npm_publish_and_provenance_are_told_apart(name, expected):
    key = npm_key()
    found = [ask(each, keys=[("npm", key)]).record for each in npm(name)]
    assert tuple(each.status for each in found) == expected


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda given: given.pop("messageSignature"), "exactly one"),
        (lambda given: given["verificationMaterial"].update(publicKey={"hint": ""}), "exactly one"),
        (lambda given: given["messageSignature"].update(signature="%%%"), "base64"),
        (lambda given: given["messageSignature"]["messageDigest"].update(algorithm="SHA2_512"), "SHA-256"),
        (lambda given: given["messageSignature"]["messageDigest"].update(digest="AAAA"), "SHA-256"),
        (lambda given: given.update(verificationMaterial=[]), "object"),
        (lambda given: given["verificationMaterial"]["certificate"].update(rawBytes=""), "certificate"),
    ],
)
def test_a_bundle_that_is_not_whole_is_refused_in_words(change, why):
    given = json.loads((case("happy-path-v0.3") / "bundle.sigstore.json").read_bytes())
    change(given)
    with pytest.raises(BundleInvalid) as caught:
        sigstore_bundle.parse(json.dumps(given).encode())
    assert why in str(caught.value.fields["reason"])


@pytest.mark.parametrize(
    "change",
    [
        lambda given: given["verificationMaterial"]["certificate"].update(rawBytes="AAAA"),
        lambda given: given["verificationMaterial"]["tlogEntries"].append(
            given["verificationMaterial"]["tlogEntries"][0]
        ),
        lambda given: given["verificationMaterial"].update(tlogEntries=[]),
        lambda given: given["verificationMaterial"]["tlogEntries"][0].update(canonicalizedBody="e30="),
        lambda given: given["verificationMaterial"]["tlogEntries"][0]["inclusionProof"].update(treeSize="9"),
        lambda given: given["verificationMaterial"]["tlogEntries"][0].update(integratedTime="1"),
        lambda given: given["verificationMaterial"]["tlogEntries"][0].pop("inclusionProof"),
        lambda given: given["verificationMaterial"]["tlogEntries"][0].pop("inclusionPromise"),
        lambda given: given["verificationMaterial"]["tlogEntries"][0]["inclusionProof"].pop("checkpoint"),
    ],
)
def test_a_bundle_changed_anywhere_is_bad_never_a_crash(change):
    given = json.loads((case("happy-path-v0.3") / "bundle.sigstore.json").read_bytes())
    change(given)
    assert ask(json.dumps(given).encode()).record.status == "bad"


def test_the_watch_of_clocks_sees_a_clock():
    import datetime as dt

    assert repr(dt.datetime.now).startswith(CLOCKS)


def test_the_library_is_loaded_only_where_a_certificate_is_checked():
    """The library takes longer to import than most commands take."""
    code = (
        "import sys, pipeline.stages.catalog, pipeline.operations.ingest, api.routes.evidence, api.cli.program;"
        "assert not {'sigstore', 'pydantic', 'tuf', 'requests'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=DATA.parents[2])


def test_a_run_replays_to_the_bit_and_without_its_library_cannot_rerun():
    found = asked(case("rekor2-dsse-happy-path"))
    store = found.world.store
    assert rerun(save(store, found.run), found.run, store) == EQUAL
    engines = tuple((name, "0.0" if name == "sigstore" else version) for name, version in found.run.engines)
    elsewhere = msgspec.structs.replace(found.run, engines=engines)
    outcome = rerun(save(store, elsewhere), elsewhere, store)
    assert outcome.missing == "sigstore 0.0"
    assert outcome.difference is None
