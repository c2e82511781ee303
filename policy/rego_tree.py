"""The part of Rego v1 that rules are written in, as a tree. Must not know what names mean.

Refused although Rego has it, each with what to write instead: ``with``, ``=``, bare ``some``, imports but ``rego.v1``,
rules without ``if`` or ``:=``, references with blanks inside.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from policy.rego_nodes import Branch, Call, Comprehension, Const, Expr, Literal, Many, Pattern, Ref, Rule
from policy.rego_text import Token, Unreadable
from policy.rego_words import KEYWORDS, PACKAGE

MAX_DEPTH: Final = 40


class Parser:
    """Reads tokens from left to right, each once."""

    def __init__(self, read: list[Token], report: Callable[[Token, str, str], None]) -> None:
        self._tokens = read
        self._at = 0
        self._depth = 0
        self._report = report

    # What comes next.

    @property
    def next(self) -> Token:
        """The token that is read next."""
        return self._tokens[self._at]

    def _after(self, more: int = 1) -> Token:
        return self._tokens[min(self._at + more, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self.next
        if token.kind != "end":
            self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self.next.kind in {"sign", "name"} and self.next.text in texts

    def _skip(self, *texts: str) -> bool:
        if self._is(*texts):
            self._at += 1
            return True
        return False

    def _want(self, text: str) -> Token:
        if not self._is(text):
            self._refuse(f"{text} must stand here, not {self.next}")
        return self._take()

    def _refuse(self, message: str, token: Token | None = None) -> NoReturn:
        token = token or self.next
        raise Unreadable(token.line, token.column, message)

    # The module.

    def module(self) -> list[Rule]:
        """Read package, imports and rules; after a fault it goes on at the next rule."""
        rules: list[Rule] = []
        for read in (self._package, self._imports):
            self._guarded(read)
        while self.next.kind != "end":
            before = self._at
            rule = self._guarded(self._rule)
            if rule is not None:
                rules.append(rule)
            elif self._at == before:
                self._at += 1
        return rules

    def _guarded(self, read: Callable[[], Rule | None]) -> Rule | None:
        try:
            return read()
        except Unreadable as error:
            place = Token("sign", "", error.line, error.column, True, True)
            self._report(place, "rego.syntax", error.message)
            self._depth = 0
            while self.next.kind != "end" and not (self.next.fresh and self.next.column == 1 and self._starts_rule()):
                self._at += 1
            return None

    def _starts_rule(self) -> bool:
        return self.next.kind == "name" and self.next.line > self._tokens[self._at - 1].line

    def _package(self) -> None:
        self._want("package")
        name = self._take()
        if name.text != PACKAGE or self._is("."):
            self._refuse(f"the package of rules is {PACKAGE}", name)

    def _imports(self) -> None:
        while self._is("import"):
            self._take()
            first = self._take()
            path = first.text
            while self._skip("."):
                path += "." + self._take().text
            if path != "rego.v1" or self._is("as"):
                self._report(first, "rego.import", f"{path} cannot be imported; allowed: rego.v1")
                while not self.next.fresh:
                    self._take()

    def _rule(self) -> Rule:
        default = self._skip("default")
        name = self._name("a rule's name")
        kind, arguments, heads = "value", [], []
        if self._is("(") and not default:
            kind, arguments = "function", self._arguments()
        elif self._skip("contains"):
            kind, heads = "contains", [self._expr()]
        elif self._is("[") and not self.next.apart:
            self._take()
            heads = [self._expr()]
            self._want("]")
        elif self._is("."):
            self._refuse("a rule's name holds no dot; write name[key] := value")
        valued = kind != "contains" and self._value(heads)
        rule = Rule(name, kind, arguments, [Branch(heads, self._body_if())])
        if not (valued or kind == "contains" or rule.branches[0].body) or (default and not valued):
            self._refuse(f"{name} must say if, contains or := after its name", name)
        while not default and self._skip("else"):
            values: list[Expr] = []
            self._value(values)
            rule.branches.append(Branch(values, self._body_if()))
        if not (self.next.fresh or self.next.kind == "end"):
            self._refuse(f"{self.next} cannot stand here: a rule ends with its line")
        return rule

    def _value(self, into: list[Expr]) -> bool:
        if self._is("="):
            self._refuse("write := instead of =")
        if self._skip(":="):
            into.append(self._expr())
            return True
        return False

    def _arguments(self) -> list[Pattern]:
        self._want("(")
        found = []
        while not self._is(")"):
            found.append(self._pattern())
            if not self._skip(","):
                break
        self._want(")")
        return found

    def _name(self, what: str) -> Token:
        if self.next.kind != "name" or self.next.text in KEYWORDS:
            self._refuse(f"{what} must stand here, not {self.next}")
        return self._take()

    # Bodies.

    def _body_if(self) -> list[Literal]:
        return self._body() if self._skip("if") else []

    def _body(self) -> list[Literal]:
        if self._is("{"):
            self._take()
            return self._literals("}")
        return [self._literal()]

    def _literals(self, closing: str) -> list[Literal]:
        self._deeper()
        found: list[Literal] = []
        while not self._is(closing):
            if self.next.kind == "end":
                self._refuse(f"{closing} is missing")
            found.append(self._literal())
            if not (self._skip(";") or self.next.fresh or self._is(closing)):
                self._refuse(f"{self.next} cannot stand here: end the line, or write a semicolon")
        if not found:
            self._refuse("a body holds at least one line")
        self._want(closing)
        self._depth -= 1
        return found

    def _literal(self) -> Literal:
        if self._is("some"):
            made = self._some()
        elif self._is("every"):
            made = self._every()
        elif self._skip("not"):
            made = Literal(self._expr())
        elif self._binds():
            pattern = self._pattern()
            self._want(":=")
            made = Literal(self._expr(), [pattern])
        else:
            made = Literal(self._expr())
        if self._is("="):
            self._refuse("write := to give a name, == to compare, instead of =")
        if self._is("with"):
            self._refuse("with is not known: a rule sees the one input and the builtins as they are")
        return made

    def _binds(self) -> bool:
        if self.next.kind == "name":
            return self._after().text == ":=" and self._after().kind == "sign"
        return self._is("[") and self._tokens[self._closing()].text == ":="

    def _closing(self) -> int:
        """Find what follows the bracket that stands next."""
        depth = 0
        for at in range(self._at, len(self._tokens)):
            if self._tokens[at].kind == "sign":
                depth += {"[": 1, "]": -1}.get(self._tokens[at].text, 0)
            if depth == 0:
                return min(at + 1, len(self._tokens) - 1)
        return len(self._tokens) - 1

    def _some(self) -> Literal:
        start = self._take()
        patterns = [self._pattern()]
        if self._skip(","):
            patterns.append(self._pattern())
        if not self._is("in"):
            self._refuse("write some name in list, or some key, value in object", start)
        self._take()
        return Literal(self._expr(), patterns, each=True)

    def _every(self) -> Literal:
        self._take()
        patterns = [self._pattern()]
        if self._skip(","):
            patterns.append(self._pattern())
        self._want("in")
        over = self._expr()
        self._want("{")
        return Literal(over, patterns, each=True, inner=self._literals("}"))

    def _pattern(self) -> Pattern:
        if self.next.kind == "name" and self.next.text not in KEYWORDS:
            return Pattern([self._take()], whole=True)
        names: list[Token] = []
        if self._skip("["):
            self._members(names, "]", keyed=False)
        elif self._skip("{"):
            self._members(names, "}", keyed=True)
        elif self.next.kind in {"string", "number"} or self._is("true", "false", "null"):
            self._take()
        else:
            self._refuse(f"a name must stand here, not {self.next}")
        return Pattern(names, whole=False)

    def _members(self, names: list[Token], closing: str, *, keyed: bool) -> None:
        self._deeper()
        while not self._is(closing):
            if keyed:
                if self.next.kind != "string":
                    self._refuse(f"a key in double quotes must stand here, not {self.next}")
                self._take()
                self._want(":")
            names.extend(self._pattern().names)
            if not self._skip(","):
                break
        self._want(closing)
        self._depth -= 1

    # Values.

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"nested more than {MAX_DEPTH} deep")

    def _expr(self, *, bar: bool = True) -> Expr:
        self._deeper()
        levels = (
            ("in",),
            ("==", "!=", "<", "<=", ">", ">="),
            ("|",) if bar else (),
            ("&",),
            ("+", "-"),
            ("*", "/", "%"),
        )
        made = self._level(levels)
        self._depth -= 1
        return made

    def _level(self, levels: tuple[tuple[str, ...], ...]) -> Expr:
        if not levels:
            return self._unary()
        values = [self._level(levels[1:])]
        while levels[0] and self._skip(*levels[0]):
            values.append(self._level(levels[1:]))
        return values[0] if len(values) == 1 else Many(values)

    def _unary(self) -> Expr:
        while self._skip("-"):
            continue
        token = self.next
        if token.kind in {"number", "string"} or self._is("true", "false", "null"):
            return Const(self._take())
        if self._skip("("):
            made = self._expr()
            self._want(")")
            return made
        if self._skip("["):
            return self._collection("]")
        if self._skip("{"):
            return self._collection("}")
        if token.text == "set" and self._after().text == "(" and self._after(2).text == ")":
            self._at += 3
            return Many([])
        return self._ref()

    def _ref(self) -> Ref:
        if self.next.kind == "name" and self.next.text == "contains" and self._after().text == "(":
            made = Ref(self._take())
        else:
            made = Ref(self._name("a value"))
        while self._is(".", "[", "(") and not self.next.apart:
            if self._skip("."):
                if self.next.kind != "name" or self.next.apart:
                    self._refuse(f"a field's name must stand here, not {self.next}")
                made.parts.append(self._take())
            elif self._skip("["):
                made.parts.append(self._expr())
                self._want("]")
            else:
                self._take()
                made.parts.append(Call(self._listed(")")))
        return made

    def _listed(self, closing: str) -> list[Expr]:
        found = []
        while not self._is(closing):
            found.append(self._expr())
            if not self._skip(","):
                break
        self._want(closing)
        return found

    def _collection(self, closing: str) -> Expr:
        """Read a list, set or object, or a comprehension of one; the opening bracket is read."""
        if self._skip(closing):
            return Many([])
        heads = [self._expr(bar=False)]
        if closing == "}" and self._skip(":"):
            heads.append(self._expr(bar=False))
        if self._skip("|"):
            return Comprehension(heads, self._literals(closing))
        keyed = len(heads) == 2
        while self._skip(",") and not self._is(closing):
            heads.append(self._expr())
            if keyed:
                self._want(":")
                heads.append(self._expr())
        self._want(closing)
        return Many(heads)
