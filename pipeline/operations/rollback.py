"""Rolling back: the earlier Packet is verified, decided with ``purpose: rollback``, deployed with its configuration.

Without an argument the way leads to what ran before; what was itself reached by a rollback leads on from there, so that
going back twice never returns to what was left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cas import canon, digest, jcs, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.deploy import Deployed, Deployment
from cas.records.promotion import Promotion
from cas.records.proof import HeadSet, Key, TrustRoot
from cas.records.release import Release
from cas.store import load
from pipeline.attest import signatures
from pipeline.effects import Caller, Effects
from pipeline.operations.deploy import EnvironmentBusy, deploy, find_packet
from pipeline.operations.ending import Ended
from pipeline.operations.environments import find_environment
from pipeline.operations.promote import request
from pipeline.operations.promotions import PromotionView, view
from targets.render import documents


class LineUnclear(Problem):
    """Several release lines run there, or none of that name."""

    code = "rollback.line_unclear"
    category = Category.INVALID
    title = "It is not clear which release line to roll back"
    remedy = "Name one of the lines that run there with --line."


class NothingRuns(Problem):
    """Nothing is deployed in the environment, so there is nothing to leave."""

    code = "rollback.nothing_runs"
    category = Category.CONFLICT
    title = "Nothing runs there that could be rolled back"
    remedy = "See stella status; deploy a release there: stella promote, then stella deploy."


class NothingEarlier(Problem):
    """There is no earlier good deployment."""

    code = "rollback.nothing_earlier"
    category = Category.CONFLICT
    title = "Nothing earlier is left to go back to"
    remedy = (
        "Name what you mean with --to: stella status --history lists it; "
        "or deploy another release: stella promote, then stella deploy."
    )


class TargetUnclear(Problem):
    """What to go back to was named, but nothing deployed there has that name."""

    code = "rollback.not_found"
    category = Category.MISSING
    title = "Nothing of that name was deployed there"
    remedy = "Name a release, a deployment id or a packet digest that stella status --history lists."


class PacketUntrusted(Problem):
    """The earlier packet does not verify."""

    code = "rollback.packet_untrusted"
    category = Category.CORRUPT
    title = "The earlier evidence packet does not verify"
    remedy = "Run stella fsck; choose another packet with --to, or repair from a backup."


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The promotion that was made, and how its deployment ended; None while it waits for approvals or was refused."""

    promotion: PromotionView
    back_to: Digest  # Deployed
    ended: Ended | None


def rollback(
    effects: Effects,
    caller: Caller,
    environment: str,
    line: str | None = None,
    to: str | None = None,
    *,
    reason: str = "rollback",
) -> RolledBack:
    """Return to the last good packet, or to the one named by ``to`` (packet digest, deployment id or release name).

    When a pack demands approvals for rollbacks, the promotion waits for them; ``deploy`` then carries it out.

    Raises: rollback.*, environment.missing, deploy.environment_busy before anything is asked; promotion.*, deploy.*,
        plan.*
    """
    current = _current(effects, environment, line)
    if effects.log.ref(refs.lease(environment)) is not None:  # else a promotion would be left that nobody wants later
        raise EnvironmentBusy(environment=environment)
    name = predecessor(effects, environment, current) if to is None else _named(effects, environment, current, to)
    earlier = load(effects.store, name, Deployed)
    verify_packet(effects, earlier)
    asked = request(
        effects,
        caller,
        earlier.release,
        environment,
        reason,
        purpose="rollback",
        rollback_to=earlier.packet,
    )
    if asked.status.state != "approved":
        return RolledBack(asked, name, None)
    ended = deploy(effects, caller, asked.id)
    return RolledBack(view(effects, asked.id), name, ended)


def _current(effects: Effects, environment: str, line: str | None) -> Digest:
    head = effects.log.ref(refs.deployed(environment))
    members = load(effects.store, head, HeadSet).members if head else ()
    lines = {load(effects.store, name, Deployed).line: name for name in members}
    if line is None and len(lines) == 1:
        return next(iter(lines.values()))
    if not lines:
        find_environment(effects, environment)
        raise NothingRuns(environment=environment)
    if line is None or line not in lines:
        raise LineUnclear(environment=environment, line=line or "", lines=", ".join(sorted(lines)))
    return lines[line]


def predecessor(effects: Effects, environment: str, name: Digest) -> Digest:
    """Give the Deployed that ran before the one named; a rollback counts as what it returned to.

    A deployment that repeats the release and configuration that run is no way back, and is passed over.

    Raises: rollback.nothing_earlier
    """
    first = _meant(effects, environment, load(effects.store, name, Deployed))
    for found in _before(effects, environment, first):
        if (found.release, found.environment) != (first.release, first.environment):
            return digest.of_bytes(canon.of_record(found))
    raise NothingEarlier(environment=environment, line=first.line)


def _before(effects: Effects, environment: str, start: Deployed) -> Iterator[Deployed]:
    """Walk back; each step is older than the one before, so this ends."""
    found = start
    while True:
        previous = load(effects.store, found.deployment, Deployment).previous
        if previous is None:
            return
        found = _meant(effects, environment, load(effects.store, previous, Deployed))
        yield found


def _meant(effects: Effects, environment: str, found: Deployed) -> Deployed:
    """Follow a rollback to the deployment whose packet it returned to."""
    while True:
        deployment = load(effects.store, found.deployment, Deployment)
        packet = load(effects.store, deployment.promotion, Promotion).rollback_to
        if packet is None:
            return found
        found = find_packet(effects, environment, found.line, packet)


def _named(effects: Effects, environment: str, current: Digest, to: str) -> Digest:
    line = load(effects.store, current, Deployed).line
    history = effects.log.ref(refs.history(environment, line))
    found = [
        (effects.log.admitted(one.deployment) or 0, name)  # by the log: two may end within one second
        for name, one in (
            (name, load(effects.store, name, Deployed))
            for name in (load(effects.store, history, HeadSet).members if history else ())
        )
        if to in {one.packet, name, digest.uuid_of(one.deployment), load(effects.store, one.release, Release).name}
    ]
    if not found:
        raise TargetUnclear(to=to[:200], environment=environment, line=line)
    return max(found)[1]


def verify_packet(effects: Effects, deployed: Deployed) -> None:
    """Hold an earlier packet against this instance's keys, as they counted when its entry was appended.

    Raises: rollback.packet_untrusted, cas.object_missing, cas.object_corrupt
    """
    document = documents.read(effects.store.get(deployed.packet))
    content = document.get("content")
    if document.get("contentHash") not in _hashes(content):
        raise PacketUntrusted(packet=deployed.packet, why="contentHash")
    position = effects.log.admitted(deployed.result)
    key = _key(effects, str(document.get("signerKeyId", "")))
    if position is None or key is None or (key.revoked_at is not None and key.revoked_at <= position):
        raise PacketUntrusted(packet=deployed.packet, why="signer")
    algorithm = documents.algorithm_name(key.algorithm)
    signature = documents.to_raw(algorithm, str(document.get("signature", "")))
    if not signatures.verify(key, documents.signed_bytes(document), signature):
        raise PacketUntrusted(packet=deployed.packet, why="signature")


def _hashes(content: object) -> tuple[str, str]:
    hashed = digest.of_bytes(jcs.of_value(content))
    return hashed, hashed.removeprefix("sha256:")


def _key(effects: Effects, key_id: str) -> Key | None:
    """Find a server key in the newest trust root, where revoked ones stay listed."""
    root = effects.log.ref(refs.TRUST_ROOT)
    keys = load(effects.store, root, TrustRoot).keys if root else ()
    return next((key for key in keys if key.id == key_id and "server" in key.purposes), None)
