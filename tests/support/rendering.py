"""A release with a Compose template, deployed on paper: everything that render, sticker, manifest, seal and pack read."""

from dataclasses import dataclass, field

from cas.records.deploy import Deployment, ManifestInput, RenderInput, SealInput, StickerInput
from cas.records.release import Environment, SecretReference, Target
from cas.store import load, save
from pipeline.operations import releases
from pipeline.operations.capture import CapturedFile
from pipeline.operations.documents import sign_body, signer_fields
from pipeline.stage import advance
from pipeline.stages.manifest import MANIFEST
from pipeline.stages.render import RENDER
from pipeline.stages.seal import SEAL
from pipeline.stages.sticker import STICKER
from tests.support.images import Layout, LayoutImages, two_platforms
from tests.support.world import ALICE, World

COMPOSE = """
services:
  api:
    image: reg.example/acme/api:v1
    environment:
      DATABASE_URL: ${DATABASE_URL}
      LEVEL: ${LEVEL:-info}
      PRICE: 5$$
    ports: ["8080:8080"]
    volumes: ["./conf/api.conf:/etc/api.conf:ro", "state:/var/lib/api"]
    depends_on: [worker]
  worker:
    image: reg.example/acme/worker:v2
    env_file: worker.env
    deploy: {replicas: 2}
volumes:
  state: {}
"""
FILES = {
    "compose.yaml": COMPOSE,
    "worker.env": "QUEUE=jobs # the queue\n",
    "conf/api.conf": "listen 8080\n",
    "deploy.stella.sh": "#!/bin/sh\nexit 0\n",
}
NONE = "sha256:" + "0" * 64


def captured(files):
    return {
        path: CapturedFile(text if isinstance(text, bytes) else text.encode(), path.endswith(".sh"))
        for path, text in files.items()
    }


@dataclass
class Paper:
    """One deployment on paper; change its fields before ``render``."""

    files: dict = field(default_factory=lambda: dict(FILES))
    components: tuple = (("api", "reg.example/acme/api:v1"), ("worker", "reg.example/acme/worker:v2"))
    name: str = "myapp-v2.3.1"
    variables: tuple = (("LEVEL", "debug"),)
    secrets: tuple = ("DATABASE_URL",)
    allowed: tuple = ()
    targets: tuple = ("host1",)
    platform: str = "linux/amd64"
    platforms: tuple = ("linux/amd64",)
    environment_name: str = "production"
    deployed: dict = field(default_factory=dict)
    world: World = field(default_factory=World)

    def __post_init__(self):
        layout = Layout()
        layout.name("v1", two_platforms(layout))
        layout.name("v2", layout.image({"app": b"worker\n"}))
        self.effects = self.world.effects(images=lambda host: LayoutImages(layout))

    def release(self, **more):
        template = captured(self.files) if self.files is not None else None
        return releases.create(
            self.effects, ALICE, self.name, self.components, template=template, platforms=self.platforms, **more
        )

    def deployment(self):
        store = self.world.store
        targets = [
            Target(
                name=name,
                type="directory",
                environment=self.environment_name,
                platform=self.platform,
                settings=(),
                nonce="0" * 32,
            )
            for name in self.targets
        ]
        named = tuple(sorted(save(store, target) for target in targets))
        environment = Environment(
            name=self.environment_name,
            order=2,
            after="",
            production=True,
            required_approvals=1,
            approver_groups=(),
            separation_of_duties=True,
            personal_key_required=False,
            freeze_windows=(),
            soak_seconds=0,
            variables=self.variables,
            secrets=tuple(SecretReference(name=name, source=f"env:{name}") for name in self.secrets),
            allowed_bind_paths=self.allowed,
            targets=named,
            health_timeout_seconds=30,
            retention_days=30,
            created_by=ALICE.actor,
        )
        fields = {
            "decision": NONE,
            "promotion": NONE,
            "release": self.release().digest,
            "environment": save(store, environment),
            "targets": named,
            "deployer": ALICE.actor,
            "deployer_login": "alice",
            "started_at": "2026-03-01T12:30:00Z",
            "generator": "stella",
            "generator_version": "0.1.0",
            "previous": None,
            "nonce": "1" * 32,
        }
        return save(store, Deployment(**{**fields, **self.deployed}))

    def render(self):
        self.founded = self.deployment()
        return advance(RENDER, save(self.world.store, RenderInput(deployment=self.founded)), self.world.store)

    def lock(self):
        return self.world.store.get(self.render().record.lock).decode()

    def seal(self, signer):
        """Stickers, manifest and checksums as an operation makes them; gives (Rendered, ManifestBody, Sealed)."""
        store = self.world.store
        rendered = self.render()
        deployment = load(store, self.founded, Deployment)
        signed = []
        for target in deployment.targets:
            question = StickerInput(
                deployment=self.founded, target=target, completed_at="2026-03-01T12:31:00Z", **signer_fields(signer)
            )
            body = advance(STICKER, save(store, question), store).record
            signed.append(sign_body(signer, store.get(body.body), body.body, name=body.name, type_="version-sticker"))
        first = SealInput(deployment=self.founded, signed=tuple(sorted(signed, key=lambda one: one.name)))
        stickers = advance(SEAL, save(store, first), store)
        question = ManifestInput(
            deployment=self.founded,
            rendered=rendered.digest,
            sealed=stickers.digest,
            created_at="2026-03-01T12:31:00Z",
            **signer_fields(signer),
        )
        listed = advance(MANIFEST, save(store, question), store)
        manifest = sign_body(
            signer, store.get(listed.record.body), listed.record.body, name="manifest.json", type_="manifest"
        )
        last = SealInput(deployment=self.founded, signed=(manifest,), beside=listed.digest)
        sealed = advance(SEAL, save(store, last), store)
        return rendered.record, listed.record, sealed.record
