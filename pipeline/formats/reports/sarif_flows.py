"""SARIF code flows as reachability: a flow that ends in a vulnerable dependency is a witness that it is reached.

A further reading of the same log. Only results that name a vulnerability and carry a code flow count; a vulnerability
without a flow says nothing about reachability, and silence never means unreachable. A result's ``rank`` (0 to 100) is
its confidence; without one the tool's word is taken whole.
"""

from typing import Final

from cas.records.report import ReachFacts, ReachTarget
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.reports.report import MAX_TEXT, report_format
from pipeline.formats.reports.sarif import NAME as LOG
from pipeline.formats.reports.sarif import finding, images_of, log_of, results_of
from pipeline.formats.reports.sarif_log import Result

NAME: Final = "sarif-flows"


def read(data: bytes, version: str) -> ReachFacts:
    """Give what the flows of a log reach.

    Raises: evidence.unreadable, cas.too_large
    """
    log = log_of(data)
    runs = log.runs or ()
    targets = []
    for run, given, rule, configured, pointer in results_of(log):
        found = finding(run, given, rule, configured, pointer)
        if found.category == "vulnerability" and found.names and found.flow:
            targets.append(
                ReachTarget(
                    names=found.names,
                    purl=found.purl,
                    symbol=found.flow[-1].partition(" ")[0],
                    said="reachable",
                    path=found.flow,
                    confidence=_confidence(given),
                    pointer=f"{pointer}/codeFlows/0/threadFlows/0",
                )
            )
    times = [each.end_time_utc or "" for run in runs for each in run.invocations or ()]
    edges = {pair for each in targets for pair in zip(each.path, each.path[1:], strict=False)}
    return ReachFacts(
        format=f"{NAME}/{version}",
        tool=", ".join(sorted({run.tool.driver.name for run in runs}))[:MAX_TEXT],
        tool_version="",
        created_at=instant(max(times, default="")),
        subjects=images_of(runs),
        method="static",
        complete=False,
        graph=None,
        nodes=len({step for each in targets for step in each.path}),
        edges=len(edges),
        targets=tuple(sorted(targets, key=lambda one: (one.names, one.purl, one.symbol, one.said, one.pointer))),
    )


def _confidence(given: Result) -> int:
    rank = given.rank if given.rank is not None else -1
    return round(rank * 10_000) if 0 <= rank <= 100 else 1_000_000


def _detects(content: Content) -> bool:
    """Look for a result with a flow whose facts name a vulnerability."""
    flows = any(result.get("codeFlows") for run in content.object["runs"] for result in run.get("results") or ())
    if not flows:
        return False
    return bool(read(content.data, "2.1.0").targets)


SARIF_FLOWS: Final[Format] = report_format(
    NAME,
    _detects,
    read,
    "reachability",
    versions=("2.1.0",),
    version=lambda _content: "2.1.0",
    within=LOG,
    about=__doc__,
)
