"""A release that is approved for an environment, made without judging: for tests of what comes after."""

import functools
from dataclasses import dataclass, field, replace

import msgspec

from cas import digest, refs
from cas.records.base import pairs
from cas.records.policy import GateUse, PolicyPack
from cas.records.promotion import PromotionStatus
from cas.records.release import (
    Component,
    ComposeInput,
    Environment,
    Release,
    Resolution,
    Target,
    Tree,
    TreeEntry,
)
from cas.records.release import ImageNode as Node
from cas.store import load, save
from pipeline.adapters.keys import generate
from pipeline.operations import trust
from pipeline.operations.deploy import deploy
from pipeline.operations.promote import request
from pipeline.operations.work import Work
from pipeline.stages.compose import COMPOSE
from tests.support.images import INDEX
from tests.support.world import ALICE, World

TEMPLATE = b"""services:
  web:
    image: %s
    restart: unless-stopped
    environment: {GREETING: "${GREETING}"}
    volumes: ["./conf/app.conf:/etc/app.conf:ro"]
"""


def resolution(layout, descriptor, repository, tag):
    """What a registry would have told of an image in a layout."""
    nodes, seen = [], [descriptor]
    while seen:
        one = seen.pop()
        data = layout.blobs[one["digest"]]
        value = msgspec.json.decode(data)
        index = one["mediaType"] == INDEX
        below = value["manifests"] if index else [value["config"]]
        platform = one.get("platform") or {"os": "linux", "architecture": "amd64"}
        spelled = "/".join(filter(None, (platform["os"], platform["architecture"], platform.get("variant"))))
        nodes.append(
            Node(
                digest=one["digest"],
                media_type=one["mediaType"],
                size=len(data),
                role="index" if index else "manifest",
                platform="" if index else spelled,
                below=tuple(sorted(child["digest"] for child in below)),
            )
        )
        if index:
            seen += below
        else:
            config = value["config"]
            nodes.append(
                Node(
                    digest=config["digest"],
                    media_type=config["mediaType"],
                    size=config["size"],
                    role="config",
                    platform=spelled,
                    below=(),
                )
            )
    return Resolution(
        reference=f"{repository}:{tag}",
        repository=repository,
        tag=tag,
        root=descriptor["digest"],
        nodes=tuple(sorted(nodes, key=lambda node: node.digest)),
    )


@functools.cache
def key(algorithm, name):
    """One key of each name for all tests: RSA keys take long to make."""
    return generate(algorithm, purposes=("root" if name == "root" else "server",), ref=name)


@dataclass
class Image:
    """One component's image: where it is, and its descriptor in a layout."""

    repository: str
    tag: str
    layout: object
    descriptor: dict
    kept: bool = False
    platforms: tuple = ("linux/amd64",)
    role: str = "primary"


@dataclass
class Delivery:
    """An instance with one environment, ready to approve and deploy releases."""

    world: World = field(default_factory=World)
    targets: tuple = ()
    adapter: object = None
    line: str = "shop"
    environment: str = "production"
    changes: dict = field(default_factory=dict)  # fields of the Environment
    outside: dict = field(default_factory=dict)  # fields of Effects

    def __post_init__(self):
        self.server, self.sticker = key("ed25519", "server"), key("rsa", "sticker")
        trust.found(self.effects, key("ed25519", "root"), self.server, self.sticker, ALICE)
        watch = GateUse(id="template", gate="template_safety/1", params=(), enforcement="observe")
        pack = PolicyPack(
            name="watch",
            version="1",
            description="",
            gates=(watch,),
            moment=(),
            overrides=(),
            verdict_ttl_seconds=86400 * 90,
            decision_ttl_seconds=86400 * 60,
            trust_table=None,
        )
        work = Work(self.effects, ALICE)
        stored = work.save(pack)
        work.note("policy.activated", stored, (work.move(refs.policy(self.environment), stored),))
        work.commit()
        self.place()

    @property
    def effects(self):
        return self.world.effects(server=self.server, sticker=self.sticker, adapter=self.adapter, **self.outside)

    def place(self, **changes):
        """Register the environment with its targets, as it is now."""
        self.changes |= changes
        work = Work(self.effects, ALICE)
        targets = tuple(sorted(work.save(target) for target in self.targets))
        made = Environment(**ENVIRONMENT | {"name": self.environment, "targets": targets} | self.changes)
        self.placed = work.save(made)
        work.note("environment.set", self.placed, (work.move(refs.environment(self.environment), self.placed),))
        work.commit()
        return self.placed

    def release(self, name, images, template=TEMPLATE, files=None):
        """Freeze a release over images; ``images`` is {component: Image}."""
        work = Work(self.effects, ALICE)
        store = self.world.store
        components = tuple(
            Component(
                name=component,
                repository=image.repository,
                tag=image.tag,
                digest=image.descriptor["digest"],
                platforms=image.platforms,
                resolution=save(store, resolution(image.layout, image.descriptor, image.repository, image.tag)),
                semver="",
                role=image.role,
                images_kept=image.kept,
            )
            for component, image in sorted(images.items())
        )
        if b"%s" in template:
            template = template.replace(b"%s", next(iter(images.values())).repository.encode())
        given = {"compose.yaml": template} | ({"conf/app.conf": b"a = 1\n"} if files is None else files)
        entries = tuple(
            TreeEntry(path=path, digest=store.put(data), size=len(data), executable=path.endswith(".sh"))
            for path, data in sorted(given.items())
        )
        tree = work.save(Tree(entries=entries))
        read = work.run(COMPOSE, ComposeInput(tree=tree, files=()))
        release = Release(
            name=name,
            line=self.line,
            components=components,
            template=tree,
            compose=read.digest,
            source=(),
            created_at=work.now,
            created_by=ALICE.actor,
            nonce=self.world.entropy.nonce(),
        )
        made = work.save(release)
        work.note("release.finalized", made, (work.move(refs.release(name), made),))
        work.commit()
        return made

    def approve(self, release, **asked):
        """Ask for a release by its name; nobody need approve, and the pack only watches. Give the promotion's id."""
        name = load(self.world.store, release, Release).name
        seen = request(self.effects, ALICE, name, self.environment, "because", **asked)
        assert seen.status.state == "approved", (seen.status.state, seen.verdict, seen.decision)
        return seen.id

    def deploy(self, release, **asked):
        """Approve and deploy."""
        return deploy(self.effects, ALICE, self.approve(release, **asked))

    def status(self, promotion):
        return load(self.world.store, self.world.log.ref(refs.promotion(promotion)), PromotionStatus)

    def head(self):
        """What the line runs, by the environment's head."""
        from cas.records.deploy import Deployed

        members = Work(self.effects, ALICE).members(refs.deployed(self.environment))
        return [load(self.world.store, name, Deployed) for name in members]


ENVIRONMENT = {
    "order": 2,
    "after": "",
    "production": True,
    "required_approvals": 0,
    "approver_groups": (),
    "separation_of_duties": True,
    "personal_key_required": False,
    "freeze_windows": (),
    "soak_seconds": 0,
    "variables": (("GREETING", "hello"),),
    "secrets": (),
    "allowed_bind_paths": (),
    "health_timeout_seconds": 20,
    "retention_days": 30,
    "created_by": ALICE.actor,
}


def target(name, type_, platform="linux/amd64", **settings):
    """A Target record."""
    return Target(
        name=name,
        type=type_,
        environment="production",
        platform=platform,
        settings=pairs(settings),
        nonce=digest.of_bytes(name.encode())[7:39],
    )


__all__ = ["ALICE", "Delivery", "Image", "replace", "resolution", "target"]
