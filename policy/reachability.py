"""Reachability: what analysers and sensors said of a vulnerable package, joined to one of eight states with a witness.

Static analysis and runtime observation each speak for one of two sides, reachable or unreachable. Two methods that
agree confirm each other; two sides that meet contest, and stay contested. The join is a semilattice: commutative,
associative, idempotent, so the order in which evidence came never shows. Knows targets of ReachFacts; must not know how
documents look, nor what a policy makes of a state.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cas.digest import Digest
from cas.records import picture
from cas.records.picture import Reach
from cas.records.report import ReachFacts, ReachState, ReachTarget
from cas.records.verdict import EvidenceRef
from policy.images import Purl, fits
from policy.products import purl_parts

Observation: TypeAlias = Literal["SR", "SU", "RO", "RU"]
Said: TypeAlias = tuple[Digest, ReachFacts, bool]
"""A document's digest, its facts, and whether a trusted signature covers it."""

MILLION: Final = 1_000_000
STATES: Final[tuple[ReachState, ...]] = ("U", "SR", "SU", "RO", "RU", "CR", "CU", "X")
OBSERVATIONS: Final[tuple[Observation, ...]] = ("SR", "SU", "RO", "RU")

_TRANSITIONS: Final[dict[ReachState, tuple[ReachState, ReachState, ReachState, ReachState]]] = {
    #      +SR   +SU   +RO   +RU
    "U": ("SR", "SU", "RO", "RU"),
    "SR": ("SR", "X", "CR", "X"),
    "SU": ("X", "SU", "X", "CU"),
    "RO": ("CR", "X", "RO", "X"),
    "RU": ("X", "CU", "X", "RU"),
    "CR": ("CR", "X", "CR", "X"),
    "CU": ("X", "CU", "X", "CU"),
    "X": ("X", "X", "X", "X"),
}
"""The whole table: state, then what it becomes with one more observation."""

PARTS: Final[dict[ReachState, tuple[Observation, ...]]] = {
    "U": (),
    "SR": ("SR",),
    "SU": ("SU",),
    "RO": ("RO",),
    "RU": ("RU",),
    "CR": ("SR", "RO"),
    "CU": ("SU", "RU"),
    "X": ("SR", "SU", "RO", "RU"),
}
"""The observations that a state stands for: joining with a state is joining with each of them."""

CONFIDENCE: Final[dict[ReachState, tuple[int, int]]] = {
    "U": (0, 0),
    "SR": (500_000, 790_000),
    "SU": (500_000, 790_000),
    "RO": (800_000, 890_000),
    "RU": (400_000, 590_000),
    "CR": (900_000, 1_000_000),
    "CU": (900_000, 1_000_000),
    "X": (200_000, 490_000),
}
"""Least and greatest confidence of a state, in millionths; what the analyser said of itself moves it in between."""

VEX_STATUS: Final[dict[ReachState, tuple[str, str]]] = {
    "U": ("under_investigation", ""),
    "SR": ("affected", ""),
    "SU": ("under_investigation", ""),
    "RO": ("affected", ""),
    "RU": ("under_investigation", ""),
    "CR": ("affected", ""),
    "CU": ("not_affected", "vulnerable_code_not_in_execute_path"),
    "X": ("under_investigation", ""),
}
"""The VEX status and justification that a state supports by itself. Only both methods together support closing."""

REACHABLE: Final = frozenset({"SR", "RO", "CR"})
UNREACHABLE: Final = frozenset({"SU", "RU", "CU"})

_POSITIVE: Final = frozenset({"reachable", "observed"})
_NEGATIVE: Final = frozenset({"unreachable", "unobserved"})
NOWHERE: Final = picture.NOWHERE


def transition(state: ReachState, observation: Observation) -> ReachState:
    """Give the state after one more observation."""
    return _TRANSITIONS[state][OBSERVATIONS.index(observation)]


def join(left: ReachState, right: ReachState) -> ReachState:
    """Give the state that knows what both know."""
    for observation in PARTS[right]:
        left = transition(left, observation)
    return left


@dataclass(frozen=True, slots=True)
class _Word:
    """A target that speaks of the finding, with the document it stands in."""

    document: Digest
    facts: ReachFacts
    target: ReachTarget
    verified: bool
    named: bool  # it names the vulnerability, not only the package

    @property
    def ref(self) -> EvidenceRef:
        return EvidenceRef(digest=self.document, pointer=self.target.pointer)

    @property
    def positive(self) -> bool:
        return self.target.said in _POSITIVE

    @property
    def negative(self) -> bool:
        """Say that the code is not reached: only what is signed can."""
        return self.target.said in _NEGATIVE and self.verified


class Spoken:
    """What documents say, found by the name of a vulnerability or, where a target names none, of a package."""

    def __init__(self, said: Iterable[Said]) -> None:
        """Take documents in any order; the same one twice is one."""
        self._by_name: dict[str, list[_Word]] = {}
        self._by_package: dict[str, list[_Word]] = {}
        for document, facts, verified in said:
            for target in facts.targets:
                word = _Word(document, facts, target, verified, named=bool(target.names))
                for name in target.names:
                    self._by_name.setdefault(name, []).append(word)
                parts = purl_parts(target.purl) if not target.names else None
                if parts is not None:
                    self._by_package.setdefault(_family(parts), []).append(word)

    def about(self, names: Iterable[str], purl: str) -> list[_Word]:
        """Give each target that speaks of a vulnerability in a package, once."""
        found = purl_parts(purl)
        told = [word for name in sorted(set(names)) for word in self._by_name.get(name, ())]
        told += self._by_package.get(_family(found), ()) if found is not None else ()
        once = {id(word): word for word in told}
        return [word for word in once.values() if _speaks_of(word.target.purl, found)]


def _family(purl: Purl) -> str:
    return f"{purl.type}/{purl.namespace}/{purl.name}"


def reach_of(said: Iterable[Said], names: Iterable[str], purl: str) -> Reach:
    """Join everything said about one vulnerability in one package: see ``reach_in``."""
    return reach_in(Spoken(said), names, purl)


def reach_in(spoken: Spoken, names: Iterable[str], purl: str) -> Reach:
    """Join everything said about one vulnerability in one package.

    (1) A target speaks of the finding when it names the vulnerability, or names none and the package. (2) Who names the
    vulnerability is heard before who says only that the package is used: a used package is no used function. (3) Each
    document gives one observation: reachable if any symbol is, unreachable only if all are. The unsigned may raise
    towards reachable, never lower. (4) Observations are joined by the table. (5) The shortest witness is shown.
    """
    words = spoken.about(names, purl)  # (1)
    if not words:
        return NOWHERE
    heard = _heard(words)  # (2)
    observed: dict[Observation, int] = {}
    for document in sorted({word.document for word in heard}):
        observation, confidence = _observation([word for word in heard if word.document == document])  # (3)
        if observation is not None:
            observed[observation] = max(confidence, observed.get(observation, 0))
    state: ReachState = "U"
    for observation in OBSERVATIONS:
        if observation in observed:
            state = transition(state, observation)  # (4)
    return Reach(
        state=state,
        path=_witness(heard, purl),  # (5)
        confidence=_confidence(state, max(observed.values(), default=0)),
        evidence=tuple(sorted({word.ref for word in words}, key=lambda ref: (ref.digest, ref.pointer))),
    )


def _speaks_of(claimed: str, found: Purl | None) -> bool:
    if not claimed:
        return True
    parts = purl_parts(claimed)
    return parts is not None and found is not None and fits(_plain(parts), _plain(found))


def _plain(purl: Purl) -> Purl:
    """Write Go versions without their v: tools differ."""
    if purl.type != "golang":
        return purl
    return Purl(purl.type, purl.namespace, purl.name, purl.version.removeprefix("v"), purl.qualifiers)


def _heard(words: list[_Word]) -> list[_Word]:
    answered = any(word.named and (word.positive or word.negative) for word in words)
    return [word for word in words if word.named or word.negative] if answered else words


def _observation(words: list[_Word]) -> tuple[Observation | None, int]:
    """Give what one document says, and how sure it is: one reached symbol is enough, all must be unreached."""
    static = words[0].facts.method == "static"
    reached = [word.target.confidence for word in words if word.positive]
    if reached:
        return ("SR" if static else "RO"), max(reached)
    if all(word.negative for word in words):
        return ("SU" if static else "RU"), min(word.target.confidence for word in words)
    return None, 0


def _witness(words: list[_Word], purl: str) -> tuple[str, ...]:
    """Give package → vulnerable symbol → its callers → entry point; the shortest one, then the first by spelling."""
    paths = [
        word.target.path or ((word.target.symbol,) if word.target.symbol else ()) for word in words if word.positive
    ]
    best = min((path for path in paths if path), key=lambda path: (len(path), path), default=())
    return (purl, *reversed(best)) if best else ()


def _confidence(state: ReachState, said: int) -> int:
    least, greatest = CONFIDENCE[state]
    return least + (greatest - least) * said // MILLION
