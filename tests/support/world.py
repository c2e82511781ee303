"""Fakes for tests: a clock that is told, entropy that counts, effects over the memory adapters."""

from dataclasses import dataclass, field, replace

from cas.adapters.memory import MemoryLog, MemoryStore
from pipeline.adapters.rego_child import RegoChild
from pipeline.effects import Caller, Effects

ALICE = Caller(actor="person:" + "a" * 32, login="alice")
BOB = Caller(actor="person:" + "b" * 32, login="bob")
CAROL = Caller(actor="person:" + "c" * 32, login="carol")


@dataclass
class FakeClock:
    """Says what it was told."""

    at: str = "2026-03-01T12:00:00Z"

    def now(self) -> str:
        return self.at


@dataclass
class CountingEntropy:
    """Gives 1, 2, 3, … as nonces."""

    count: int = 0

    def nonce(self) -> str:
        self.count += 1
        return f"{self.count:032x}"

    def token(self) -> str:
        self.count += 1
        return f"token-{self.count:040d}"


@dataclass
class World:
    """Effects over memory, with the fakes at hand."""

    clock: FakeClock = field(default_factory=FakeClock)
    entropy: CountingEntropy = field(default_factory=CountingEntropy)
    store: MemoryStore = field(default_factory=MemoryStore)
    log: MemoryLog = field(default_factory=MemoryLog)

    def effects(self, **others) -> Effects:
        """Build effects; signers, images and adapters are given by the test that needs them."""
        base = Effects(
            store=self.store,
            log=self.log,
            clock=self.clock,
            entropy=self.entropy,
            server=None,
            sticker=None,
            images=None,
            adapter=None,
            generator="stella",
            generator_version="0.1.0",
            engines={"regopy": RegoChild()},
        )
        return replace(base, **others)
