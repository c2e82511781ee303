"""compose/1: a captured tree in, the Compose project in it out. Knows which objects to read and keep, nothing more.

The YAML library is named in the Run; its answers are kept as canonical JSON, so that render/1 never parses YAML.
"""

from importlib.metadata import version
from typing import Final

from cas import jcs
from cas.records.release import ComposeDocument, ComposeInput, ComposeProject, Tree
from pipeline.stage import Stage, StageIO
from targets.compose import template


def compose(question: ComposeInput, io: StageIO) -> ComposeProject:
    """Read, check and resolve the Compose project of a tree.

    Raises: compose.invalid, compose.yaml_invalid, compose.yaml_too_large
    """
    tree = io.load(question.tree, Tree)
    at = {entry.path: entry.digest for entry in tree.entries}
    found = template.read(at, lambda path: io.read(at[path]), question.files)
    return ComposeProject(
        tree=question.tree,
        files=found.files,
        documents=tuple(
            ComposeDocument(path=path, digest=io.keep(jcs.of_value(found.documents[path])))
            for path in sorted(found.documents)
        ),
        project=io.keep(jcs.of_value(found.project)),
        services=found.services,
        variables=found.variables,
    )


COMPOSE: Final = Stage(
    "compose", 1, ComposeInput, ComposeProject, compose, engines=(("ruamel.yaml", version("ruamel.yaml")),)
)
