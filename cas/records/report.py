"""What reports say: findings of scanners, tests, coverage, reachability, documents of the user's own kind.

Facts as a document gives them, whatever its format; joined to packages and vulnerabilities by assess. Text that came
from outside is cut to what a record holds, never dropped.
"""

from typing import Literal

from cas.records.base import Count, Millionths, Name, Pairs, Part, Record, Text
from cas.records.forms import Digest, Slug

Severity = Literal["critical", "high", "medium", "low", "negligible", "unknown"]
Category = Literal["vulnerability", "code", "secret", "license", "misconfiguration", "other"]
ReachState = Literal["U", "SR", "SU", "RO", "RU", "CR", "CU", "X"]
"""Unknown, static reachable/unreachable, runtime observed/unobserved, confirmed reachable/unreachable, contested."""


class ReportedFinding(Part, frozen=True, kw_only=True):
    """One result of a scanner. A vulnerability is named by ``names``; a code, secret or licence finding by ``rule``.

    ``flow`` is the way that led there as the tool tells it (entry first); ``suppressed`` is the tool's own word for
    not counting it, which is shown and never closes anything here.
    """

    rule: str  # the tool's rule or check id
    names: tuple[str, ...]  # CVE, GHSA, GO, … in sorted order; empty when it is no known vulnerability
    category: Category
    severity: Severity
    score_tenths: Count | None
    purl: str  # canonical; empty when the tool names none
    package: str
    version: str
    fixed_in: tuple[str, ...]
    path: str  # file or URI, as written
    line: Count  # 0 = none
    message: Text
    suppressed: str
    flow: tuple[str, ...]
    fingerprint: str  # the tool's own identity of the result, or empty
    pointer: str


class ReportFacts(Record, frozen=True, kw_only=True, tag="report_facts/1"):
    """What a scanner reported. Results sorted by (rule, names, purl, path, line, pointer).

    ``complete`` is False when the tool itself says that it failed or stopped early: then silence means nothing.
    """

    format: Name
    tool: str
    tool_version: str
    created_at: str  # Instant, or empty
    subjects: tuple[Digest, ...]
    complete: bool
    results: tuple[ReportedFinding, ...]


class TestCase(Part, frozen=True, kw_only=True):
    """A test that did not pass."""

    __test__ = False  # no test class of ours

    suite: str
    name: str
    status: Literal["failed", "error", "skipped"]
    message: Text
    pointer: str


class TestFacts(Record, frozen=True, kw_only=True, tag="test_facts/1"):
    """Results of a test run, counted; ``cases`` lists those that did not pass, sorted."""

    __test__ = False

    format: Name
    tool: str
    created_at: str
    subjects: tuple[Digest, ...]
    total: Count
    passed: Count
    failed: Count
    errors: Count
    skipped: Count
    cases: tuple[TestCase, ...]


class CoveredFile(Part, frozen=True, kw_only=True):
    """A file's lines."""

    path: str
    covered: Count
    total: Count


class CoverageFacts(Record, frozen=True, kw_only=True, tag="coverage_facts/1"):
    """Code coverage, in lines and branches; files sorted by path."""

    format: Name
    tool: str
    created_at: str
    subjects: tuple[Digest, ...]
    lines_covered: Count
    lines_total: Count
    branches_covered: Count
    branches_total: Count
    files: tuple[CoveredFile, ...]


class ReachTarget(Part, frozen=True, kw_only=True):
    """What an analyser says of one vulnerability, symbol or package.

    ``path`` is the witness: entry point first, vulnerable symbol last. ``said``: static analysers answer reachable or
    unreachable, runtime ones observed or unobserved.
    """

    names: tuple[str, ...]  # vulnerability names, sorted; empty = whatever concerns the package or symbol
    purl: str  # canonical, may lack a version; empty = any package of the image
    symbol: str
    said: Literal["reachable", "unreachable", "observed", "unobserved", "unknown"]
    path: tuple[str, ...]
    confidence: Millionths
    pointer: str


class ReachFacts(Record, frozen=True, kw_only=True, tag="reach_facts/1"):
    """What a reachability analysis found; targets sorted by (names, purl, symbol, said, pointer).

    ``graph`` is the digest of the call graph that the answer rests on, where the document names one; ``complete`` says
    that the analyser saw all code, so that silence about a symbol means unreachable to it.
    """

    format: Name
    tool: str
    tool_version: str
    created_at: str
    subjects: tuple[Digest, ...]
    method: Literal["static", "runtime"]
    complete: bool
    graph: Digest | None
    nodes: Count
    edges: Count
    targets: tuple[ReachTarget, ...]


class OwnKind(Record, frozen=True, kw_only=True, tag="own_kind/1"):
    """A kind of evidence that the user registered: documents of it are valid by ``schema`` (JSON Schema, raw bytes)."""

    name: Slug
    schema: Digest


class GenericFacts(Record, frozen=True, kw_only=True, tag="generic_facts/1"):
    """A document of the user's own kind, valid by the user's own JSON Schema.

    ``values`` are its top-level scalars as text, for gates and rules to ask; the document itself is kept as it came.
    """

    format: Name
    name: Name  # the kind, as registered
    schema: Digest
    created_at: str
    subjects: tuple[Digest, ...]
    values: Pairs
