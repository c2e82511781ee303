"""Custom rules in Rego: the rule as stored, what it is asked, what it answered."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import Name, Record
from cas.records.verdict import Finding


class RegoRule(Record, frozen=True, kw_only=True, tag="rego_rule/1"):
    """A Rego module that was read and found fit to be asked; packs name this record."""

    source: Digest  # the module's bytes, as its author wrote them
    package: Name
    asks: tuple[Literal["deny", "warn"], ...]  # the sets of findings it defines, sorted
    reads: tuple[Name, ...]  # the sections of input that it looks at, sorted; it is shown no others


class RegoInput(Record, frozen=True, kw_only=True, tag="rego_input/1"):
    """The question of rego/1. It holds no instant: what a rule says may not change while nobody looks."""

    rule: Digest  # RegoRule
    release: Digest
    environment: Digest
    picture: Digest  # Assessment or Picture


class RegoAnswer(Record, frozen=True, kw_only=True, tag="rego_answer/1"):
    """What a rule says of a picture, by whose word; ``deny`` and ``warn`` are totally ordered, in the gates' shape.

    A rule that gave no answer leaves no record.
    """

    rule: Digest
    release: Digest
    environment: Digest
    picture: Digest
    engine: Name
    engine_version: Name
    status: Literal["pass", "warn", "fail"]
    deny: tuple[Finding, ...]
    warn: tuple[Finding, ...]
