"""Where a provider's images come from: its own registry as its record says, others as ever, or a layout for all."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from cas import digest
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.vex_provider import VexProvider
from pipeline.effects import Effects, Fetched, ImageSource, Registry
from pipeline.operations.vex_artifacts import Materialised
from targets.references import parse_reference


class CredentialInvalid(Problem):
    """What a credential reference leads to is no user and password."""

    code = "vex.credential_invalid"
    category = Category.INVALID
    title = "The credential is not user:password"
    remedy = "Let the reference lead to one line, user:password."


@dataclass(frozen=True, slots=True)
class InLayout:
    """An ImageSource over a layout in which an image is named as it is subscribed to: whole, or by its tag alone.

    ``only``: it is the only subscription, so that the only image of a layout without names (cosign save) is meant.
    """

    layout: ImageSource
    name: str
    only: bool

    def manifest(self, repository: str, reference: str) -> Fetched:
        """See ImageSource."""
        if digest.is_digest(reference):
            return self.layout.manifest(repository, reference)
        names = (self.name, reference, *([""] if self.only else []))
        for name in names[:-1]:
            try:
                return self.layout.manifest(repository, name)
            except Problem as problem:
                if problem.category is not Category.MISSING:
                    raise
        return self.layout.manifest(repository, names[-1])

    def blob(self, repository: str, digest: Digest) -> Iterator[bytes]:
        """See ImageSource."""
        return self.layout.blob(repository, digest)

    def attached(self, repository: str, subject: Digest) -> tuple[Digest, ...]:
        """See ImageSource."""
        return self.layout.attached(repository, subject)


class Sources:
    """Sources of one pull: each made once, all closed at its end, with the folder that held the certificates."""

    def __init__(self, effects: Effects, provider: VexProvider, layout: str) -> None:
        self._effects, self._provider, self._layout = effects, provider, layout
        self._stack = ExitStack()
        self._made: dict[str, ImageSource] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def of(self, image: str) -> ImageSource:
        """Give where a subscribed image comes from.

        Raises: settings.offline, registry.address_refused, target.secret_missing
        """
        named = parse_reference(image)
        if self._layout:
            inside = self._once(f"oci:{self._layout}")
            return InLayout(inside, f"{named.repository}:{named.asked}", len(self._provider.images) == 1)
        return self._once(named.host)

    def _once(self, location: str) -> ImageSource:
        if location not in self._made:
            own = location == self._provider.registry.host
            made: Any = self._effects.images(self._registry() if own else location)
            if hasattr(made, "close"):  # one that holds connections
                self._stack.enter_context(closing(made))
            self._made[location] = made
        return self._made[location]

    def _registry(self) -> Registry:
        own = self._provider.registry
        ca_file = ""
        if own.ca is not None:
            folder = self._stack.enter_context(Materialised({"ca.pem": self._effects.store.get(own.ca.payload)}))
            ca_file = str(folder.path("ca.pem"))
        return Registry(
            host=own.host,
            http=own.http,
            allow_http=own.allow_http,
            allow_private=own.allow_private,
            also=own.also,
            credential=self._credential if own.credential else None,
            ca_file=ca_file,
        )

    def _credential(self) -> tuple[str, str]:
        reference = self._provider.registry.credential
        user, colon, password = self._effects.secret(reference).partition(":")
        if not colon or not user:
            raise CredentialInvalid(credential=reference)
        return user, password
