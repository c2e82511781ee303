"""A verdict as JUnit XML: one test case a gate, so that every CI system shows the gates beside its tests.

A gate that blocks fails its test (what is not known is an error); one that is only told passes and says so in its
output; one that does not apply is skipped.
"""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from api.calls.verdicts import VerdictView
from api.reports.shown import Gate, closed, gates, last_line, printable

_MOST: Final = 500  # lines of why in one test case


def junit(view: VerdictView) -> str:
    """Write a verdict as a test report."""
    every = gates(view)
    counts = {
        "tests": len(every),
        "failures": sum(_kind(one) == "failure" for one in every),
        "errors": sum(_kind(one) == "error" for one in every),
        "skipped": sum(_kind(one) == "skipped" for one in every),
    }
    counted = " ".join(f'{name}="{count}"' for name, count in counts.items())
    name = quoteattr(printable(f"stella gate: {view.release} to {view.environment}"))
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    out.append(f'<testsuites name="stella" {counted} time="0">')
    out.append(f'  <testsuite name={name} {counted} time="0" timestamp="{view.as_of.removesuffix("Z")}">')
    out.append("    <properties>")
    for key, value in (
        ("verdict", view.digest),
        ("outcome", view.outcome),
        ("release", view.release),
        ("environment", view.environment),
        ("policy", view.policy),
        ("valid_until", view.valid_until),
    ):
        out.append(f'      <property name="{key}" value={quoteattr(printable(value))}/>')
    out.append("    </properties>")
    for one in every:
        out += _case(view, one)
    shut = [*closed(view)][:_MOST]
    text = "\n".join([*(f"closed: {line}" for line in shut), last_line(view)])
    out += [f"    <system-out>{escape(text)}</system-out>", "  </testsuite>", "</testsuites>"]
    return "\n".join(out) + "\n"


def _kind(one: Gate) -> str:
    if one.blocks:
        return "error" if one.result.status == "unknown" else "failure"
    return "skipped" if one.result.status == "not_applicable" else ""


def _case(view: VerdictView, one: Gate) -> Iterator[str]:
    name = quoteattr(printable(f"{one.result.id} ({one.result.gate})"))
    head = f"    <testcase classname={quoteattr(printable('stella.' + view.environment))} name={name}"
    kind, lines = _kind(one), [*_why(one)]
    if not kind and one.result.status == "pass":
        yield f'{head} time="0"/>'
        return
    yield f'{head} time="0">'
    text = escape("\n".join(lines))
    if kind == "skipped":
        yield '      <skipped message="does not apply"/>'
    elif kind:
        message = quoteattr(lines[1] if len(lines) > 1 else one.asks)
        yield f'      <{kind} message={message} type="{one.result.status}">{text}</{kind}>'
    else:
        yield f"      <system-out>{text}</system-out>"
    yield "    </testcase>"


def _why(one: Gate) -> Iterator[str]:
    lines = [f"{one.asks} {one.result.status} ({one.result.enforcement})"]
    for each in one.findings:
        lines.append(each.sentence)
        finding = each.finding
        lines += [f"  in {printable(' '.join(filter(None, (finding.component, finding.purl))))}"]
        lines += [printable(f"  evidence: {ref.digest} {ref.pointer or '/'}") for ref in finding.evidence]
        lines += [f"  flips when: {flip}" for flip in each.flips]
    if one.remedy and one.result.status != "pass":
        lines.append(f"next: {one.remedy}")
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"and {len(lines) - _MOST} more lines: stella explain shows all"
