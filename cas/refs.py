"""The names of refs, in one place. Knows spelling only.

Heads name a HeadSet or a single record; each is moved by compare and swap when something is admitted.
"""

from cas.digest import Digest

TRUST_ROOT = "trust/root"  # TrustRoot
DIRECTORY = "directory"  # Directory
SIGSTORE = "trust/sigstore"  # SigstoreTrust
FEED = "feeds/current"  # FeedSnapshot
STOP_LINE = "stop_line"  # StopLine


def evidence(subject: Digest) -> str:
    """HeadSet of Admission."""
    return f"evidence/{subject}"


def receipt(raw: Digest, subject: Digest, further: str = "") -> str:
    """Admission that first admitted these bytes about this subject; ``further`` names a reading beside the first."""
    return f"receipt/{raw}/{subject}/{further}" if further else f"receipt/{raw}/{subject}"


def own_kind(name: str) -> str:
    """Newest OwnKind of that name."""
    return f"own_kind/{name}"


def waivers(scope: str) -> str:
    """HeadSet of Waiver; the scope is an environment's name or ``any``."""
    return f"waivers/{scope}"


def waiver_request(uuid: str) -> str:
    """WaiverRequest that waits for an approval."""
    return f"waiver_request/{uuid}"


def break_glass_request(uuid: str) -> str:
    """BreakGlassSigned of a request that waits for its second person."""
    return f"break_glass_request/{uuid}"


def break_glass(release_digest: Digest, environment_name: str) -> str:
    """Newest BreakGlass of a release in an environment."""
    return f"break_glass/{release_digest}/{environment_name}"


def break_glass_unreviewed(environment_name: str) -> str:
    """HeadSet of BreakGlass records that nobody has reviewed."""
    return f"break_glass_unreviewed/{environment_name}"


def policy(environment: str) -> str:
    """PolicyPack that is active there."""
    return f"policy/{environment}"


def policy_pack(name: str) -> str:
    """Newest published PolicyPack of that name."""
    return f"policy_pack/{name}"


def policy_draft(name: str) -> str:
    """PolicyDraft that is being written; gone when it was published."""
    return f"policy_draft/{name}"


def policy_proposal(uuid: str) -> str:
    """PolicyProposal that waits, or the PolicyApproved that it became; gone when it was published or refused."""
    return f"policy_proposal/{uuid}"


def policy_published(pack: Digest) -> str:
    """PolicyPublished of a pack."""
    return f"policy_published/{pack}"


def policy_activation(environment: str) -> str:
    """Newest PolicyActivation there."""
    return f"policy_activation/{environment}"


def policy_shadow(environment: str) -> str:
    """PolicyPack that is judged beside the active one there, and never counts."""
    return f"policy_shadow/{environment}"


def shadow(release_digest: Digest, environment_name: str) -> str:
    """Newest ShadowVerdict of a release in an environment."""
    return f"shadow/{release_digest}/{environment_name}"


def deployed(environment: str) -> str:
    """HeadSet of Deployed, one per release line."""
    return f"deployed/{environment}"


def history(environment: str, line: str) -> str:
    """HeadSet of every Deployed of a line there: what rollback may return to."""
    return f"history/{environment}/{line}"


def environment(name: str) -> str:
    """Environment."""
    return f"environment/{name}"


def target(environment_name: str, name: str) -> str:
    """Target."""
    return f"target/{environment_name}/{name}"


def release(name: str) -> str:
    """Release by name; names are unique."""
    return f"release/{name}"


def release_draft(name: str) -> str:
    """ReleaseDraft by the name that the release will have; gone when it was finalised or discarded."""
    return f"release_draft/{name}"


def release_state(name: str) -> str:
    """ReleaseStatus of a release that was deprecated or archived; none: it is finalized."""
    return f"release_state/{name}"


def promotion(uuid: str) -> str:
    """PromotionStatus."""
    return f"promotion/{uuid}"


def verdict(release_digest: Digest, environment_name: str) -> str:
    """Newest Verdict, by its record."""
    return f"verdict/{release_digest}/{environment_name}"


def left(target_digest: Digest, line: str) -> str:
    """Observation of a target as the newest deployment of a line, good or taken back, left it."""
    return f"left/{target_digest}/{line}"


def lease(environment_name: str) -> str:
    """PromotionStatus that is deploying there: one at a time."""
    return f"lease/{environment_name}"


def named(uuid: str) -> str:
    """Record by its id (UUIDv8 of its digest)."""
    return f"id/{uuid}"


def token(identity: str) -> str:
    """Token by the 32 hex digits of its id; gone when it was revoked."""
    return f"token/{identity}"


def token_issuer(name: str) -> str:
    """TokenIssuer by name; gone when it was removed."""
    return f"token_issuer/{name}"


def asked(actor_and_key: Digest) -> str:
    """Asked: an idempotency key of one actor that was used."""
    return f"asked/{actor_and_key}"


def remote(origin: str) -> str:
    """HeadSet of ImportClaim: what another instance's bundles claim. Foreign facts fold nowhere else."""
    return f"remote/{origin}"
