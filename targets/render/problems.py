"""Problems of rendering a deployment's files."""

from cas.problems import Category, Problem


class RenderInvalid(Problem):
    """A lock cannot be made for this environment; ``faults`` lists why."""

    code = "render.invalid"
    category = Category.INVALID
    title = "The lock file cannot be made for this environment"
    remedy = "Declare the variables, secrets and paths in the environment, or correct the release."


class PlatformUnlisted(Problem):
    """A target's platform is not among those a component may run on."""

    code = "render.platform_unlisted"
    category = Category.CONFLICT
    title = "The release does not list this target's platform"
    remedy = "Make a release whose components list the platform, with evidence for it, or choose another target."
