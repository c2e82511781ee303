"""What every report of a verdict shows: gates with their findings in words, files where documents were given by name.

Foreign text is made printable here, once; each report escapes for its own syntax. Must not know any report's form.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from api.calls.verdicts import VerdictView
from api.cli.output import escape
from cas.digest import Digest
from cas.records.verdict import EvidenceRef, Finding, GateResult
from pipeline.formats.spots import Spot, spots
from policy import render
from policy.explain import explain, slots

FINDINGS: Final = 20_000
"""So many findings are reported one by one; the verdict itself holds all."""


@dataclass(frozen=True, slots=True)
class Files:
    """Documents by the digest of their bytes, as the one who asks has them: path and bytes."""

    held: Mapping[Digest, tuple[str, bytes]] = field(default_factory=dict)

    def located(self, refs: Iterable[EvidenceRef]) -> dict[EvidenceRef, tuple[str, Spot]]:
        """Give path and spot of each reference into a document that is at hand; each document is read once."""
        wanted: dict[Digest, set[str]] = {}
        for ref in refs:
            if ref.digest in self.held:
                wanted.setdefault(ref.digest, set()).add(ref.pointer)
        found: dict[EvidenceRef, tuple[str, Spot]] = {}
        for digest, pointers in wanted.items():
            path, data = self.held[digest]
            for pointer, spot in spots(data, pointers).items():
                found[EvidenceRef(digest=digest, pointer=pointer)] = (path, spot)
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words."""

    finding: Finding
    sentence: str
    flips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate's answer in words. ``blocks``: it kept the verdict from being allow."""

    result: GateResult
    asks: str
    remedy: str
    blocks: bool
    findings: tuple[Told, ...]


def printable(text: str) -> str:
    """Make foreign text one line that nothing obeys: what is not printable is spelled out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else escape(c) for c in text)


def gates(view: VerdictView) -> tuple[Gate, ...]:
    """Give the gates in the pack's order; without any, one that says why there is none."""
    left = FINDINGS
    made = []
    for result in view.verdict.gates:
        found = tuple(_told(result.gate, one) for one in result.findings[:left])
        left -= len(found)
        blocks = result.enforcement == "block" and result.status in {"fail", "unknown"}
        made.append(Gate(result, render.asks(result.gate), render.remedy(result.gate), blocks, found))
    return tuple(made) or (_none(view),)


def _told(gate: str, one: Finding) -> Told:
    return Told(
        one,
        printable(render.sentence(gate, one.code, slots(one))),
        tuple(printable(render.flip(gate, code, argument)) for code, argument in one.flips),
    )


def _none(view: VerdictView) -> Gate:
    (rule,) = (child for child in explain(view.verdict).children if child.kind == "rule")
    result = GateResult(id="policy", gate=rule.code, enforcement="block", status="fail", findings=(), counted=())
    said = "No policy is active here, or it asks nothing: nothing is allowed."
    return Gate(result, said, "Activate a policy in the environment.", blocks=True, findings=())


def closed(view: VerdictView) -> Iterator[str]:
    """Say what VEX or a waiver closed: nothing disappears from view."""
    return (printable(line.text) for line in view.why if line.kind == "closed")


def last_line(view: VerdictView) -> str:
    """Give the line that every answer ends with."""
    return f"stella: {view.outcome} verdict={view.digest}"
