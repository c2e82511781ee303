"""Problems of reading a Compose project. Faults carry the file and place; codes are listed in docs/problems.md."""

from cas.problems import Category, Problem


class ComposeInvalid(Problem):
    """A Compose project cannot be used; ``faults`` lists everything that is wrong with it."""

    code = "compose.invalid"
    category = Category.INVALID
    title = "The Compose project cannot be used"
    remedy = "Correct every fault listed, then capture the project again."


class YamlInvalid(Problem):
    """A file is not YAML that can be read safely."""

    code = "compose.yaml_invalid"
    category = Category.INVALID
    title = "Not readable as YAML"
    remedy = "Check the line named; tags such as !reset, several documents and non-string keys are not accepted."


class YamlTooLarge(Problem):
    """A bound on a YAML file's size, depth or expanded nodes was hit."""

    code = "compose.yaml_too_large"
    category = Category.TOO_LARGE
    title = "The YAML file is larger than allowed"
    remedy = "Keep Compose files under 4 MiB, 64 levels and 100,000 nodes with every alias expanded."
