"""``policy init``: propose a pack from the evidence of a release, and prove that it lets that release through.

Nothing is stored but the runs: the proposal is text, to be read, changed, drafted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cas import refs
from cas.digest import Digest
from cas.pictures import picture_of
from cas.problems import Category, Problem
from cas.records.picture import Picture
from cas.records.verdict import GateResult, Question
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations import asking, policy_drafts
from pipeline.operations.policy import read_stored
from policy.packs import proposing
from policy.packs.proposing import Use


class ProposalEmpty(Problem):
    """There is nothing to propose from."""

    code = "policy.init_empty"
    category = Category.MISSING
    title = "There is no evidence to propose a pack from"
    remedy = "Submit evidence about the release's images first: stella evidence submit."


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed pack as YAML; ``loosened`` are the ids that this release does not meet, which only warn."""

    yaml: str
    verdict: Digest
    loosened: tuple[str, ...]


def propose(effects: Effects, caller: Caller, release: str, environment: str, name: str) -> Proposal:
    """Propose a pack for an environment from what is known of a release.

    (1) the picture, under no pack; (2) what it would be held to; (3) try it, and let what it does not meet only warn;
    (4) the simulated verdict under the proposal allows.

    Raises: promotion.not_admitted, policy.init_empty, as ``asking.simulate``
    """
    bare = asking.simulate(effects, caller, release, environment, heads={refs.policy(environment): None})  # (1)
    picture = picture_of(bare.verdict.assessment, effects.store.get)
    if not isinstance(picture, Picture) or not picture.evidence:
        raise ProposalEmpty(release=release[:128], environment=environment[:128])
    question = load(effects.store, bare.verdict.question, Question)
    uses = proposing.propose(picture, question)  # (2)
    about = f"Proposed from release {bare.place.release.name} for {environment}, as of {bare.verdict.as_of}."
    tried, verdict = _try(effects, caller, bare, proposing.write(name, about, uses))
    missed = {one.id for one in tried if one.status in {"fail", "unknown"}}
    uses = tuple(_loosened(uses, missed))  # (3)
    text = proposing.write(name, about, uses)
    if missed:
        _, verdict = _try(effects, caller, bare, text)
    return Proposal(text, verdict, tuple(sorted(missed)))


def _try(effects: Effects, caller: Caller, bare: asking.Judged, text: str) -> tuple[tuple[GateResult, ...], Digest]:
    pack = policy_drafts.keep(effects, read_stored(effects, text.encode()))
    place = bare.place
    judged = asking.simulate(effects, caller, place.release_digest, place.environment.name, policy=pack)
    return judged.verdict.gates, judged.digest


def _loosened(uses: Iterable[Use], missed: set[str]) -> Iterable[Use]:
    for use in uses:
        yield replace(use, enforcement="warn", why=f"{use.why}: NOT MET NOW") if use.id in missed else use
