"""Shadow packs: judged beside the active one, recorded, shown, never counted. Must not know gates."""

from collections.abc import Iterator
from dataclasses import dataclass

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.policy_life import ShadowVerdict
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.policy import EnvironmentMissing, find_pack
from pipeline.operations.policy_simulation import because
from pipeline.operations.work import Work
from policy.packs.view import whole_of

_SHADOWS = "shadow/"


class ShadowMissing(Problem):
    """No pack is judged as a shadow there."""

    code = "policy.shadow_missing"
    category = Category.MISSING
    title = "No shadow pack there"
    remedy = "Set one: stella policy shadow set PACK --environment NAME."


@dataclass(frozen=True, slots=True)
class Compared:
    """What the shadow said beside the verdict that counted."""

    verdict_digest: Digest
    verdict: Verdict
    shadow_digest: Digest
    shadow: Verdict
    pack: Digest
    because: tuple[str, ...]


def put(effects: Effects, caller: Caller, pack: str, environment: str) -> Digest:
    """Have a stored pack judged beside the active one of an environment, from the next verdict on.

    Raises: policy.pack_missing, policy.environment_missing, policy.pack_unresolved
    """
    name = find_pack(effects, pack)
    whole_of(effects.store.get(name), effects.store.get)
    work = Work(effects, caller)
    if len(environment) > 128 or work.ref(refs.environment(environment)) is None:
        raise EnvironmentMissing(environment=environment[:128])
    if work.ref(refs.policy_shadow(environment)) != name:
        work.note("policy.shadow_set", name, (work.move(refs.policy_shadow(environment), name),))
        work.commit()
    return name


def clear(effects: Effects, caller: Caller, environment: str) -> Digest:
    """Judge no shadow any more; what was recorded stays.

    Raises: policy.shadow_missing
    """
    work = Work(effects, caller)
    name = work.ref(refs.policy_shadow(environment)) if len(environment) <= 128 else None
    if name is None:
        raise ShadowMissing(environment=environment[:128])
    work.note("policy.shadow_cleared", name, (work.move(refs.policy_shadow(environment), None),))
    work.commit()
    return name


def report(effects: Effects, environment: str) -> Iterator[Compared]:
    """Give what shadows said beside the newest verdicts of an environment, sorted by release; old ones are left out.

    A shadow is of exactly one verdict: where that is no longer the newest one, it says nothing about today.
    """
    for ref, name in effects.log.refs(_SHADOWS):
        release, _, place = ref.removeprefix(_SHADOWS).partition("/")
        if place != environment:
            continue
        found = load(effects.store, name, ShadowVerdict)
        if effects.log.ref(refs.verdict(release, place)) == found.verdict:
            yield compared(effects, found)


def beside(effects: Effects, verdict: Digest, release: Digest, environment: str) -> ShadowVerdict | None:
    """Give what the shadow said beside a verdict, if it did."""
    name = effects.log.ref(refs.shadow(release, environment))
    found = load(effects.store, name, ShadowVerdict) if name else None
    return found if found is not None and found.verdict == verdict else None


def compared(effects: Effects, found: ShadowVerdict) -> Compared:
    """Load both sides, and say what makes the difference."""
    verdict = load(effects.store, found.verdict, Verdict)
    shadow = load(effects.store, found.shadow, Verdict)
    return Compared(found.verdict, verdict, found.shadow, shadow, found.pack, because(verdict, shadow))
