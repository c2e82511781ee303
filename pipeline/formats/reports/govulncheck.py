"""govulncheck ``-format json``: its messages; findings, and in a further reading reachability with call traces.

The messages of govulncheck 1 (``protocol_version`` v1) are read as a stream, one JSON value after another, and as one
array of them (``jq -s``). What govulncheck wrote before that is
[govulncheck-legacy-json](govulncheck-legacy-json.md).

govulncheck reports each vulnerability at up to three levels, finest last: the module is required, the package is
imported, the symbol is called. A trace begins with the vulnerable symbol and ends with the entry point; facts give it
the other way round. Source scan at symbol level: a symbol finding is ``reachable`` with its trace; package or module
only is ``unreachable`` (present, not called). Scans at package or module level know nothing of calls: ``unknown``. In
a binary there is no call graph: a symbol found in it is ``reachable`` at half confidence, without one the answer is
``unknown``.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from cas.records.report import ReachFacts, ReachTarget, ReportedFinding, ReportFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result, unreadable

NAME: Final = "govulncheck-json"
REACH: Final = "govulncheck-traces"


class _Config(msgspec.Struct, gc=False):
    scanner_name: str | None = ""
    scanner_version: str | None = ""
    db_last_modified: str | None = ""
    scan_level: str | None = "symbol"
    scan_mode: str | None = "source"


class _Osv(msgspec.Struct, gc=False):
    id: str = ""
    aliases: tuple[str, ...] | None = ()
    summary: str | None = ""


class _Position(msgspec.Struct, gc=False):
    filename: str | None = ""
    line: int | None = 0


class _Frame(msgspec.Struct, gc=False):
    module: str | None = ""
    version: str | None = ""
    package: str | None = ""
    function: str | None = ""
    receiver: str | None = ""
    position: _Position | None = None


class _Finding(msgspec.Struct, gc=False):
    osv: str = ""
    fixed_version: str | None = ""
    trace: tuple[_Frame, ...] | None = ()


class _Message(msgspec.Struct, gc=False):
    config: _Config | None = None
    osv: _Osv | None = None
    finding: _Finding | None = None


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_MESSAGES: Final = msgspec.json.Decoder(tuple[_Message, ...])


class _Stream(NamedTuple):
    """A decoded stream; findings with the place of their message."""

    config: _Config
    osvs: dict[str, _Osv]
    findings: tuple[tuple[int, _Finding], ...]


def _messages(data: bytes) -> Iterator[_Message]:
    if data.lstrip()[:1] == b"[":
        yield from typed(data, _MESSAGES, NAME)
        return
    bound(data)
    for place, value in enumerate(values(data)):
        try:
            yield _MESSAGE.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(NAME, f"message {place}: {error}") from error


def _stream(data: bytes) -> _Stream:
    config: _Config | None = None
    osvs: dict[str, _Osv] = {}
    findings = []
    for place, message in enumerate(_messages(data)):
        config = message.config or config
        if message.osv is not None:
            osvs[message.osv.id] = message.osv
        if message.finding is not None:
            findings.append((place, message.finding))
    if config is None:
        raise unreadable(NAME, "the stream has no config message")
    return _Stream(config, osvs, tuple(findings))


def _level(finding: _Finding) -> int:
    """Tell the level: 3 symbol, 2 package, 1 module."""
    head = (finding.trace or (_Frame(),))[0]
    return 3 if head.function else 2 if head.package else 1


def _finest(stream: _Stream) -> Iterator[tuple[str, str, list[tuple[int, _Finding]]]]:
    """Give the findings of the finest level of each vulnerability in each module, in order of names."""
    groups: dict[tuple[str, str], list[tuple[int, _Finding]]] = {}
    for place, finding in stream.findings:
        module = (finding.trace or (_Frame(),))[0].module or ""
        groups.setdefault((finding.osv, module), []).append((place, finding))
    for (name, module), group in sorted(groups.items()):
        best = max(_level(finding) for _, finding in group)
        yield name, module, [(place, finding) for place, finding in group if _level(finding) == best]


def _symbol(frame: _Frame) -> str:
    receiver = (frame.receiver or "").lstrip("*")
    name = f"{receiver}.{frame.function}" if receiver else frame.function or ""
    return f"{frame.package}.{name}" if name else frame.package or frame.module or ""


def _step(frame: _Frame) -> str:
    where = frame.position
    place = f"{where.filename}:{where.line or 0}" if where and where.filename else ""
    return f"{_symbol(frame)} {place}".strip()


def _path(finding: _Finding) -> tuple[str, ...]:
    return tuple(_step(frame) for frame in reversed(finding.trace or ()))


def _purl(finding: _Finding) -> str:
    head = (finding.trace or (_Frame(),))[0]
    version = head.version or ""
    if head.module in ("stdlib", "toolchain"):
        version = version.removeprefix("go").removeprefix("v")
    return words.package_url("golang", head.module or "", version)


def _names(stream: _Stream, name: str) -> tuple[str, ...]:
    known = stream.osvs.get(name, _Osv())
    return words.named(name, *(known.aliases or ()))


def read(data: bytes, version: str) -> ReportFacts:
    """Give one result for each vulnerability in each module, at its finest level.

    Raises: evidence.unreadable, cas.too_large
    """
    stream = _stream(data)
    return report(
        f"{NAME}/{version}",
        stream.config.scanner_name or "govulncheck",
        (_result(stream, name, module, group) for name, module, group in _finest(stream)),
        tool_version=stream.config.scanner_version,
    )


def _result(stream: _Stream, name: str, module: str, group: list[tuple[int, _Finding]]) -> ReportedFinding:
    place, finding = group[0]
    head = (finding.trace or (_Frame(),))[0]
    where = head.position or _Position()
    return result(
        "vulnerability",
        at(place, "finding"),
        rule=name,
        names=_names(stream, name),
        purl=_purl(finding),
        package=module,
        version=head.version,
        fixed_in=(finding.fixed_version,),
        path=where.filename,
        line=where.line,
        message=stream.osvs.get(name, _Osv()).summary,
        flow=_path(finding) if _level(finding) == 3 else (),
    )


def read_traces(data: bytes, version: str) -> ReachFacts:
    """Give what is called of each vulnerability; one target for each trace, or one that says what the level means.

    Raises: evidence.unreadable, cas.too_large
    """
    stream = _stream(data)
    targets = [target for name, _, group in _finest(stream) for target in _targets(stream, name, group)]
    return ReachFacts(
        format=f"{REACH}/{version}",
        tool=stream.config.scanner_name or "govulncheck",
        tool_version=stream.config.scanner_version or "",
        created_at=instant(""),
        subjects=(),
        method="static",
        complete=False,
        graph=None,
        nodes=len({step for each in targets for step in each.path}),
        edges=len({pair for each in targets for pair in zip(each.path, each.path[1:], strict=False)}),
        targets=tuple(sorted(targets, key=lambda one: (one.names, one.purl, one.symbol, one.said, one.pointer))),
    )


def _targets(stream: _Stream, name: str, group: list[tuple[int, _Finding]]) -> Iterator[ReachTarget]:
    source = (stream.config.scan_mode or "source") == "source"
    symbols = source and (stream.config.scan_level or "symbol") == "symbol"
    for place, finding in group:
        called = _level(finding) == 3
        yield ReachTarget(
            names=_names(stream, name),
            purl=_purl(finding),
            symbol=_symbol((finding.trace or (_Frame(),))[0]) if called else "",
            said="reachable" if called else "unreachable" if symbols else "unknown",
            path=_path(finding) if called else (),
            confidence=1_000_000 if source else 500_000,
            pointer=at(place, "finding"),
        )


def _detects(content: Content) -> bool:
    head = (content.object,) if content.object else listed(content)
    return any(holds(each, config=dict) and "scanner_name" in each["config"] for each in head[:8])


def _traced(content: Content) -> bool:
    return any("finding" in each for each in listed(content))


GOVULNCHECK: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
GOVULNCHECK_TRACES: Final[Format] = report_format(
    REACH, _traced, read_traces, "reachability", within=NAME, about=__doc__
)
