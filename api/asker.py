"""An Asker: who is at the door and what they may ask. Must not know how they came in, nor any instance."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from cas.problems import Category, Problem
from cas.records.access import Token
from cas.records.proof import Purpose
from pipeline.effects import Caller


class Asked(Protocol):
    """What is asked, as far as permission goes: a Call or a Moved."""

    @property
    def name(self) -> str:
        """The call's name."""
        ...

    @property
    def scope(self) -> str:
        """What a token needs; empty: open to everybody."""
        ...

    @property
    def person(self) -> bool:
        """Whether somebody must say it, not whoever holds the home."""
        ...


class AuthRequired(Problem):
    """Nobody in particular asks for something that is not open to everybody."""

    code = "auth.required"
    category = Category.DENIED
    title = "Say who you are"
    remedy = "Give a bearer token (STELLA_TOKEN), or sign with your key (--key)."


class ScopeMissing(Problem):
    """The caller is known, but may not do this."""

    code = "auth.scope_missing"
    category = Category.DENIED
    title = "Not allowed"
    remedy = "Ask an administrator for a token with this scope, or to be put into the group admins."


class PersonNeeded(Problem):
    """Something that a person or a named machine must say, said by whoever holds the home."""

    code = "auth.person_needed"
    category = Category.DENIED
    title = "This must be asked by somebody"
    remedy = "Give your key with --key (stella key generate; stella trust directory add), or a token."


class OutOfBounds(Problem):
    """A token does not reach this environment or component."""

    code = "auth.out_of_bounds"
    category = Category.DENIED
    title = "The token does not reach there"
    remedy = "Use a token made for this environment and these components."


ADMINISTERED: Final = frozenset({"environment:write", "policy:write", "vex.admin"})
"""What decides how others are judged; with every ``…:admin`` scope, only for people in the group admins."""

SUBMITTING: Final = frozenset(
    {"evidence:write", "feed:write", "release:write", "gate:run", "promotion:write", "replay:run"}
)
"""What a key without the purpose ``approve`` may write or run: a build machine's, usually."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. ``owner`` is the user account that holds the home; a token acts for the person who made it.

    ``purposes`` are those of the key that a person signed with.
    """

    kind: Literal["nobody", "owner", "person", "token"]
    caller: Caller
    groups: tuple[str, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    token: Token | None = None

    def check(self, call: Asked) -> None:
        """Refuse what this asker may not ask.

        Raises: auth.required, auth.scope_missing, auth.person_needed
        """
        if not call.scope:
            return
        if self.kind == "nobody":
            raise AuthRequired(call=call.name)
        if self.kind == "owner" and call.person:
            raise PersonNeeded(call=call.name)
        if self.kind == "token" and self.token is not None and call.scope not in self.token.scopes:
            raise ScopeMissing(call=call.name, scope=call.scope)
        if self.kind == "person" and not self._may(call.scope):
            raise ScopeMissing(call=call.name, scope=call.scope)

    def _may(self, scope: str) -> bool:
        if scope.endswith(":admin") or scope in ADMINISTERED:
            return "admins" in self.groups and "approve" in self.purposes
        return "approve" in self.purposes or scope.endswith((":read", ".read")) or scope in SUBMITTING

    def reach(self, *, environment: str = "", components: tuple[str, ...] = ()) -> None:
        """Refuse an environment or component that the asker's token does not reach.

        Raises: auth.out_of_bounds
        """
        if self.token is None:
            return
        if environment and self.token.environments and environment not in self.token.environments:
            raise OutOfBounds(environment=environment)
        beyond = sorted(set(components) - set(self.token.components)) if self.token.components else []
        if beyond:
            raise OutOfBounds(components=", ".join(beyond))
