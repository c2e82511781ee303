"""The rules of trust roots and directories, as pure checks. Must not know signatures over them, nor the log.

All faults of a document are reported together.
"""

from collections.abc import Iterator

from cas.problems import Fault
from cas.records.proof import Directory, Key, Person, TrustRoot
from pipeline.attest.problems import DirectoryInvalid, KeyInvalid, RootInvalid
from pipeline.attest.signatures import load_key

RESERVED_LOGINS = frozenset({"root", "server"})
PERSONAL = frozenset({"approve", "submit", "policy"})


def check_root(root: TrustRoot) -> None:
    """Judge a trust root by itself: every key, the order, the threshold, one role per key.

    Raises: attest.root_invalid
    """
    faults = [*_key_faults(root.keys, "/keys"), *_root_faults(root)]
    if faults:
        raise RootInvalid(reason=faults[0].message, pointer=faults[0].pointer, faults=tuple(faults))


def check_change(old: TrustRoot, new: TrustRoot) -> None:
    """Judge a trust root as the successor of another: keys are revoked, never forgotten, never unrevoked.

    Raises: attest.root_invalid
    """
    check_root(new)
    faults = []
    if new.version != old.version + 1:
        faults.append(Fault("/version", "not_next", f"version must be {old.version + 1}"))
    if new.origin != old.origin:
        faults.append(Fault("/origin", "moved", "the origin never changes"))
    keys = {key.id: key for key in new.keys}
    for key in old.keys:
        kept = keys.get(key.id)
        if kept is None or (kept.algorithm, kept.spki, kept.purposes) != (key.algorithm, key.spki, key.purposes):
            faults.append(Fault("/keys", "changed", f"key {key.id} may be revoked, not removed or changed"))
        elif key.revoked_at is not None and kept.revoked_at != key.revoked_at:
            faults.append(Fault("/keys", "unrevoked", f"key {key.id} stays revoked where it was"))
    if faults:
        raise RootInvalid(reason=faults[0].message, pointer=faults[0].pointer, faults=tuple(faults))


def check_directory(directory: Directory, root: TrustRoot) -> None:
    """Judge a directory: one person per login and id, one owner per key, no key of the trust root.

    Raises: attest.directory_invalid
    """
    faults = list(_people_faults(directory.people))
    owners = dict.fromkeys((key.id for key in root.keys), "the trust root")
    for at, person in enumerate(directory.people):
        faults += _key_faults(person.keys, f"/people/{at}/keys")
        for key in person.keys:
            if key.id in owners:
                message = f"key {key.id} already belongs to {owners[key.id]}"
                faults.append(Fault(f"/people/{at}/keys", "two_owners", message))
            if not PERSONAL.issuperset(key.purposes):
                faults.append(Fault(f"/people/{at}/keys", "purpose", "a person's key may approve, submit, policy"))
            owners[key.id] = person.login
    if faults:
        raise DirectoryInvalid(reason=faults[0].message, pointer=faults[0].pointer, faults=tuple(faults))


def counting_roots(root: TrustRoot) -> tuple[Key, ...]:
    """List the root keys that are not revoked."""
    return tuple(key for key in root.keys if "root" in key.purposes and key.revoked_at is None)


def _root_faults(root: TrustRoot) -> Iterator[Fault]:
    if not 1 <= root.threshold <= len(counting_roots(root)):
        yield Fault("/threshold", "unreachable", "the threshold needs as many root keys that are not revoked")
    if root.origin not in {key.id for key in root.keys if "root" in key.purposes}:
        yield Fault("/origin", "unknown", "the origin is the id of the first root key")
    if (root.version == 1) != (root.previous is None):
        yield Fault("/previous", "chain", "every version but the first names the one before")
    for key in root.keys:
        if "root" in key.purposes and len(key.purposes) > 1:
            yield Fault("/keys", "two_roles", f"root key {key.id} may sign nothing but the trust root")


def _key_faults(keys: tuple[Key, ...], pointer: str) -> Iterator[Fault]:
    ids = [key.id for key in keys]
    if ids != sorted(set(ids)):
        yield Fault(pointer, "order", "keys are sorted by id, each once")
    for at, key in enumerate(keys):
        if not key.purposes or list(key.purposes) != sorted(set(key.purposes)):
            yield Fault(f"{pointer}/{at}/purposes", "order", "purposes are sorted, each once, at least one")
        try:
            load_key(key)
        except KeyInvalid as problem:
            yield Fault(f"{pointer}/{at}", "key", problem.detail())


def _people_faults(people: tuple[Person, ...]) -> Iterator[Fault]:
    logins = [person.login for person in people]
    if logins != sorted(set(logins)):
        yield Fault("/people", "order", "people are sorted by login, each once")
    if len({person.id for person in people}) != len(people):
        yield Fault("/people", "twice", "two logins share one person id")
    for at, person in enumerate(people):
        if person.login in RESERVED_LOGINS:
            yield Fault(f"/people/{at}/login", "reserved", f"{person.login} is not a person")
        if list(person.groups) != sorted(set(person.groups)):
            yield Fault(f"/people/{at}/groups", "order", "groups are sorted, each once")
