"""verify_sigstore/1: who signed a Sigstore bundle or a cosign signature. Must not know policy, clock, network.

Time comes from the bundle: a log's promise or a timestamp authority, proven by the trusted root. A certificate verifies
as ``sigstore:<issuer>#<identity>`` when a trusted instance issued it and may vouch for that identity here; whoever it
may not vouch for is unknown, as a stranger's key is. A bundle by a plain key is held against trust root and directory
as verify/1 does; its log entry, where a trusted log wrote it, must then hold too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import cryptography

from cas import canon, digest
from cas.digest import Digest
from cas.records.attest import SigstoreCheck, SigstoreInput, SigstoreTrust
from cas.records.proof import Directory, SignatureCheck, TrustRoot, Verification
from pipeline.attest import owned, signatures
from pipeline.attest.envelope import Signature
from pipeline.attest.owned import Standard
from pipeline.attest.sigstore_bundle import Signed, key_id_of, parse
from pipeline.attest.sigstore_entry import Content, verifiers
from pipeline.engines import EngineAbsent, installed
from pipeline.stage import Stage, StageIO
from pipeline.stages.verify import statement_of
from policy.globs import matches

ENGINES: Final = (
    ("cryptography", cryptography.__version__),
    ("rfc3161-client", installed("rfc3161-client")),
    ("sigstore", installed("sigstore")),
    ("sigstore-models", installed("sigstore-models")),
)


@dataclass(frozen=True, slots=True)
class _Trusted:
    """The trusted instances: names, digests, bytes of the roots, in the record's order."""

    trust: SigstoreTrust | None
    roots: tuple[bytes, ...]


def verify(question: SigstoreInput, io: StageIO) -> Verification:
    """Answer who signed, and whether the signature covers what it should.

    (1) open the bundle; (2) hold its certificate against the trusted instances, or its signatures against the keys;
    (3) keep what became of certificate and log entry; (4) read what is signed.

    Raises: attest.bundle_invalid, attest.envelope_invalid, attest.root_invalid, attest.directory_invalid,
    stage.engine_absent, cas.too_large
    """
    bundle = parse(io.read(question.bundle))  # (1)
    trusted = _trusted(question, io)
    if bundle.certificate is not None:  # (2)
        said = _certified(bundle, trusted, question.bundle)
        checks = [_check_of(said)]
    else:
        checks, said = _keyed(bundle, trusted, question, io)
    io.keep(said)  # (3)
    statement = statement_of(bundle.envelope) if bundle.envelope else None  # (4)
    subjects = tuple(sorted({named for _, named in statement.subjects})) if statement else _named(bundle)
    return Verification(
        input=digest.of_bytes(canon.of_record(question)),
        envelope=question.bundle,
        status=owned.status(checks),
        payload=io.keep(bundle.payload if bundle.payload is not None else _named(bundle)[0].encode()),
        payload_type=bundle.payload_type,
        predicate_type=statement.predicate_type if statement else "",
        subjects=subjects,
        covers=bool(subjects) and set(question.subjects) <= set(subjects),
        signatures=tuple(checks),
    )


def _trusted(question: SigstoreInput, io: StageIO) -> _Trusted:
    if question.sigstore is None:
        return _Trusted(None, ())
    trust = io.load(question.sigstore, SigstoreTrust)
    return _Trusted(trust, tuple(io.read(each.root) for each in trust.roots))


def _named(bundle: Signed) -> tuple[Digest, ...]:
    """Give what a signature that is no statement speaks of: cosign's image, or the file of that digest."""
    if bundle.envelope is not None or bundle.hashed is None:
        return ()
    return (bundle.subject or f"sha256:{bundle.hashed.hex()}",)


def _content(bundle: Signed) -> Content:
    if bundle.envelope is not None:
        return (bundle.envelope.payload_type, bundle.envelope.payload)
    assert bundle.hashed is not None
    return bundle.hashed


def _library() -> Any:
    """Give the library's door, loaded when it is first needed.

    Raises: stage.engine_absent
    """
    if find_spec("sigstore") is None:
        raise EngineAbsent(engine="sigstore")
    from pipeline.attest import sigstore_library  # noqa: PLC0415 - large; most processes check no certificate

    return sigstore_library


def _certified(bundle: Signed, trusted: _Trusted, name: Digest) -> SigstoreCheck:
    assert bundle.certificate is not None
    fingerprint = hashlib.sha256(bundle.certificate).hexdigest()
    if trusted.trust is None:
        return _checked(name, fingerprint, status="unknown", failed="not_trusted")
    found = _library().certified(bundle.document, _content(bundle), trusted.roots)
    return _of_answer(name, fingerprint, trusted, found)


def _of_answer(name: Digest, fingerprint: str, trusted: _Trusted, found: Any) -> SigstoreCheck:
    root = trusted.trust.roots[found.instance] if trusted.trust is not None and found.instance >= 0 else None
    listed = root is not None and any(
        matches(each.issuer, found.issuer) and matches(each.identity, found.identity) for each in root.identities
    )
    return _checked(
        name,
        fingerprint,
        status=found.status,
        failed=found.failed,
        listed=listed and bool(found.identity),
        instance=root.name if root else "",
        trusted_root=root.root if root else None,
        issuer=found.issuer,
        identity=found.identity,
        claims=found.claims,
        signed_at=found.signed_at,
        timed_by=found.timed_by,
        log_id=found.log_id,
        log_index=found.log_index,
    )


def _checked(name: Digest, fingerprint: str, **told: Any) -> SigstoreCheck:
    empty: dict[str, Any] = {
        "listed": False,
        "instance": "",
        "trusted_root": None,
        "issuer": "",
        "identity": "",
        "claims": (),
        "signed_at": "",
        "timed_by": "",
        "log_id": "",
        "log_index": None,
    }
    return SigstoreCheck(bundle=name, certificate=fingerprint, **(empty | told))


def _check_of(said: SigstoreCheck) -> SignatureCheck:
    """Say it as verify/1 does; who signed is named only where the signature holds and the identity is known here."""
    status = (
        "bad" if said.status == "bad" else "verified" if said.status == "verified" and said.listed else "unknown_key"
    )
    return SignatureCheck(
        key_id=said.certificate,
        algorithm="x509",
        signer=f"sigstore:{said.issuer}#{said.identity}" if status == "verified" else "",
        status=status,  # type: ignore[arg-type]
    )


def _keyed(
    bundle: Signed, trusted: _Trusted, question: SigstoreInput, io: StageIO
) -> tuple[list[SignatureCheck], SigstoreCheck]:
    """Hold plain signatures against the keys; a trusted log that says otherwise makes what verified bad."""
    root = io.load(question.trust_root, TrustRoot)
    directory = io.load(question.directory, Directory) if question.directory is not None else None
    standard = Standard(owned.owners(root, directory, question.purpose), question.purpose, question.position)
    given = bundle.envelope.signatures if bundle.envelope else (Signature("", bundle.signature),)
    checks = sorted((_plain(bundle, each, standard) for each in given), key=owned.order)
    verified = next((each for each in checks if each.status == "verified"), None)
    if verified is None or trusted.trust is None or not bundle.entries:
        return checks, _checked(question.bundle, "", status="unknown", failed="not_trusted")
    key = next(each.key for each in standard.keys if each.key.id == verified.key_id)
    spki = signatures.spki_of(signatures.load_key(key))
    said = _of_answer(
        question.bundle, "", trusted, _library().logged(bundle.document, _content(bundle), trusted.roots, spki)
    )
    return (_all_bad(checks) if said.status == "bad" else checks), said


def _plain(bundle: Signed, given: Signature, standard: Standard) -> SignatureCheck:
    hint = given.key_id or bundle.hint
    known = _meant(bundle, given, standard)
    if bundle.payload is None:
        hashed = bundle.hashed
        assert hashed is not None
        return owned.check(hint, known, standard, lambda key: signatures.verify_hashed(key, hashed, given.signature))
    message = bundle.envelope.pae() if bundle.envelope else bundle.payload
    return owned.check(hint, known, standard, lambda key: signatures.verify(key, message, given.signature))


def _meant(bundle: Signed, given: Signature, standard: Standard) -> str:
    """Give the id of the key that the signature claims to be by: as a hint spells it, else as a log entry names it.

    A registry's own name for its key (npm's) is no digest of it; its log entry holds the key itself.
    """
    claimed = [key_id_of(given.key_id), key_id_of(bundle.hint)]
    claimed += [hashlib.sha256(each).hexdigest() for body in bundle.entries for each in verifiers(body)]
    held = {each.key.id for each in standard.keys}
    return next((each for each in claimed if each in held), "")


def _all_bad(checks: Sequence[SignatureCheck]) -> list[SignatureCheck]:
    return [
        SignatureCheck(key_id=each.key_id, algorithm=each.algorithm, signer=each.signer, status="bad")
        if each.status == "verified"
        else each
        for each in checks
    ]


VERIFY_SIGSTORE = Stage("verify_sigstore", 1, SigstoreInput, Verification, verify, engines=ENGINES)
