"""Which Sigstore instances are trusted, and for whom: changed only under the trust root, read by verify_sigstore/1.

A trusted_root.json is kept byte for byte, and judged before it is admitted. Nothing is fetched: who hands it over has
got it by a way of their own (a TUF client, a private instance's owner), and compares it there.
"""

from collections.abc import Sequence
from typing import Final

from cas import digest, refs
from cas.problems import Category, Fault, Problem
from cas.records.attest import SigstoreRoot, SigstoreTrust
from cas.store import load
from pipeline.attest import statements
from pipeline.effects import Caller, Effects
from pipeline.engines import EngineAbsent, installed
from pipeline.operations import trust

MAX_ROOT: Final = 1 << 20
MAX_ROOTS: Final = 16


class SigstoreTrustInvalid(Problem):
    """A record of trusted Sigstore instances breaks its rules, or a trusted root cannot be read."""

    code = "trust.sigstore_invalid"
    category = Category.INVALID
    title = "Unacceptable trust in Sigstore"
    remedy = "Give a whole trusted_root.json, and say by --identity for whom the instance may vouch here."


def current(effects: Effects) -> SigstoreTrust | None:
    """Give the instances that are trusted; None while there was never one."""
    name = effects.log.ref(refs.SIGSTORE)
    return load(effects.store, name, SigstoreTrust) if name else None


def check(record: SigstoreTrust, files: Sequence[bytes], effects: Effects) -> None:
    """Judge a record: names, identities, and every trusted root, which is at hand or in the store.

    Raises: trust.sigstore_invalid, stage.engine_absent
    """
    held = {digest.of_bytes(data): data for data in files}
    names = [each.name for each in record.roots]
    faults = []
    if names != sorted(set(names)) or len(names) > MAX_ROOTS:
        faults.append(Fault("/roots", "order", f"instances are sorted by name, each once, at most {MAX_ROOTS}"))
    for at, root in enumerate(record.roots):
        faults += _faults(f"/roots/{at}", root, held.get(root.root) or _stored(effects, root.root))
    if faults:
        raise SigstoreTrustInvalid(reason=faults[0].message, pointer=faults[0].pointer, faults=tuple(faults))


def _stored(effects: Effects, name: str) -> bytes | None:
    return effects.store.get(name) if effects.store.has(name) else None


def _faults(pointer: str, root: SigstoreRoot, data: bytes | None) -> list[Fault]:
    listed = [(each.issuer, each.identity) for each in root.identities]
    faults = []
    if not listed or listed != sorted(set(listed)):
        said = "an instance vouches for at least one identity; they are sorted, each once"
        faults.append(Fault(f"{pointer}/identities", "order", said))
    if data is None:
        return [*faults, Fault(f"{pointer}/root", "missing", "the trusted root came neither along nor before")]
    if len(data) > MAX_ROOT:
        return [*faults, Fault(f"{pointer}/root", "too_large", f"a trusted root has at most {MAX_ROOT} bytes")]
    reason = unreadable(data)
    return [*faults, Fault(f"{pointer}/root", "unreadable", reason)] if reason else faults


def unreadable(data: bytes) -> str:
    """Say why bytes are no trusted root; empty when they are one.

    Raises: stage.engine_absent
    """
    if not installed("sigstore"):
        raise EngineAbsent(engine="sigstore")
    from pipeline.attest.sigstore_roots import read_root  # noqa: PLC0415 - large, and few commands need it

    try:
        read_root(data)
    except ValueError as error:
        return str(error)
    return ""


def change(effects: Effects, caller: Caller, envelope_bytes: bytes, files: Sequence[bytes]) -> SigstoreTrust:
    """Admit the next record, signed by the trust root's threshold; trusted roots that are new come along as files.

    Raises: trust.sigstore_invalid, trust.not_signed, trust.not_founded, attest.*, cas.expectation_failed
    """
    standing = trust.current(effects)
    _, record = statements.content_of(trust.statement_in(envelope_bytes), "sigstore-trust", SigstoreTrust)
    now = effects.log.ref(refs.SIGSTORE)
    version = load(effects.store, now, SigstoreTrust).version if now else 0
    if record.previous != now or record.version != version + 1:
        raise SigstoreTrustInvalid(reason="it does not follow the current record", pointer="/previous")
    check(record, files, effects)
    wanted = {each.root for each in record.roots}
    for data in files:
        if digest.of_bytes(data) in wanted:
            effects.store.put(data)
    trust.admit(effects, caller, standing, refs.SIGSTORE, record, envelope_bytes)
    return record
