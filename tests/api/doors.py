"""A founded instance over the memory adapters, and clients for it."""

from dataclasses import dataclass, field

from litestar.testing import TestClient

from api.app import create_app
from api.instance import Instance
from api.settings import Settings
from api.wiring import _adapters, images_of, of_effects
from cas import digest, refs
from cas.records.access import Token
from cas.records.proof import Person
from pipeline.adapters import keys
from pipeline.effects import Caller
from pipeline.operations import trust
from pipeline.operations.tokens import token_text
from pipeline.operations.work import Work
from tests.support.world import World

ALICE = keys.generate("ed25519", purposes=("approve", "submit"), ref="alice")
BOB = keys.generate("ed25519", purposes=("approve", "submit"), ref="bob")  # in no directory
CAROL = keys.generate("ed25519", purposes=("approve", "submit"), ref="bob")
DORA = keys.generate("ed25519", purposes=("approve", "submit"), ref="dora")
ROOT = keys.generate("ed25519", purposes=("root",), ref="root")
SERVER = keys.generate("ed25519", purposes=("server",), ref="server")
STICKER = keys.generate("rsa", purposes=("server",), ref="sticker")
OWNER = Caller(actor="person:" + "a" * 32, login="alice")
FAR = "2027-01-01T00:00:00Z"


@dataclass
class Doors:
    """An instance and the tokens made for it."""

    world: World = field(default_factory=World)
    settings: Settings = field(default_factory=lambda: Settings(home="/nonexistent/home"))
    images: object = None
    made: int = 0

    def __post_init__(self):
        self.effects = self.world.effects(
            server=SERVER,
            sticker=STICKER,
            images=lambda location: self.images or images_of(self.settings)(location),
            adapter=_adapters(),
        )
        trust.found(self.effects, ROOT, SERVER, STICKER, OWNER, owner_keys=(ALICE.key,), owner_groups=("admins",))
        people = (
            *trust.current(self.effects).directory.people,
            Person(id="person:" + "b" * 32, login="bob", groups=("approvers",), keys=(CAROL.key,)),
            Person(id="person:" + "c" * 32, login="dora", groups=(), keys=(DORA.key,)),
        )
        trust.set_directory(self.effects, OWNER, people, [ROOT])
        self.instance: Instance = of_effects(self.settings, self.effects)

    def client(self):
        """A client that is nobody."""
        return TestClient(create_app(self.instance), raise_server_exceptions=False)

    def token(self, *scopes, environments=(), components=(), expires_at=FAR, by="person:" + "a" * 32):
        """Make a token as the instance would, and give its header."""
        self.made += 1
        identity = f"{0xABC000 + self.made:032x}"
        text = token_text(identity, f"secret{self.made:037d}")
        work = Work(self.effects, OWNER)
        name = work.save(
            Token(
                id=f"token:{identity}",
                name=f"t{self.made}",
                digest=digest.of_bytes(text.encode()),
                scopes=tuple(sorted(scopes)),
                environments=tuple(sorted(environments)),
                components=tuple(sorted(components)),
                created_by=by,
                created_at=work.now,
                expires_at=expires_at,
                nonce="0" * 32,
            )
        )
        work.note("token.created", name, (work.move(refs.token(identity), name),))
        work.commit()
        return {"Authorization": f"Bearer {text}"}
