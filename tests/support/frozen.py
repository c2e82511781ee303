"""What is frozen: for each published stage and gate, the syntax tree of every project module that it reaches.

A changed tree is a changed meaning until shown otherwise: either the stage or gate gets a new version beside the old, or
the whole golden corpus is rerun and byte-equal. Comments, docstrings, layout and line numbers do not count; names,
values and types do. ``python -m tests.support.frozen`` writes the list anew, and only if the corpus replays equal.
"""

import ast
import functools
import hashlib
import json
import sys
from pathlib import Path

from pipeline.stages.catalog import STAGES
from policy.gates.catalog import GATES

ROOT = Path(__file__).resolve().parents[2]
FROZEN = ROOT / "tests" / "golden" / "frozen.json"
PACKAGES = ("cas", "policy", "targets", "pipeline", "replay", "api")


def path_of(module):
    """Give the file of a project module, or None: packages hold a docstring only, and are no module here."""
    path = ROOT / (module.replace(".", "/") + ".py")
    return path if path.is_file() else None


@functools.cache
def tree_of(module):
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def shape(node):
    """Write a syntax tree as text, the same under every Python that can parse it: empty fields are left out."""
    if isinstance(node, ast.AST):
        fields = []
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for name, value in ast.iter_fields(node):
            kept = without_docstring(value) if name == "body" and documented else value
            if kept is not None and kept != [] and name not in {"type_comment", "kind"}:
                fields.append(f"{name}={shape(kept)}")
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(shape, node))}]"
    return f"{type(node).__name__}:{node!r}"


def without_docstring(body):
    first = body[0] if body else None
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if is_text else body


@functools.cache
def digest_of(module):
    return "sha256:" + hashlib.sha256(shape(tree_of(module)).encode()).hexdigest()


@functools.cache
def imports_of(module):
    """List the project modules and the foreign packages that a module imports, wherever in it."""
    ours, foreign = set(), set()
    for node in ast.walk(tree_of(module)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            top = name.split(".")[0]
            if top in PACKAGES:
                if path_of(name):
                    ours.add(name)
            elif top not in sys.stdlib_module_names:
                foreign.add(top)
    return frozenset(ours), frozenset(foreign)


def closure_of(module):
    """Give every project module reachable from one, itself included, and the foreign packages they import."""
    seen, foreign, todo = set(), set(), [module]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            ours, others = imports_of(at)
            foreign |= others
            todo += ours
    return sorted(seen), sorted(foreign)


def published():
    """Name everything published with the module that gives it its meaning."""
    for stage in STAGES:
        yield "stages", f"{stage.name}/{stage.version}", stage.compute.__module__
    for gate in GATES:
        yield "gates", gate.id, gate.check.__module__


def computed():
    """Give the list as it follows from the code: modules with their digests, and what each published thing reaches."""
    found = {"gates": {}, "modules": {}, "stages": {}}
    for kind, name, module in published():
        modules, foreign = closure_of(module)
        found[kind][name] = {"imports": foreign, "modules": modules}
        found["modules"].update((each, digest_of(each)) for each in modules)
    return found


def text(found):
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def changes(old, new):
    """Say, per published thing, which of its modules changed, came or went."""
    for kind in ("stages", "gates"):
        for name in sorted(old[kind].keys() | new[kind].keys()):
            if name not in new[kind]:
                yield f"{name} is no longer published: retired versions stay listed"
                continue
            if name not in old[kind]:
                yield f"{name} is new"
                continue
            before, after = old[kind][name], new[kind][name]
            moved = [
                each
                for each in sorted({*before["modules"], *after["modules"]})
                if old["modules"].get(each) != new["modules"].get(each)
                or (each in before["modules"]) != (each in after["modules"])
            ]
            if moved:
                yield f"{name} means something else: {', '.join(moved)}"
            if before["imports"] != after["imports"]:
                yield f"{name} imports {after['imports']} instead of {before['imports']}"


def main():
    """Write the list anew, if the golden corpus says that nothing published changed its answers."""
    from tests.support import corpus

    unequal = [f"{path.name}: {report.result}" for path, report in corpus.replayed() if report.result != "equal"]
    if unequal:
        print("Not written: the golden corpus is not byte-equal.", *unequal, sep="\n  ")
        return 2
    new = computed()
    if FROZEN.exists():
        print(*changes(json.loads(FROZEN.read_text()), new), sep="\n")
    FROZEN.write_text(text(new), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
