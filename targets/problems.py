"""What may stop a plan or a step. Knows codes; must not know any product."""

from cas.problems import Category, Problem


class KindUnknown(Problem):
    """No catalog line has this name."""

    code = "target.kind_unknown"
    category = Category.INVALID
    title = "There is no such kind of target"
    remedy = "List the kinds with stella target kinds, and correct the target's type."


class SettingsInvalid(Problem):
    """A target's settings do not fit its kind; ``faults`` lists all of them."""

    code = "target.settings_invalid"
    category = Category.INVALID
    title = "The target's settings are wrong"
    remedy = "Correct each listed setting."


class PlatformUnlisted(Problem):
    """A component may not run on the platform of this target."""

    code = "target.platform_unlisted"
    category = Category.CONFLICT
    title = "The release does not list this platform"
    remedy = "Make a release whose components list the platform, with evidence for it, or choose another target."


class ServiceUnsupported(Problem):
    """A service asks for something that this kind of target cannot give; ``faults`` lists all of it."""

    code = "target.service_unsupported"
    category = Category.UNSUPPORTED
    title = "This kind of target cannot run the service as written"
    remedy = "Use a compose_host target, or change the listed keys of the Compose file."


class VariableUnset(Problem):
    """A ``${REFERENCE}`` in the lock has no value."""

    code = "target.variable_unset"
    category = Category.MISSING
    title = "A variable that the lock refers to is not set"
    remedy = "Add it to the environment's variables or secrets."


class PathUnsafe(Problem):
    """A path leads out of the project's folder."""

    code = "target.path_unsafe"
    category = Category.INVALID
    title = "A path leads outside the project"
    remedy = "Keep files below the project, or let the environment allow the path."


class Unreachable(Problem):
    """The target does not answer."""

    code = "target.unreachable"
    category = Category.UNAVAILABLE
    title = "The target cannot be reached"
    remedy = "Check that its engine runs and that the address in its settings is right."


class Untrusted(Problem):
    """Target and we do not trust each other: a certificate does not verify, or is missing."""

    code = "target.untrusted"
    category = Category.DENIED
    title = "The target and this instance do not trust each other's certificates"
    remedy = (
        "Check that tls_ca signed the engine's certificate for this host name, and tls_certificate is one it takes."
    )


class EngineRefused(Problem):
    """The engine or its tool refused what was asked."""

    code = "target.engine_refused"
    category = Category.CONFLICT
    title = "The engine refused"
    remedy = "Read the receipt's log; the old containers run on or were restored."


class ImageMissing(Problem):
    """A registry does not have the pinned image."""

    code = "target.image_missing"
    category = Category.MISSING
    title = "The image cannot be pulled by its digest"
    remedy = "Check that the registry holds the digest and that the target reaches it."


class DigestMismatch(Problem):
    """What was pulled, or runs, is not what was pinned."""

    code = "target.digest_mismatch"
    category = Category.CORRUPT
    title = "The image is not the pinned one"
    remedy = "Do not trust that registry; compare its contents with the release's digests."


class Unhealthy(Problem):
    """A container crashed, loops, exited or fails its health check."""

    code = "target.unhealthy"
    category = Category.CONFLICT
    title = "A container did not become healthy"
    remedy = "Read the receipt's log; the old containers were restored."


class HookFailed(Problem):
    """A hook script of the release failed or took too long."""

    code = "target.hook_failed"
    category = Category.CONFLICT
    title = "A hook script failed"
    remedy = "Read the receipt's log, correct deploy.stella.sh, and make a new release."


class FilesTooLarge(Problem):
    """The project's folder on the target holds more than we are willing to look at."""

    code = "target.files_too_large"
    category = Category.TOO_LARGE
    title = "The project's folder holds too much"
    remedy = "Keep data in volumes or elsewhere; only delivered files belong in that folder."
