"""Drafts of policy packs: written, checked, tried on their cases. Must not know approving, nor judging.

A draft is kept as it was written, faults and all; a ref moves it by compare and swap. What it asks is read anew each
time, against the packs, rules and tables that are stored here.
"""

import re
from dataclasses import dataclass
from typing import Final

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.policy_life import PolicyDraft
from cas.store import load, save
from pipeline.effects import Caller, Effects
from pipeline.operations.policy import find_pack, read_stored
from pipeline.operations.rules import RuleMissing
from pipeline.operations.work import Work
from policy.packs import linting
from policy.packs.marked_yaml import MAX_BYTES, YamlInvalid
from policy.packs.reading import PackInvalid, Written
from policy.packs.trying import Tried, tried

_SLUG: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
MAX_AUTHORS: Final = 200


class DraftMissing(Problem):
    """There is no draft of this name."""

    code = "policy.draft_missing"
    category = Category.MISSING
    title = "No such draft"
    remedy = "List the drafts: stella policy drafts."


class DraftInvalid(Problem):
    """A draft cannot be kept so."""

    code = "policy.draft_invalid"
    category = Category.INVALID
    title = "The draft cannot be kept"
    remedy = "Name it with letters, digits, dot, dash or underscore; keep it under 256 KiB."


class TextMissing(Problem):
    """A pack is here, but not the text it was read from."""

    code = "policy.text_missing"
    category = Category.MISSING
    title = "The pack's text is not kept here"
    remedy = "Give the file it was written in: stella policy draft NAME FILE."


class DraftMoved(Problem):
    """Somebody else wrote the draft meanwhile."""

    code = "policy.draft_moved"
    category = Category.CONFLICT
    title = "The draft was changed meanwhile"
    remedy = "Show the draft as it is now, take in what changed, and write it again."


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft by digest and value, with its text."""

    digest: Digest
    draft: PolicyDraft
    text: bytes


@dataclass(frozen=True, slots=True)
class Linted:
    """What is wrong with a pack, and what only looks wrong; each says line and column."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def write(effects: Effects, caller: Caller, name: str, text: bytes, *, expect: str | None = None) -> Drafted:
    """Keep a draft. With ``expect``, only if it still is the draft of that digest (empty: there is none yet).

    Raises: policy.draft_invalid, policy.draft_moved
    """
    if not _SLUG.match(name) or len(text) > MAX_BYTES:
        raise DraftInvalid(name=name[:128], bytes=len(text))
    work = Work(effects, caller)
    ref = refs.policy_draft(name)
    before = work.ref(ref)
    if expect is not None and expect != (before or ""):
        raise DraftMoved(name=name, draft=before or "none")
    authors = {caller.actor, *(load(effects.store, before, PolicyDraft).authors if before else ())}
    if len(authors) > MAX_AUTHORS:
        raise DraftInvalid(name=name, reason=f"more than {MAX_AUTHORS} authors: publish or discard it")
    draft = PolicyDraft(
        name=name,
        yaml=effects.store.put(text),
        authors=tuple(sorted(authors)),
        written_by=caller.actor,
        written_at=work.now,
        previous=before,
    )
    made = work.save(draft)
    work.note("policy.drafted", made, (work.move(ref, made),), beside=(draft.yaml,))
    work.commit()
    return Drafted(made, draft, text)


def find(effects: Effects, name: str) -> Drafted:
    """Give a draft by its name.

    Raises: policy.draft_missing
    """
    found = effects.log.ref(refs.policy_draft(name)) if _SLUG.match(name) else None
    if found is None:
        raise DraftMissing(name=name[:128])
    draft = load(effects.store, found, PolicyDraft)
    return Drafted(found, draft, effects.store.get(draft.yaml))


def listed(effects: Effects) -> tuple[Drafted, ...]:
    """List the drafts, by name."""
    return tuple(find(effects, ref.removeprefix(refs.policy_draft(""))) for ref, _ in effects.log.refs("policy_draft/"))


def discard(effects: Effects, caller: Caller, name: str) -> Drafted:
    """Give a draft up; its records stay.

    Raises: policy.draft_missing
    """
    found = find(effects, name)
    work = Work(effects, caller)
    work.note("policy.draft_discarded", found.digest, (work.move(refs.policy_draft(name), None),))
    work.commit()
    return found


def text_of(effects: Effects, *, yaml: str = "", draft: str = "") -> bytes:
    """Give the text that is meant: the one given, or a draft's.

    Raises: policy.draft_missing
    """
    return yaml.encode() if yaml else find(effects, draft).text


def text_kept(effects: Effects, pack: str) -> bytes:
    """Give the text that a stored pack, by name or digest, was read from: drafted again it is the very same pack.

    Raises: policy.pack_missing, policy.text_missing
    """
    name = find_pack(effects, pack)
    position = effects.log.admitted(name) or 0
    [(_, entry)] = effects.log.read(position, position + 1)
    for kept in entry.beside:
        text = effects.store.get(kept)
        if kept != name and _reads_as(effects, text, name):
            return text
    raise TextMissing(pack=name)


def _reads_as(effects: Effects, text: bytes, name: Digest) -> bool:
    try:
        return digest.of_bytes(canon.of_record(read_stored(effects, text).pack)) == name
    except Problem:
        return False


def lint(effects: Effects, text: bytes) -> Linted:
    """List every fault, and what looks wrong where there is none."""
    try:
        written = read_stored(effects, text)
    except (PackInvalid, YamlInvalid) as problem:
        return Linted(tuple(problem.fields["faults"]), ())
    except RuleMissing as problem:
        message = f"no such rule is stored here: {problem.fields['digest']}"
        return Linted((Fault("/gates", RuleMissing.code, message),), ())
    return Linted((), linting.warnings(written))


def try_cases(effects: Effects, text: bytes) -> tuple[Tried, ...]:
    """Try a pack on the cases it carries, in their order.

    Raises: policy.yaml_invalid, policy.pack_invalid, rego.rule_missing
    """
    return results(read_stored(effects, text))


def results(written: Written) -> tuple[Tried, ...]:
    """Try what was read on its cases."""
    return tried(written.flat, written.cases)


def pack_meant(effects: Effects, *, yaml: str = "", draft: str = "", pack: str = "") -> Digest:
    """Give the pack that is meant, by digest: a stored one by name or digest, or one by its text, kept unadmitted.

    Raises: policy.pack_missing, policy.draft_missing, policy.yaml_invalid, policy.pack_invalid, rego.rule_missing
    """
    if pack:
        return find_pack(effects, pack)
    written = read_stored(effects, text_of(effects, yaml=yaml, draft=draft))
    return keep(effects, written)


def keep(effects: Effects, written: Written) -> Digest:
    """Keep a pack and its cases; nothing is admitted by that."""
    if written.cases_bytes is not None:
        effects.store.put(written.cases_bytes)
    return save(effects.store, written.pack)
