"""Gate answers: judge a release for an environment, read a verdict, have it explained."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Instant, Slug
from cas.records.verdict import Verdict


class WhyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the why tree: rule, finding, component, evidence line, what would flip it. ``depth`` indents it."""

    depth: int
    kind: str
    text: str
    code: str = ""
    digest: str = ""
    pointer: str = ""
    rule: str = ""  # of a rule: its id in the pack, what it is held to, what it answered
    enforcement: str = ""
    status: str = ""


class GateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One gate's answer in short."""

    id: str
    gate: str
    status: str
    enforcement: str
    findings: int
    asks: str
    remedy: str


class EvaluateGate(Ask, frozen=True, kw_only=True):
    """Judge a release for an environment. Heads and time are the instance's: nothing else can be chosen."""

    release: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    environment: Slug


class SimulateGate(Ask, frozen=True, kw_only=True):
    """What if? Whatever is chosen here makes the verdict a simulation, which no decision accepts."""

    release: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    environment: Slug
    as_of: Annotated[str, msgspec.Meta(max_length=20)] = ""
    policy: Annotated[str, msgspec.Meta(max_length=71)] = ""
    feed: Annotated[str, msgspec.Meta(max_length=71)] = ""


class VerdictView(Answer, frozen=True, kw_only=True):
    """A verdict with its gates and reasons in words."""

    id: str
    digest: Digest
    outcome: Literal["allow", "deny", "undecided"]
    warned: bool
    release: str
    environment: str
    purpose: str
    as_of: Instant
    valid_until: Instant
    policy: str
    gates: tuple[GateLine, ...]
    why: tuple[WhyLine, ...]
    verdict: Verdict
    standing: int | None  # position of the entry that admitted it; null: it has no standing here
    shadow: str = ""  # what the shadow pack says beside it, which never counts; empty: there is none
    shadow_verdict: str = ""


class ShowVerdict(Ask, frozen=True, kw_only=True):
    """By digest or id."""

    verdict: str


class ListVerdicts(PageAsk, frozen=True, kw_only=True):
    """The newest verdict of each release and environment."""

    release: str = ""
    environment: str = ""


class VerdictLine(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict in a list."""

    digest: Digest
    outcome: str
    release: str
    environment: str
    as_of: Instant
    valid_until: Instant


class VerdictsPage(Answer, frozen=True, kw_only=True):
    """A page of verdicts."""

    items: tuple[VerdictLine, ...]
    next_cursor: str


class FixLine(msgspec.Struct, frozen=True, kw_only=True):
    """One step towards an answer, in words and in parts. ``closes``: vulnerabilities, or what the step is about."""

    kind: Literal["upgrade", "accept", "act"]
    text: str
    component: str
    purl: str
    to: str
    closes: tuple[str, ...]


class VerdictFixes(Answer, frozen=True, kw_only=True):
    """The shortest set of steps that turns a verdict.

    ``known``: such a set was found. ``minimal``: no smaller one does. ``verified``: the gates were asked about it, and
    answered ``then``; a document that is still to come can be asked about by nobody. ``unasked``: custom rules of the
    pack that gave no answer when asked again, because their engine is absent or they failed: then nothing is verified.
    """

    digest: Digest
    outcome: Literal["allow", "deny", "undecided"]
    known: bool
    minimal: bool
    verified: bool
    then: Literal["allow", "deny", "undecided"]
    fixes: tuple[FixLine, ...]
    unasked: tuple[Digest, ...] = ()


class CompareVerdicts(Ask, frozen=True, kw_only=True):
    """What is different now? ``against`` is the earlier verdict; both by digest or id."""

    verdict: str
    against: str


class GateChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A gate that answers differently; empty where only one verdict asked it."""

    id: str
    before: str
    after: str
    appeared: tuple[str, ...]
    gone: tuple[str, ...]


class MaterialChange(msgspec.Struct, frozen=True, kw_only=True):
    """A material change and its rule (R1 reachability, R2 VEX, R3 range, R4 intelligence or policy), with its gates."""

    rule: Literal["R1", "R2", "R3", "R4"]
    code: str
    component: str
    package: str
    vulnerability: str
    before: str
    after: str
    gates: tuple[str, ...]
    text: str


class EvidenceChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that came, went, or stands differently."""

    component: str
    platform: str
    type: str
    format: str
    raw: str
    before: str
    after: str


class VerdictsDiff(Answer, frozen=True, kw_only=True):
    """The difference between two verdicts: inputs, gates, material changes, evidence."""

    old: Digest
    new: Digest
    before: Literal["allow", "deny", "undecided"]
    after: Literal["allow", "deny", "undecided"]
    old_release: str
    new_release: str
    environment: str
    inputs: tuple[tuple[str, str, str], ...]
    gates: tuple[GateChangeLine, ...]
    changes: tuple[MaterialChange, ...]
    evidence: tuple[EvidenceChangeLine, ...]


EVALUATE = Call(
    "gate.evaluate",
    "POST",
    "/gate/evaluate",
    EvaluateGate,
    VerdictView,
    "gate:run",
    "Judge a release for an environment with everything that is admitted.",
)
SIMULATE = Call(
    "gate.simulate",
    "POST",
    "/gate/simulate",
    SimulateGate,
    VerdictView,
    "gate:run",
    "Judge with another time, policy or feed; the verdict counts for nothing.",
)
SHOW = Call("verdict.show", "GET", "/verdicts/{verdict}", ShowVerdict, VerdictView, "gate:read", "Show a verdict.")
LIST = Call("verdict.list", "GET", "/verdicts", ListVerdicts, VerdictsPage, "gate:read", "List newest verdicts.")

FIXES = Call(
    "verdict.fixes",
    "GET",
    "/verdicts/{verdict}/fixes",
    ShowVerdict,
    VerdictFixes,
    "gate:read",
    "Give the shortest set of steps that turns a verdict, asked again of its gates.",
)
DIFF = Call(
    "verdict.diff",
    "GET",
    "/verdicts/{verdict}/diff",
    CompareVerdicts,
    VerdictsDiff,
    "gate:read",
    "Say what is different from an earlier verdict, and which changes are material.",
)

CALLS = (EVALUATE, SIMULATE, LIST, SHOW, FIXES, DIFF)
