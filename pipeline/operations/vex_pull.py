"""Pulling a VEX provider: OpenVEX beside its images is fetched, held against its signers, admitted in one append.

(1) what is attached to each image is read, from its registry or a layout; (2) the VEX documents among it are held
against the provider's own key or trusted root, by the stages that verify everything else; (3) all of them are admitted
as evidence, whatever that gave, and stand there by the instance's trust; (4) the record of the pull, with each answer,
stands in the same append. Nothing that is unsigned, or badly signed, is dropped, and none of it is trusted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from cas import digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust
from cas.records.proof import Directory, Person, Verification
from cas.records.vex_provider import PulledStatement, VexProvider, VexPull
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.formats.many import parts
from pipeline.formats.opened import open_document
from pipeline.operations import collect, sigstore_trust, vex_providers
from pipeline.operations.collect import Attached, Found, Skipped
from pipeline.operations.ingest import Receipt, submit
from pipeline.operations.verifying import Trusted, verified
from pipeline.operations.vex_sources import Sources
from pipeline.operations.work import Work

ROOT_NAME: Final = "vex-provider"


def pull_ref(name: str) -> str:
    """Name the ref of a provider's newest VexPull."""
    return f"vex_pull/{name}"


class ProviderOffline(Problem):
    """An offline provider was asked for from its registry."""

    code = "vex.provider_offline"
    category = Category.DENIED
    title = "The provider is offline"
    remedy = "Pull from an OCI layout that was brought here (--layout), or configure the provider with --no-offline."


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found; ``receipts`` say how each document stands by the instance's own trust."""

    digest: Digest
    pull: VexPull
    receipts: tuple[Receipt, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Beside:
    """A VEX document beside a subscribed image."""

    image: str
    attached: Attached


def pull(effects: Effects, caller: Caller, name: str, *, layout: str = "") -> Pulled:
    """Pull every image of a provider; a layout's folder stands in for all registries.

    Raises: cas.entry_missing, vex.provider_offline, vex.credential_invalid, target.secret_missing, settings.offline,
    collect.too_much, image.*, registry.* problems, and those of evidence
    """
    known = vex_providers.find(effects, name)
    if known.provider.offline and not layout:
        raise ProviderOffline(provider=name)
    looked = _looked(effects, known.provider, layout)  # (1)
    beside = [_Beside(image, one) for image, found in looked for one in _parts(found) if _is_vex(one)]
    skipped = tuple(one for _, found in looked for one in (*found.skipped, *_no_vex(found)))
    made: list[tuple[Digest, VexPull]] = []

    def record(work: Work) -> bool:
        """Note the pull in the append that admits the documents; asked again when a head moved meanwhile."""
        found = VexPull(
            provider=known.digest,
            at=work.now,
            layout=bool(layout),
            images=tuple(sorted((image, found.image) for image, found in looked)),
            statements=tuple(_statement(work, known.provider, one) for one in beside),  # (2)
            skipped=len(skipped),
        )
        made[:] = [(_note(work, name, found), found)]
        return True

    if beside:
        receipts = submit(effects, caller, [one.attached.submission for one in beside], also=record).receipts  # (3)
    else:
        work, receipts = Work(effects, caller), ()
        record(work)
        work.commit()
    return Pulled(*made[0], receipts, skipped)


def _looked(effects: Effects, provider: VexProvider, layout: str) -> list[tuple[str, Found]]:
    """Read what is attached to each image."""
    with Sources(effects, provider, layout) as sources:
        return [(image, collect.find(lambda _, at=image: sources.of(at), image)) for image in provider.images]  # type: ignore[misc]  # bound at once


def _note(work: Work, name: str, found: VexPull) -> Digest:
    """Note the record of a pull, with the answers beside it (4)."""
    saved = work.save(found)
    checks = {one.verification for one in found.statements if one.verification}
    beside = tuple(checks | {one.document for one in found.statements})
    work.note("vex.pulled", saved, (work.move(pull_ref(name), saved),), beside=beside)
    return saved


def newest(effects: Effects, name: str) -> VexPull | None:
    """Give the newest pull of a provider; None while there was none."""
    found = effects.log.ref(pull_ref(name))
    return load(effects.store, found, VexPull) if found else None


def _parts(found: Found) -> Iterator[Attached]:
    """Give what is attached, a document that holds many as its parts: each has a signature of its own."""
    for one in found.documents:
        yield from (replace(one, data=data) for _, data in parts(one.data))


def _is_vex(one: Attached) -> bool:
    """Tell whether an attached document is VEX and nothing else."""
    return all(reading.kind == "vex" for reading in open_document(one.data).readings)


def _no_vex(found: Found) -> Iterator[Skipped]:
    for one in _parts(found):
        if not _is_vex(one):
            yield Skipped(one.subject, one.manifest, one.media_type, "no VEX document")


def _statement(work: Work, provider: VexProvider, one: _Beside) -> PulledStatement:
    """Hold a document against the provider's signers, and say how it stands by them."""
    data = one.attached.data
    name, answer = _checked(work, provider, data, one.attached.subject)
    if provider.mode == "none":
        status = "unchecked"
    elif answer is None or (answer.status == "verified" and not answer.covers):
        status = "unsigned"  # as evidence stands: a good signature over something else says nothing of this image
    else:
        status = answer.status
    return PulledStatement(
        image=one.image,
        subject=one.attached.subject,
        manifest=one.attached.manifest,
        document=work.effects.store.put(data),
        status=status,  # type: ignore[arg-type]
        verification=name,
    )


def _checked(
    work: Work, provider: VexProvider, data: bytes, subject: Digest
) -> tuple[Digest | None, Verification | None]:
    opened = open_document(data)
    if provider.mode == "none" or opened.envelope is None:
        return None, None
    root = work.ref(refs.TRUST_ROOT)
    assert root is not None  # an instance that admits is founded
    envelope = work.effects.store.put(opened.envelope)
    position = 1 + (work.effects.log.admitted(root) or 0)
    sigstore = _sigstore(work, provider) if opened.bundle else None
    by = Trusted(root, _directory(work, provider), position, sigstore)
    done = verified(work, envelope, subject, by, bundle=opened.bundle)
    return done.digest, done.record


def _directory(work: Work, provider: VexProvider) -> Digest | None:
    """Write down whose keys count: the provider's, under its own name; nobody's when it signs with certificates."""
    if provider.mode != "keypair":
        return None
    signer = Person(
        id=f"system:{digest.of_bytes(provider.id.encode())[7:39]}",
        login=f"vex-provider.{provider.id}"[:128],
        groups=(),
        keys=vex_providers.keys_of(work.effects, provider),
    )
    return work.save(Directory(version=1, people=(signer,), previous=None))


def _sigstore(work: Work, provider: VexProvider) -> Digest | None:
    """Write down which certificates count: of the provider's root, else of the instance's, for its identity alone."""
    held = sigstore_trust.current(work.effects)
    listed = (SigstoreIdentity(issuer=provider.issuer, identity=provider.subject),)
    if provider.tuf_root is not None:
        named = [(ROOT_NAME, provider.tuf_root.payload)]
    else:
        named = [(each.name, each.root) for each in held.roots] if held else []
    if not named:
        return None
    if provider.mode == "keypair":
        listed = (SigstoreIdentity(issuer="-", identity="-"),)  # the logs count, no certificate does
    roots = tuple(SigstoreRoot(name=name, root=root, identities=listed) for name, root in named)
    return work.save(SigstoreTrust(version=1, roots=roots, previous=None))
