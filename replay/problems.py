"""The problems of replaying and of bundles. Must not know doors."""

from cas.problems import Category, Problem


class NothingToReplay(Problem):
    """No Run stands behind a digest here."""

    code = "replay.nothing_to_replay"
    category = Category.MISSING
    title = "No Run of this instance stands behind it"
    remedy = "Name a verdict, decision, packet or another record that this instance made or imported."


class WorkerFailed(Problem):
    """The process that reruns ended without an answer."""

    code = "replay.worker_failed"
    category = Category.INTERNAL
    title = "The replaying process gave no answer"
    remedy = "Run the command again; if it fails again, check memory and report what it printed."


class BundleInvalid(Problem):
    """A file is not a bundle, or not as it was sealed."""

    code = "bundle.invalid"
    category = Category.CORRUPT
    title = "Not a sound bundle"
    remedy = "Get the bundle again, and check it with its own verify.py."


class BundleUnsigned(Problem):
    """A bundle's signer is not the one that was expected."""

    code = "bundle.signer_not_established"
    category = Category.DENIED
    title = "The bundle's signer is not established"
    remedy = "Compare the root fingerprint with the exporting instance's over another way, and give it with --root."


class BundleExists(Problem):
    """A file would be overwritten."""

    code = "bundle.exists"
    category = Category.CONFLICT
    title = "There is a file already"
    remedy = "Choose another name."
