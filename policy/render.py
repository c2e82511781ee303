"""Prose for a why tree: sentences from the catalog of gates, as plain text or Markdown. Must not know how it was made.

Rendered at the doors only. Whatever came from outside is escaped: control characters never reach a terminal, markup
never reaches a page.
"""

import re
from collections.abc import Iterator
from typing import Final

from policy.explain import Why
from policy.gate import AnyGate
from policy.gates.catalog import GATES
from policy.witness import STATE_NAMES

_GATES: Final = {gate.id: gate for gate in GATES}
_SLOT: Final = re.compile(r"\{([a-z_]+)\}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")
_ANSWERS: Final = {
    "allow": "Allowed.",
    "deny": "Denied.",
    "undecided": "Could not be decided.",
    "approved": "Approved.",
    "pending": "Waiting.",
    "rejected": "Rejected.",
}
_ORIGINS: Final = {
    "matched": "found by matching",
    "reported": "found by a scanner only",
    "both": "found by matching and by a scanner",
}
_STATES: Final = dict(STATE_NAMES)
_NO_GATES: Final = {
    "policy_missing": "No policy is active in this environment, so nothing is allowed.",
    "pack_empty": "The active policy asks nothing, so nothing is allowed.",
}


def plain(text: str) -> str:
    """Make foreign text safe for a terminal: control and direction characters are shown as code points."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def marked(text: str) -> str:
    """Make foreign text safe inside Markdown, on one line."""
    return _MARKUP.sub(r"\\\1", plain(text))


def sentence(gate: str, code: str, arguments: tuple[tuple[str, str], ...]) -> str:
    """Say a finding in words; a code that the catalog does not know is shown as it is."""
    known = _GATES.get(gate)
    text = dict(known.sentences).get(code) if known else None
    return _filled(text, dict(arguments)) if text else _raw(code, arguments)


def flip(gate: str, code: str, argument: str) -> str:
    """Say what would turn a finding."""
    known = _GATES.get(gate)
    text = dict(known.flips).get(code) if known else None
    return _filled(text, {"argument": argument}) if text else _raw(code, (("argument", argument),))


def asks(gate: str) -> str:
    """Give a gate's question."""
    known: AnyGate | None = _GATES.get(gate)
    return known.asks if known else gate


def remedy(gate: str) -> str:
    """Give a gate's remedy."""
    known: AnyGate | None = _GATES.get(gate)
    return known.remedy if known else ""


def _filled(text: str, arguments: dict[str, str]) -> str:
    return _SLOT.sub(lambda found: arguments.get(found[1]) or "—", text)


def _raw(code: str, arguments: tuple[tuple[str, str], ...]) -> str:
    return f"{code} ({', '.join(f'{name}={value}' for name, value in arguments)})" if arguments else code


def text(why: Why, *, everything: bool = False) -> str:
    """Write a tree as plain text, rules that passed in one line each; ``everything`` shows their findings too."""
    return "\n".join(f"{'  ' * depth}{plain(line)}" for depth, line in _lines(why, everything=everything)) + "\n"


def markdown(why: Why, *, everything: bool = False) -> str:
    """Write a tree as a Markdown list under a heading."""
    head, *rest = _lines(why, everything=everything)
    body = "\n".join(f"{'  ' * (depth - 1)}- {marked(line)}" for depth, line in rest)
    return f"## {marked(head[1])}\n\n{body}\n"


def _lines(why: Why, *, everything: bool) -> Iterator[tuple[int, str]]:
    told = dict(why.arguments)
    yield 0, f"{_ANSWERS.get(why.code, why.code)} As of {told['as_of']}, valid until {told['valid_until']}."
    for child in why.children:
        if child.kind == "closed":
            yield from _closed(child)
        else:
            yield from _rule(child, everything=everything)


def _rule(rule: Why, *, everything: bool) -> Iterator[tuple[int, str]]:
    told = dict(rule.arguments)
    if rule.code in _NO_GATES:
        yield 1, _NO_GATES[rule.code]
        return
    status = told["status"].upper().replace("_", " ")
    yield 1, f"[{status}] {told['id']} ({rule.code}, {told['enforcement']}): {asks(rule.code)}"
    shown = everything or told["status"] not in {"pass", "not_applicable"}
    for finding in rule.children if shown else ():
        yield 2, sentence(rule.code, finding.code, finding.arguments)
        for child in finding.children:
            yield from _detail(rule.code, child)
    if told["decided"] == "yes" and remedy(rule.code):
        yield 2, f"Remedy: {remedy(rule.code)}"


def _detail(gate: str, node: Why) -> Iterator[tuple[int, str]]:
    told = dict(node.arguments)
    if node.kind == "component":
        yield 3, f"component: {' '.join(part for part in (node.code, told['purl']) if part)}"
    elif node.kind == "evidence":
        yield 3, f"evidence: {node.code} {told['pointer'] or '(the whole document)'}"
    elif node.kind == "path":
        yield 3, f"path: {node.code}"
    elif node.kind in {"said", "reach", "claim", "waiver"}:
        yield 3, known(node)
    else:
        yield 3, f"would flip it: {flip(gate, node.code, told['argument'])}"


def known(node: Why) -> str:
    """Say what is known of a finding beside its gate: who said how bad, reachability, claims, waivers."""
    told = dict(node.arguments)
    if node.kind == "said":
        raw = f" (was {told['raw']} before a waiver)" if told["raw"] != told["severity"] else ""
        by = f"; reported by {told['by']}" if told["by"] else ""
        return f"severity: {told['severity']}{raw}, said by {told['source'] or 'nobody'}; {_ORIGINS[node.code]}{by}"
    if node.kind == "reach":
        witness = f": {told['path']}" if told["path"] else ""
        return f"reachability: {_STATES.get(node.code, node.code)}{witness}"
    if node.kind == "waiver":
        until = f" until {told['until']}" if told.get("until") else ""
        return f"waiver: {told.get('effect') or 'suppress'}{until}, by {node.code}"
    who = told["signer"] or f"{told['author'] or 'nobody named'}, not verified"
    return f"claim: {node.code}, says {who} (weight {told['score']} millionths)"


def _closed(node: Why) -> Iterator[tuple[int, str]]:
    told = dict(node.arguments)
    yield (
        1,
        (
            f"[CLOSED: {node.code}] {told['vulnerability']} ({told['severity']}) in {told['purl']}, "
            f"{told['component']} on {told['platform']}"
        ),
    )
    for child in node.children:
        more = dict(child.arguments)
        if child.kind == "waiver":
            yield 2, f"waived by {child.code}"
        else:
            who = more["signer"] or f"{more['author'] or 'nobody named'}, not verified"
            yield (
                2,
                f"{child.code} says {who} (weight {more['score']} millionths): {more['evidence']} {more['pointer']}",
            )
