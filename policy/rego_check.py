"""Is a rule fit to be stored? Every name it uses must be its own, ``input`` or an allowed builtin. Must not run it.

The check is narrower than the language: names come to be before they are used, each once, by ``:=``, ``some … in``,
``every`` or as an argument. So no rule means something else because an engine is lenient, and a field that ``input``
does not have is a fault here, not a rule that never finds anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from cas.problems import Category, Fault, Problem
from policy.rego_nodes import Branch, Call, Comprehension, Const, Expr, Many, Pattern, Ref, Rule
from policy.rego_nodes import Literal as Line
from policy.rego_text import Token, Unreadable, tokens
from policy.rego_tree import Parser
from policy.rego_words import BUILTINS, ENTRIES, PACKAGE, RESERVED, SHAPE, Shape, regular

MAX_BYTES: Final = 64 << 10
MAX_FAULTS: Final = 200
Scope = dict[str, Shape]


class RuleInvalid(Problem):
    """A rule cannot be stored; ``faults`` lists why."""

    code = "rego.rule_invalid"
    category = Category.INVALID
    title = "The rule is not valid"
    remedy = "Correct every fault listed; docs/howto/custom-rules.md shows what rules may say."


@dataclass(frozen=True, slots=True)
class Fit:
    """What a rule that may be stored defines."""

    package: str
    asks: tuple[Literal["deny", "warn"], ...]
    reads: tuple[str, ...]  # sections of input, sorted


def check(source: bytes) -> Fit:
    """Check a module.

    (1) Size and encoding; (2) tokens and grammar; (3) every name, field and pattern; (4) it asks something, and no
    rule needs itself.

    Raises: rego.rule_invalid with all faults
    """
    if len(source) > MAX_BYTES:  # (1)
        raise _invalid(Fault("", "rego.too_large", f"{len(source)} bytes, {MAX_BYTES} allowed"))
    try:
        read = list(tokens(source.decode("utf-8")))  # (2)
    except UnicodeDecodeError as error:
        raise _invalid(Fault("", "rego.syntax", f"not UTF-8 at byte {error.start}")) from error
    except Unreadable as error:
        raise _invalid(_fault(error.line, error.column, "rego.syntax", error.message)) from error
    checker = _Checker()
    rules = Parser(read, checker.wrong).module()
    checker.check(rules)  # (3), (4)
    if checker.faults:
        raise _invalid(*[checker.faults[place] for place in sorted(checker.faults)][:MAX_FAULTS])
    defined = {rule.name.text for rule in rules}
    return Fit(PACKAGE, tuple(entry for entry in ENTRIES if entry in defined), tuple(sorted(checker.reads)))


def _invalid(*faults: Fault) -> RuleInvalid:
    return RuleInvalid(faults=faults)


def _fault(line: int, column: int, code: str, message: str) -> Fault:
    return Fault("", code, f"line {line}, column {column}: {message}")


class _Checker:
    """One module being checked."""

    def __init__(self) -> None:
        self.faults: dict[tuple[int, int, str], Fault] = {}
        self.reads: set[str] = set()
        self._rules: dict[str, str] = {}  # name → kind
        self._uses: dict[str, set[str]] = {}
        self._in = ""

    def wrong(self, at: Token, code: str, message: str) -> None:
        """Note a fault; the first of its kind at a place counts."""
        self.faults.setdefault((at.line, at.column, code), _fault(at.line, at.column, code, message))

    def check(self, rules: list[Rule]) -> None:
        """Check every rule, then what they are together."""
        for rule in rules:
            name, kind = rule.name.text, rule.kind
            if name in RESERVED:
                self.wrong(rule.name, "rego.shadow", f"{name} has a meaning already; give the rule another name")
            if self._rules.setdefault(name, kind) != kind:
                self.wrong(rule.name, "rego.kind", f"{name} is defined above as another kind of rule")
            if name in ENTRIES and (kind != "contains" or len(rule.branches) > 1):
                self.wrong(rule.name, "rego.entry", f"{name} is a set of findings: write {name} contains … if {{ … }}")
        for rule in rules:
            self._in = rule.name.text
            self._rule(rule)
        if not self.faults and not any(entry in self._rules for entry in ENTRIES):
            self.wrong(
                Token("end", "", 1, 1, True, True), "rego.asks_nothing", "define deny contains … or warn contains …"
            )
        self._circles(rules)

    def _circles(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            seen: set[str] = set()
            todo = set(self._uses.get(rule.name.text, ()))
            while todo:
                at = todo.pop()
                if at not in seen:
                    seen.add(at)
                    todo |= self._uses.get(at, set())
            if rule.name.text in seen:
                self.wrong(rule.name, "rego.recursion", f"{rule.name} needs itself; rules may not go round")

    def _rule(self, rule: Rule) -> None:
        scope: Scope = {}
        for pattern in rule.arguments:
            self._give([scope], pattern, None)
        for branch in rule.branches:
            self._branch(branch, [scope])

    def _branch(self, branch: Branch, scopes: list[Scope]) -> None:
        inner = [*scopes, {}]
        self._body(branch.body, inner)
        for value in branch.values:
            self._expr(value, inner)

    def _body(self, body: list[Line], scopes: list[Scope]) -> None:
        for line in body:
            shape = self._expr(line.expr, scopes)
            if line.inner:
                below = [*scopes, Scope()]
                self._walk(line, below, shape)
                self._body(line.inner, below)
            elif line.each:
                self._walk(line, scopes, shape)
            else:
                for pattern in line.patterns:
                    self._give(scopes, pattern, shape)

    def _walk(self, line: Line, scopes: list[Scope], shape: Shape) -> None:
        *keys, value = line.patterns
        for key in keys:
            self._give(scopes, key, None)
        self._give(scopes, value, shape[0] if isinstance(shape, list) else None)

    def _give(self, scopes: list[Scope], pattern: Pattern, shape: Shape) -> None:
        for name in pattern.names:
            text = name.text
            if text == "_":
                continue
            if text in RESERVED or text in self._rules:
                self.wrong(name, "rego.shadow", f"{text} has a meaning already; use another name")
            elif any(text in scope for scope in scopes):
                self.wrong(name, "rego.shadow", f"{text} was given a value above; use another name")
            scopes[-1][text] = shape if pattern.whole else None

    # Values: each gives its shape.

    def _expr(self, expr: Expr, scopes: list[Scope]) -> Shape:
        if isinstance(expr, Ref):
            return self._ref(expr, scopes)
        if isinstance(expr, Const) and "\\" in expr.token.text:
            self.wrong(expr.token, "rego.escape", "texts hold no backslash; write the sign itself")
        elif isinstance(expr, Comprehension):
            inner = [*scopes, Scope()]
            self._body(expr.body, inner)
            for head in expr.heads:
                self._expr(head, inner)
        elif isinstance(expr, Many):
            for value in expr.values:
                self._expr(value, scopes)
        return None

    def _ref(self, ref: Ref, scopes: list[Scope]) -> Shape:
        name = ref.root.text
        for part in ref.parts:
            if isinstance(part, Call):
                for argument in part.arguments[name == "regex" :]:  # a pattern is looked at by its own rules
                    self._expr(argument, scopes)
            elif not isinstance(part, Token) and not _any(part):
                self._expr(part, scopes)
        for scope in reversed(scopes):
            if name in scope:
                self._no_calls(ref.root, ref.parts)
                return self._fields(ref.root, ref.parts, scope[name])
        if name == "input":
            self._no_calls(ref.root, ref.parts)
            return self._section(ref)
        if name == "data":
            self._own_data(ref)
        elif name in self._rules:
            self._own(ref.root, ref.parts, self._rules[name])
        else:
            self._builtin(ref)
        return None

    def _section(self, ref: Ref) -> Shape:
        first = ref.parts[0] if ref.parts else None
        if not isinstance(first, Token):
            allowed = ", ".join(f"input.{name}" for name in sorted(SHAPE))
            self.wrong(ref.root, "rego.field", f"name what you look at; allowed: {allowed}")
            return None
        if first.text in SHAPE:
            self.reads.add(first.text)
        return self._fields(ref.root, ref.parts, SHAPE)

    def _own(self, at: Token, parts: list[Token | Expr | Call], kind: str) -> None:
        self._uses.setdefault(self._in, set()).add(at.text)
        called = bool(parts) and isinstance(parts[0], Call)
        if called != (kind == "function"):
            self.wrong(at, "rego.kind", f"{at} is {'a function' if kind == 'function' else 'no function'}")
        self._no_calls(at, parts[1:] if called else parts)

    def _own_data(self, ref: Ref) -> None:
        path = ref.parts[:2]
        names = [part for part in path if isinstance(part, Token)]
        if len(names) == 2 and names[0].text == PACKAGE and names[1].text in self._rules:
            self._own(names[1], ref.parts[2:], self._rules[names[1].text])
        else:
            self.wrong(ref.root, "rego.data", f"data holds nothing but the rule's own data.{PACKAGE}.<rule>")

    def _no_calls(self, at: Token, parts: list[Token | Expr | Call]) -> None:
        if any(isinstance(part, Call) for part in parts):
            self.wrong(at, "rego.name", f"{at} is a value and cannot be called")

    def _fields(self, at: Token, parts: list[Token | Expr | Call], shape: Shape) -> Shape:
        for part in parts:
            if shape is None:
                return None
            if isinstance(shape, list):
                if isinstance(part, Token):
                    self.wrong(part, "rego.field", f"a list has no field {part}; write some one in {at}… first")
                    return None
                shape = shape[0]
                continue
            place, field = _field(part, at)
            if field is None:
                return None
            if field not in shape:
                allowed = ", ".join(sorted(shape)) or "none: it is a plain value"
                self.wrong(place, "rego.field", f"no field {field} here; allowed: {allowed}")
                return None
            shape = shape[field]
        return shape

    def _builtin(self, ref: Ref) -> None:
        path = ref.root.text
        rest = list(ref.parts)
        while rest and isinstance(rest[0], Token):
            path += f".{rest.pop(0)}"
        if path not in BUILTINS:
            self.wrong(ref.root, "rego.name", f"{path} is not known here; allowed: {_near(path)}")
        elif not rest or not isinstance(rest[0], Call):
            self.wrong(ref.root, "rego.name", f"{path} is a builtin: call it")
        else:
            self._no_calls(ref.root, rest[1:])
            if path == "regex.match":
                self._pattern(ref.root, rest[0].arguments)

    def _pattern(self, at: Token, arguments: list[Expr]) -> None:
        given = arguments[0] if arguments else None
        if not (isinstance(given, Const) and given.token.text.startswith("`") and regular(given.token.text[1:-1])):
            self.wrong(
                at,
                "rego.pattern",
                "the pattern must be a raw string in backquotes of letters, digits, classes, \\d, . ^ $ * + ? {n,m}, "
                "and groups of alternatives without repetition; or use glob.match, startswith, endswith, contains",
            )


def _any(part: Expr) -> bool:
    """Tell whether an index is the one that stands for any."""
    return isinstance(part, Ref) and part.root.text == "_" and not part.parts


def _field(part: Token | Expr | Call, at: Token) -> tuple[Token, str | None]:
    if isinstance(part, Token):
        return part, part.text
    if isinstance(part, Const) and part.token.kind == "string":
        return part.token, part.token.text[1:-1]
    return at, None


def _near(path: str) -> str:
    """List what is allowed: the family of a dotted name, else all."""
    family = path.split(".", maxsplit=1)[0] + "."
    near = sorted(name for name in BUILTINS if "." in path and name.startswith(family))
    return ", ".join([*(near or sorted(BUILTINS)), "input", "names given above"])
