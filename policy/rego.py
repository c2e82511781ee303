"""The contract of custom rules: what a rule sees, what it may answer, in the shape of a gate's findings.

Pure: the evaluation itself is an engine's (``pipeline.adapters.rego_child``). What is not exactly an answer is none.
A rule is a Rego v1 module of package ``stella`` with ``deny contains …`` or ``warn contains …``. Each member is a text,
or an object of ``code``, ``message``, ``severity``, ``component``, ``purl``, ``vulnerability``, ``arguments`` (texts,
booleans, whole numbers by name), ``evidence`` (objects of ``digest`` and ``pointer``) and ``path``.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from cas import digest
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import SafeInt, Slug
from cas.records.picture import AssessedFinding2, Picture
from cas.records.release import Environment, Release
from cas.records.verdict import EvidenceRef, Finding, SeverityLabel
from policy.gate import finding
from policy.rego_words import BUILTINS, OPERATORS, SHAPE

MAX_FINDINGS: Final = 1000
MAX_TEXT: Final = 1000
CODES: Final = {"deny": "denied", "warn": "warned"}
_ESCAPE: Final = re.compile(rb"\\(?:u[0-9a-f]{4}|.)")
_SHOWN: Final = {b'\\"': "\uff02".encode(), b"\\\\": "\uff3c".encode()}


class NoAnswer(Problem):
    """A rule has no answer to this picture: that is neither a finding nor a pass."""

    code = "rego.no_answer"
    category = Category.INVALID
    title = "A custom rule gave no answer"
    remedy = "Correct the rule, check it with stella policy rule check, store it, and name the new digest in the pack."


class AnswerInvalid(Problem):
    """A rule answered something that is not a set of findings."""

    code = "rego.answer_invalid"
    category = Category.INVALID
    title = "A custom rule answered in another form than findings have"
    remedy = (
        "Let deny and warn hold texts or objects as docs/howto/custom-rules.md shows; no fractions, no nested values."
    )


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member of deny or warn, as an object."""

    code: Slug = "finding"
    message: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    severity: SeverityLabel = "unknown"
    component: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    purl: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    vulnerability: Annotated[str, msgspec.Meta(max_length=255)] = ""
    arguments: dict[Slug, Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | bool | SafeInt] = {}
    evidence: tuple[EvidenceRef, ...] = ()
    path: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=MAX_TEXT)], ...], msgspec.Meta(max_length=100)] = ()


class _Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the evaluating process says."""

    version: str
    fault: Literal["", "refused", "compile", "evaluate"]
    answers: tuple[tuple[str, msgspec.Raw], ...]
    reason: str = ""


class Answered(msgspec.Struct, frozen=True):
    """The findings of a rule, by the version of the engine that computed them."""

    version: str
    deny: tuple[Finding, ...]
    warn: tuple[Finding, ...]

    @property
    def status(self) -> Literal["pass", "warn", "fail"]:
        """Fold the findings."""
        return "fail" if self.deny else "warn" if self.warn else "pass"


def document(release: Release, environment: Environment, picture: Picture, reads: Sequence[str]) -> bytes:
    """Give the sections that a rule reads of ``input``, as JSON; there are no fractions and no instants of asking.

    Texts hold no sign that JSON escapes (the engine compares escapes, not signs): a double quote is shown as U+FF02, a
    backslash as U+FF3C, a control character as U+FFFD.
    """
    components = SHAPE["release"]["components"][0]
    sections: dict[str, Callable[[], Any]] = {
        "release": lambda: {
            "name": release.name,
            "line": release.line,
            "components": [{name: getattr(part, name) for name in components} for part in release.components],
            "source": dict(release.source),
        },
        "environment": lambda: {name: getattr(environment, name) for name in SHAPE["environment"]},
        "components": lambda: picture.components,
        "findings": lambda: [_named(one, picture) for one in picture.findings],
        "evidence": lambda: picture.evidence,
        "unknowns": lambda: picture.unknowns,
    }
    data = msgspec.json.encode({name: sections[name]() for name in reads}, order="sorted")
    return _ESCAPE.sub(lambda found: _SHOWN.get(found[0], "\ufffd".encode()), data)


def _named(one: AssessedFinding2, picture: Picture) -> dict[str, Any]:
    """Give a finding's values by name, its documents by digest."""
    values = {name: getattr(one, name) for name in SHAPE["findings"][0]}
    return values | {"sbom": picture.document(one.sbom), "feed_package": picture.document(one.feed_package)}


def request(source: bytes, entries: Sequence[str], seen: bytes | None) -> bytes:
    """Spell what the evaluating process is asked; without ``seen`` it only compiles."""
    asked: dict[str, Any] = {
        "source": source.decode("utf-8") + "\n",  # the engine misreads a comment that ends the text
        "entries": list(entries),
        "allowed": sorted(BUILTINS | OPERATORS),
    }
    if seen is not None:
        asked["input"] = msgspec.Raw(seen)
    return msgspec.json.encode(asked)


def compiles(reply: bytes) -> str:
    """Give what the engine holds against a module, or nothing."""
    said = msgspec.json.decode(reply, type=_Reply)
    return f"{said.fault}: {said.reason}" if said.fault else ""


def answer(reply: bytes, entries: Sequence[str], seen: bytes) -> Answered:
    """Read what the evaluating process said about a document.

    (1) every entry has one answer; (2) it is a set of findings and nothing else; (3) digests are those of the document:
    a rule points at evidence, it cannot bring any.

    Raises: rego.no_answer, rego.answer_invalid
    """
    said = msgspec.json.decode(reply, type=_Reply)
    if said.fault:
        raise NoAnswer(fault=said.fault, reason=said.reason[:300])
    if sorted(entry for entry, _ in said.answers) != sorted(entries):  # (1)
        raise NoAnswer(fault="entries", reason=", ".join(entry for entry, _ in said.answers)[:300])
    found = dict(said.answers)
    known = digest.named_in(seen)
    sets = {entry: _findings(entry, found[entry], known) for entry in entries}
    return Answered(said.version, sets.get("deny", ()), sets.get("warn", ()))


def _findings(entry: str, said: msgspec.Raw, known: frozenset[Digest]) -> tuple[Finding, ...]:
    if bytes(said) == b"null":
        raise NoAnswer(fault="undefined", set=entry)
    try:
        members = msgspec.json.decode(said, type=tuple[_Said | str, ...])  # (2)
    except msgspec.ValidationError as error:
        raise AnswerInvalid(set=entry, reason=str(error)[:300]) from error
    if len(members) > MAX_FINDINGS:
        raise AnswerInvalid(set=entry, findings=len(members), allowed=MAX_FINDINGS)
    made = {msgspec.json.encode(each, order="sorted"): each for each in (_finding(entry, one) for one in members)}
    cited = {ref.digest for each in made.values() for ref in each.evidence}
    foreign = sorted((digest.named_in(b"\n".join(made)) | cited) - known)  # (3)
    if foreign:
        raise AnswerInvalid(set=entry, reason="names what is not in its input", digest=foreign[0])
    return tuple(made[key] for key in sorted(made))


def _finding(entry: str, said: _Said | str) -> Finding:
    if isinstance(said, str):
        said = _Said(message=said[: MAX_TEXT + 1])
    if len(said.message) > MAX_TEXT or {"code", "message", "rule"} & set(said.arguments):
        raise AnswerInvalid(set=entry, reason="a message too long, or arguments named code, message or rule")
    arguments = [(name, value if isinstance(value, str) else _spelled(value)) for name, value in said.arguments.items()]
    return finding(
        CODES[entry],
        (("code", said.code), ("message", said.message), *arguments),
        severity=said.severity,
        component=said.component,
        purl=said.purl,
        vulnerability=said.vulnerability,
        evidence=said.evidence,
        path=said.path,
    )


def _spelled(value: bool | int) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
