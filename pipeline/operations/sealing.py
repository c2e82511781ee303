"""The signed files of a deployment: stickers, release_decision packet, manifest, checksums; at the end its own packet.

Order of making: lock and scripts (render/1) → stickers → manifest → checksums → packet. Every body comes from a stage,
every signature is captured, and seal/1 writes the files; in-toto envelopes over the same files stand beside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.deploy import (
    ArtifactType,
    ManifestInput,
    PackInput,
    Rendered,
    Sealed,
    SealInput,
    Signed,
    StickerInput,
)
from cas.records.promotion import AdmittedApproval, Promotion
from cas.records.proof import Directory
from cas.records.release import Release
from cas.records.verdict import Decision
from cas.store import load
from pipeline.attest.statements import Kind
from pipeline.effects import Effects, Signer
from pipeline.operations.attestations import seal_record
from pipeline.operations.documents import sign_body, signer_fields
from pipeline.operations.fleet import Fleet
from pipeline.operations.work import Work
from pipeline.stages.drift import SEALED_STEP
from pipeline.stages.manifest import MANIFEST
from pipeline.stages.pack import PACK
from pipeline.stages.seal import SEAL
from pipeline.stages.sticker import STICKER
from targets.drift import STICKER as STICKER_NAME
from targets.render.checksums import CHECKSUMS_NAME
from targets.render.lock import LOCK_NAME
from targets.render.manifest import MANIFEST_NAME

PACKET_NAME: Final = "release.evidence.json"
STICKER_ENVELOPE: Final = "stella.version.dsse.json"
LOCK_ENVELOPE: Final = "compose.stella.lock.dsse.json"
SEALED_NAMES: Final = (
    CHECKSUMS_NAME,
    LOCK_ENVELOPE,
    MANIFEST_NAME,
    PACKET_NAME,
    STICKER_ENVELOPE,
    STICKER_NAME,
)
"""What a target receives besides the lock's own artifacts."""


class FilesNotWritten(Problem):
    """A target did not take its signed files."""

    code = "deploy.files_not_written"
    category = Category.CONFLICT
    title = "A target did not take its sticker and manifest"
    remedy = "See the receipt's code; free the folder or the disk, then deploy again."


@dataclass(slots=True)
class Finished:
    """What sealing made: the manifest, a sticker file per target, the envelopes; later the packet."""

    manifest: Digest
    manifest_body: Digest
    stickers: Mapping[Digest, Digest]  # by target
    completed_at: str
    envelopes: list[Digest] = field(default_factory=list)
    beside: list[Digest] = field(default_factory=list)


class Sealing:
    """Seals one deployment; all its stage runs go into the entry of ``work``."""

    def __init__(self, work: Work, fleet: Fleet, promotion: Promotion, rendered_digest: Digest) -> None:
        self.work = work
        self.effects: Effects = work.effects
        self.fleet = fleet
        self.promotion = promotion
        self.rendered_digest = rendered_digest
        self.rendered = load(work.effects.store, rendered_digest, Rendered)
        self.deployment = fleet.deployment
        release = load(work.effects.store, self.deployment.release, Release)
        self.images = tuple((component.name, component.digest) for component in release.components)

    def seal(self) -> Finished:
        """Make the files, and write each target's to it.

        Raises: deploy.files_not_written, artifact.*
        """
        completed_at = self.work.now
        evidence = self._packet("release_decision", self.deployment.started_at, None, None)
        stickers = {host.digest: self._sticker(host.digest, completed_at) for host in self.fleet.hosts}
        sealed = self._seal((*stickers.values(), evidence))
        files = {artifact.name: artifact.digest for artifact in sealed[1].artifacts}
        listing = self.work.run(
            MANIFEST,
            ManifestInput(
                deployment=self.fleet.deployment_digest,
                rendered=self.rendered_digest,
                sealed=sealed[0],
                created_at=completed_at,
                **signer_fields(self.effects.server),
            ),
        )
        manifest = self._sign(self.effects.server, listing.record.body, MANIFEST_NAME, "manifest")
        whole = self._seal((manifest,), listing.digest)[1]
        assert whole.manifest is not None
        assert whole.checksums is not None
        finished = Finished(
            manifest=whole.manifest,
            manifest_body=listing.digest,
            stickers={target: files[signed.name] for target, signed in stickers.items()},
            completed_at=completed_at,
            beside=[*files.values(), whole.manifest, whole.checksums, *(name for _, name in whole.target_checksums)],
        )
        lock = self._envelope("lock", self.rendered.lock, LOCK_NAME, finished)
        self._envelope("manifest", whole.manifest, MANIFEST_NAME, finished)
        common = {MANIFEST_NAME: whole.manifest, PACKET_NAME: files[PACKET_NAME], LOCK_ENVELOPE: lock}
        self._write(finished, common, dict(whole.target_checksums))
        return finished

    def _sticker(self, target: Digest, completed_at: str) -> Signed:
        question = StickerInput(
            deployment=self.fleet.deployment_digest,
            target=target,
            completed_at=completed_at,
            **signer_fields(self.effects.sticker),
        )
        made = self.work.run(STICKER, question).record
        return self._sign(self.effects.sticker, made.body, made.name, "version-sticker")

    def _sign(
        self, signer: Signer, body: Digest, name: str, type_: ArtifactType | Literal["manifest", "packet"]
    ) -> Signed:
        return sign_body(signer, self.effects.store.get(body), body, name=name, type_=type_)

    def _seal(self, signed: Sequence[Signed], beside: Digest | None = None) -> tuple[Digest, Sealed]:
        ordered = tuple(sorted(signed, key=lambda one: one.name))
        question = SealInput(deployment=self.fleet.deployment_digest, signed=ordered, beside=beside)
        done = self.work.run(SEAL, question)
        return done.digest, done.record

    def _envelope(self, kind: Kind, file: Digest, name: str, finished: Finished) -> Digest:
        envelope = seal_record(self.effects, kind, file, (*self.images, (name, file)))
        finished.envelopes.append(envelope)
        return envelope

    def _write(self, finished: Finished, common: Mapping[str, Digest], checksums: Mapping[str, Digest]) -> None:
        for host in self.fleet.hosts:
            sticker = finished.stickers[host.digest]
            own = {
                STICKER_NAME: sticker,
                STICKER_ENVELOPE: self._envelope("sticker", sticker, STICKER_NAME, finished),
                CHECKSUMS_NAME: checksums[host.target.name],
            }
            files = {name: self.effects.store.get(named) for name, named in {**common, **own}.items()}
            receipt = self.fleet.finish(host, self.rendered.project, files, SEALED_STEP)
            if receipt.result == "failed":
                raise FilesNotWritten(target=host.target.name, why=receipt.code)

    def packet(self, finished: Finished, result: Digest) -> Digest:
        """Make, sign and keep the packet of the deployment itself."""
        kind: Literal["deployment", "rollback"] = "rollback" if self.promotion.purpose == "rollback" else "deployment"
        signed = self._packet(kind, finished.completed_at, result, finished)
        sealed = self._seal((signed,))[1].artifacts[0].digest
        self._envelope("packet", sealed, PACKET_NAME, finished)
        finished.beside.append(sealed)
        return sealed

    def _packet(
        self,
        kind: Literal["release_decision", "deployment", "rollback"],
        at: str,
        result: Digest | None,
        finished: Finished | None,
    ) -> Signed:
        decision = load(self.effects.store, self.deployment.decision, Decision)
        question = PackInput(
            type=kind,
            tenant=self.effects.tenant,
            promotion=self.deployment.promotion,
            verdict=decision.verdict,
            decision=self.deployment.decision,
            result=result,
            manifest=finished.manifest if finished else None,
            manifest_body=finished.manifest_body if finished else None,
            deployment=self.fleet.deployment_digest if finished else None,
            generated_at=at,
            generator_version=self.deployment.generator_version,
            actors=self._actors(decision),
            **signer_fields(self.effects.server),
        )
        made = self.work.run(PACK, question).record
        return self._sign(self.effects.server, made.body, PACKET_NAME, "evidence")

    def _actors(self, decision: Decision) -> tuple[tuple[str, str], ...]:
        """Pair each pseudonym that the packet speaks of with its login, as far as the directory tells."""
        known = {self.deployment.deployer: str(self.deployment.deployer_login)}
        for name in decision.approvals:
            approval = load(self.effects.store, name, AdmittedApproval)
            known[approval.person] = approval.login
        directory = self.work.ref(refs.DIRECTORY)
        people = load(self.effects.store, directory, Directory).people if directory else ()
        known |= {person.id: person.login for person in people if person.id == self.promotion.requested_by}
        return tuple(sorted(known.items()))
