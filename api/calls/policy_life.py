"""The life of policy packs: drafts, lint, cases, simulation, proposals, publishing, rollback, shadows."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from api.calls.policies import PolicyView
from cas.digest import Digest
from cas.records.base import Slug
from cas.records.policy_life import PolicyApproved, PolicyProposal

Yaml = Annotated[str, msgspec.Meta(max_length=1 << 20)]
NameOrDigest = Annotated[str, msgspec.Meta(max_length=200)]
Place = Annotated[str, msgspec.Meta(max_length=128)]


class WritePolicyDraft(Ask, frozen=True, kw_only=True):
    """Keep a draft, faults and all: a text, or that of a stored pack, by name or digest.

    ``expect``: only if it still is that one by digest; empty: whatever it is.
    """

    name: Slug
    yaml: Annotated[str, msgspec.Meta(max_length=1 << 20)] = ""
    policy: Annotated[str, msgspec.Meta(max_length=200)] = ""
    expect: Annotated[str, msgspec.Meta(max_length=71)] = ""


class OnePolicyDraft(Ask, frozen=True, kw_only=True):
    """By its name."""

    name: Place


class ListPolicyDrafts(PageAsk, frozen=True, kw_only=True):
    """Drafts, by name."""


class PolicyDraftView(Answer, frozen=True, kw_only=True):
    """A draft; ``digest`` is what the next writing may expect."""

    name: str
    digest: Digest
    authors: tuple[str, ...]
    written_by: str
    written_at: str
    yaml: str


class PolicyDraftsPage(Answer, frozen=True, kw_only=True):
    """A page of drafts."""

    items: tuple[PolicyDraftView, ...]
    next_cursor: str


class CheckPolicy(Ask, frozen=True, kw_only=True):
    """A pack as YAML, or a draft by name."""

    yaml: Yaml = ""
    draft: Place = ""


class LintLine(Answer, frozen=True, kw_only=True):
    """Something wrong, or that looks wrong: the message says line and column."""

    level: Literal["fault", "warning"]
    code: str
    pointer: str
    message: str


class LintView(Answer, frozen=True, kw_only=True):
    """What is wrong with a pack. ``valid``: it could be stored."""

    valid: bool
    items: tuple[LintLine, ...]


class CaseLine(Answer, frozen=True, kw_only=True):
    """A case; ``wrong`` says in which way the answer is not what was expected."""

    name: str
    holds: bool
    outcome: str
    wrong: tuple[str, ...]


class CasesView(Answer, frozen=True, kw_only=True):
    """How a pack's cases came out."""

    holds: bool
    items: tuple[CaseLine, ...]


class SimulatePolicy(Ask, frozen=True, kw_only=True):
    """Judge the newest verdicts again under a pack: as YAML, a draft, or a stored one by name or digest."""

    yaml: Yaml = ""
    draft: Place = ""
    policy: NameOrDigest = ""
    environment: Place = ""
    last: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class FlipLine(Answer, frozen=True, kw_only=True):
    """A verdict, and what it would have been."""

    release: str
    environment: str
    was: str
    would_be: str
    flipped: bool
    because: tuple[str, ...]
    as_of: str
    verdict: Digest
    simulated: str


class SimulationView(Answer, frozen=True, kw_only=True):
    """What came out, newest first; ``flipped`` counts those that would be otherwise."""

    digest: Digest
    pack: Digest
    judged: int
    flipped: int
    items: tuple[FlipLine, ...]


class OnePolicyProposal(Ask, frozen=True, kw_only=True):
    """By the proposal's id."""

    proposal: Annotated[str, msgspec.Meta(max_length=64)]


class ListProposals(PageAsk, frozen=True, kw_only=True):
    """Proposals that wait, oldest first."""


class ProposalView(Answer, frozen=True, kw_only=True):
    """A proposal, who wrote it, and who approved it."""

    id: str
    digest: Digest
    name: str
    version: str
    proposal: PolicyProposal
    authors: tuple[str, ...]
    approved: PolicyApproved | None
    approved_by: str


class ProposalsPage(Answer, frozen=True, kw_only=True):
    """A page of proposals."""

    items: tuple[ProposalView, ...]
    next_cursor: str


class ProposalToSign(Answer, frozen=True, kw_only=True):
    """The statement that an approver signs (base64), and the proposal it carries."""

    statement: str
    proposal: PolicyProposal


class ApprovePolicy(Ask, frozen=True, kw_only=True):
    """A DSSE envelope (base64) over the statement, signed by the approver's own key."""

    envelope: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]


class RollBackPolicy(Ask, frozen=True, kw_only=True):
    """Return to the pack that was active before."""

    environment: Slug
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=65_536)]


class SetShadow(Ask, frozen=True, kw_only=True):
    """Judge a stored pack (name or digest) beside the active one; it never counts."""

    environment: Slug
    policy: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OneEnvironment(Ask, frozen=True, kw_only=True):
    """By its name."""

    environment: Place


class ReportShadow(PageAsk, frozen=True, kw_only=True):
    """What the shadow says beside the newest verdicts of an environment."""

    environment: Place
    differing: bool = False


class ShadowLine(Answer, frozen=True, kw_only=True):
    """A verdict that counts, and what the shadow says; it never counts."""

    release: str
    verdict: Digest
    outcome: str
    shadow: Digest
    shadow_outcome: str
    differs: bool
    because: tuple[str, ...]
    pack: Digest
    as_of: str


class ShadowPage(Answer, frozen=True, kw_only=True):
    """A page of what shadows say."""

    items: tuple[ShadowLine, ...]
    next_cursor: str


class InitPolicy(Ask, frozen=True, kw_only=True):
    """Propose a pack from what is known of a release."""

    release: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    environment: Slug
    name: Slug = "proposed"


class InitView(Answer, frozen=True, kw_only=True):
    """A proposed pack; ``loosened`` are gates that the release does not meet now, which only warn."""

    yaml: str
    verdict: Digest
    loosened: tuple[str, ...]


_R, _W = "policy:read", "policy:write"

DRAFT = Call(
    "policy.draft", "PUT", "/policy-drafts/{name}", WritePolicyDraft, PolicyDraftView, _W, "Keep a draft.", person=True
)
DRAFTS = Call("policy.drafts", "GET", "/policy-drafts", ListPolicyDrafts, PolicyDraftsPage, _R, "List drafts of packs.")
SHOW_DRAFT = Call(
    "policy.draft.show", "GET", "/policy-drafts/{name}", OnePolicyDraft, PolicyDraftView, _R, "Show a draft."
)
DISCARD = Call(
    "policy.draft.discard", "DELETE", "/policy-drafts/{name}", OnePolicyDraft, PolicyDraftView, _W, "Give a draft up."
)
LINT = Call(
    "policy.lint", "POST", "/policy-checks/lint", CheckPolicy, LintView, _R, "List what is, or looks, wrong in a pack."
)
TEST = Call("policy.test", "POST", "/policy-checks/test", CheckPolicy, CasesView, _R, "Try a pack on its own cases.")
SIMULATE = Call(
    "policy.simulate",
    "POST",
    "/policy-checks/simulate",
    SimulatePolicy,
    SimulationView,
    _W,
    "Judge the newest verdicts again under a pack, and list what flips.",
)
INIT = Call(
    "policy.init", "POST", "/policy-checks/init", InitPolicy, InitView, _W, "Propose a pack from a release's evidence."
)
PROPOSE = Call(
    "policy.propose",
    "POST",
    "/policy-drafts/{name}/propose",
    OnePolicyDraft,
    ProposalView,
    _W,
    "Propose a draft whose cases hold.",
    status=201,
    person=True,
)
PROPOSALS = Call(
    "policy.proposals", "GET", "/policy-proposals", ListProposals, ProposalsPage, _R, "List proposals that wait."
)
TO_SIGN = Call(
    "policy.to_sign",
    "GET",
    "/policy-proposals/{proposal}/statement",
    OnePolicyProposal,
    ProposalToSign,
    _R,
    "Give what an approver of a pack signs.",
)
APPROVE = Call(
    "policy.approve",
    "POST",
    "/policy-approvals",
    ApprovePolicy,
    ProposalView,
    _W,
    "Take another person's signature over a proposal.",
    status=201,
)
REFUSE = Call(
    "policy.refuse",
    "DELETE",
    "/policy-proposals/{proposal}",
    OnePolicyProposal,
    ProposalView,
    _W,
    "End a proposal without effect.",
    person=True,
)
PUBLISH = Call(
    "policy.publish",
    "POST",
    "/policy-proposals/{proposal}/publish",
    OnePolicyProposal,
    PolicyView,
    _W,
    "Publish an approved pack, sealed by the server.",
    status=201,
    person=True,
)
ROLL_BACK = Call(
    "policy.rollback",
    "POST",
    "/environments/{environment}/policy/rollback",
    RollBackPolicy,
    PolicyView,
    _W,
    "Return to the pack that was active before.",
)
SET_SHADOW = Call(
    "policy.shadow.set",
    "PUT",
    "/environments/{environment}/policy/shadow",
    SetShadow,
    PolicyView,
    _W,
    "Judge a pack beside the active one; it never counts.",
)
CLEAR_SHADOW = Call(
    "policy.shadow.clear",
    "DELETE",
    "/environments/{environment}/policy/shadow",
    OneEnvironment,
    PolicyView,
    _W,
    "Judge no shadow any more.",
)
SHADOW = Call(
    "policy.shadow.report",
    "GET",
    "/environments/{environment}/policy/shadow",
    ReportShadow,
    ShadowPage,
    _R,
    "Compare the shadow with the verdicts that count.",
)
CALLS = (
    DRAFT,
    DRAFTS,
    SHOW_DRAFT,
    DISCARD,
    LINT,
    TEST,
    SIMULATE,
    INIT,
    PROPOSE,
    PROPOSALS,
    TO_SIGN,
    APPROVE,
    REFUSE,
    PUBLISH,
    ROLL_BACK,
    SET_SHADOW,
    CLEAR_SHADOW,
    SHADOW,
)
