"""govulncheck before 0.1 (``-json``): one object of call graph, imports, requirements and vulnerable symbols.

Findings, and in a further reading reachability with call paths. Each vulnerability in each module is told at its finest
level: a symbol that something calls (``CallSink``) is ``reachable``, with the shortest path from an entry point to it;
what is only imported or required is ``unreachable``. Without a graph of imports, as for a binary, that is ``unknown``.
Later versions are [govulncheck-json](govulncheck-json.md).
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReachFacts, ReachTarget, ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "govulncheck-legacy-json"
REACH: Final = "govulncheck-legacy-traces"
_PARTS: Final = ("Calls", "Imports", "Requires")
_MAX_PATH: Final = 256


class _Struct(msgspec.Struct, gc=False, rename="pascal"):
    """Members are spelled in Pascal case, but for those of OSV."""


class _Position(_Struct, gc=False):
    filename: str | None = ""
    line: int | None = 0


class _Site(_Struct, gc=False):
    parent: int = 0


class _Function(_Struct, gc=False):
    name: str | None = ""
    receiver: str | None = msgspec.field(default="", name="RecvType")
    package: str | None = msgspec.field(default="", name="PkgPath")
    position: _Position | None = msgspec.field(default=None, name="Pos")
    call_sites: tuple[_Site, ...] | None = ()


class _Calls(_Struct, gc=False):
    functions: dict[int, _Function] | None = None
    entries: tuple[int, ...] | None = ()


class _Imports(_Struct, gc=False):
    packages: dict[str, msgspec.Raw] | None = None


class _Module(_Struct, gc=False):
    path: str | None = ""
    version: str | None = ""


class _Named(msgspec.Struct, gc=False):
    name: str | None = ""


class _Event(msgspec.Struct, gc=False):
    fixed: str | None = ""


class _Range(msgspec.Struct, gc=False):
    events: tuple[_Event, ...] | None = ()


class _Affected(msgspec.Struct, gc=False):
    package: _Named | None = None
    ranges: tuple[_Range, ...] | None = ()


class _Osv(msgspec.Struct, gc=False):
    id: str = ""
    aliases: tuple[str, ...] | None = ()
    details: str | None = ""
    affected: tuple[_Affected, ...] | None = ()


class _Vuln(_Struct, gc=False):
    osv: _Osv = msgspec.field(default_factory=_Osv, name="OSV")
    symbol: str | None = ""
    package: str | None = msgspec.field(default="", name="PkgPath")
    module: str | None = msgspec.field(default="", name="ModPath")
    call_sink: int | None = 0
    import_sink: int | None = 0


class _Report(_Struct, gc=False):
    calls: _Calls | None = None
    imports: _Imports | None = None
    vulns: tuple[_Vuln, ...] | None = ()
    modules: tuple[_Module, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def _level(given: _Vuln) -> int:
    """Tell the level: 3 symbol, 2 package, 1 module."""
    return 3 if given.call_sink else 2 if given.import_sink else 1


def _finest(document: _Report) -> Iterator[list[tuple[int, _Vuln]]]:
    """Give the vulnerable symbols of the finest level of each vulnerability in each module, in order of names."""
    groups: dict[tuple[str, str], list[tuple[int, _Vuln]]] = {}
    for place, each in enumerate(document.vulns or ()):
        groups.setdefault((each.osv.id, each.module or ""), []).append((place, each))
    for _, group in sorted(groups.items()):
        best = max(_level(each) for _, each in group)
        yield [(place, each) for place, each in group if _level(each) == best]


def _step(function: _Function) -> str:
    receiver = (function.receiver or "").rpartition(".")[2].lstrip("*")
    name = f"{receiver}.{function.name}" if receiver else function.name
    where = function.position
    place = f"{where.filename}:{where.line or 0}" if where and where.filename else ""
    return f"{function.package}.{name} {place}".strip()


def _path(calls: _Calls, sink: int) -> tuple[str, ...]:
    """Give the shortest path from an entry point to a function; that function alone when there is none."""
    functions, entries = calls.functions or {}, frozenset(calls.entries or ())
    towards: dict[int, int] = {sink: 0}
    todo = deque((sink,))
    while todo:
        here = todo.popleft()
        if here in entries:
            break
        for site in functions[here].call_sites or () if here in functions else ():
            if site.parent not in towards:
                towards[site.parent] = here
                todo.append(site.parent)
    else:
        here = sink
    path: list[str] = []
    while here and len(path) < _MAX_PATH:
        path.append(_step(functions.get(here, _Function())))
        here = towards[here]
    return tuple(path)


def _version(document: _Report, module: str | None) -> str:
    return next((each.version or "" for each in document.modules or () if each.path == module), "")


def _purl(document: _Report, given: _Vuln) -> str:
    version = _version(document, given.module)
    return words.package_url(
        "golang", given.module or "", version.removeprefix("v") if given.module == "stdlib" else version
    )


def _fixed(given: _Vuln) -> Iterator[str]:
    for each in given.osv.affected or ():
        if each.package is not None and each.package.name == given.module:
            yield from (event.fixed or "" for part in each.ranges or () for event in part.events or ())


def read(data: bytes, version: str) -> ReportFacts:
    """Give one result for each vulnerability in each module, at its finest level.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(f"{NAME}/{version}", "govulncheck", (_finding(document, group) for group in _finest(document)))


def _finding(document: _Report, group: list[tuple[int, _Vuln]]) -> ReportedFinding:
    place, given = group[0]
    return result(
        "vulnerability",
        at("Vulns", place),
        rule=given.osv.id,
        names=words.named(given.osv.id, *(given.osv.aliases or ())),
        purl=_purl(document, given),
        package=given.module,
        version=_version(document, given.module),
        fixed_in=_fixed(given),
        message=given.osv.details,
        flow=_path(document.calls or _Calls(), given.call_sink) if given.call_sink else (),
    )


def read_traces(data: bytes, version: str) -> ReachFacts:
    """Give what is called of each vulnerability, one target for each symbol.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    targets = [_target(document, *each) for group in _finest(document) for each in group]
    return ReachFacts(
        format=f"{REACH}/{version}",
        tool="govulncheck",
        tool_version="",
        created_at="",
        subjects=(),
        method="static",
        complete=False,
        graph=None,
        nodes=len({step for each in targets for step in each.path}),
        edges=len({pair for each in targets for pair in zip(each.path, each.path[1:], strict=False)}),
        targets=tuple(sorted(targets, key=lambda one: (one.names, one.purl, one.symbol, one.said, one.pointer))),
    )


def _target(document: _Report, place: int, given: _Vuln) -> ReachTarget:
    imports = bool(document.imports and document.imports.packages)
    return ReachTarget(
        names=words.named(given.osv.id, *(given.osv.aliases or ())),
        purl=_purl(document, given),
        symbol=f"{given.package}.{given.symbol}" if given.call_sink else "",
        said="reachable" if given.call_sink else "unreachable" if imports else "unknown",
        path=_path(document.calls or _Calls(), given.call_sink) if given.call_sink else (),
        confidence=1_000_000,
        pointer=at("Vulns", place),
    )


def _detects(content: Content) -> bool:
    document = content.object
    return (
        {*_PARTS, "Vulns"} <= document.keys()
        and all(isinstance(document[name], dict | None) for name in _PARTS)
        and isinstance(document["Vulns"], list | None)
        and all(holds(each, OSV=dict, ModPath=str) for each in document["Vulns"] or ())
    )


def _traced(content: Content) -> bool:
    return bool(content.object.get("Vulns"))


GOVULNCHECK_LEGACY: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
GOVULNCHECK_LEGACY_TRACES: Final[Format] = report_format(
    REACH, _traced, read_traces, "reachability", within=NAME, about=__doc__
)
