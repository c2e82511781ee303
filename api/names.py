"""Names behind pseudonyms, and records behind what people type. Looks up; decides nothing."""

from cas import digest, refs
from cas.digest import Digest
from cas.problems import EntryMissing
from cas.records.base import ActorId
from cas.records.proof import Directory
from cas.store import load
from pipeline.effects import Effects


def who(effects: Effects, actor: ActorId) -> str:
    """Give the login behind a pseudonym, or the pseudonym itself."""
    head = effects.log.ref(refs.DIRECTORY)
    if head is not None and actor.startswith("person:"):
        for person in load(effects.store, head, Directory).people:
            if person.id == actor:
                return person.login
    return actor


def record_named(effects: Effects, text: str) -> Digest:
    """Give the digest that a digest, an id (UUID) or its record's name means.

    Raises: cas.entry_missing, cas.digest_invalid
    """
    if text.startswith("sha256:"):
        return digest.parse(text)
    found = effects.log.ref(refs.named(text)) or effects.log.ref(refs.release(text))
    if found is None:
        raise EntryMissing(name=text[:128])
    return found
