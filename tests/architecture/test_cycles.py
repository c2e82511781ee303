"""No circle of imports: late imports, type-checking imports and imports by name count like any other."""

import ast
import textwrap

from tests.architecture.test_laws import MODULES


def dotted(name):
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def wanted(tree, known):
    """Give (line, module) of every project module that some code imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if inner in known else node.module
        elif isinstance(node, ast.Call) and _name(node.func) == "import_module" and node.args:
            yield from ((node.lineno, name) for name in _by_name(node.args[0], known))


def _name(function):
    return getattr(function, "attr", getattr(function, "id", ""))


def _by_name(argument, known):
    """Resolve what ``import_module`` is given: a literal, or an f-string, which may be any module it begins like."""
    if isinstance(argument, ast.Constant):
        return (argument.value,)
    if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
        return tuple(name for name in known if name.startswith(argument.values[0].value))
    return ()


def graph(trees):
    known = {dotted(name): tree for name, tree in trees.items()}
    return {
        name: {module: line for line, module in wanted(tree, known) if module in known and module != name}
        for name, tree in known.items()
    }


def circles(edges):
    """Give each strongly connected set of more than one module (Tarjan's algorithm, without recursion)."""
    index, low, stack, found = {}, {}, [], []
    for root in sorted(edges):
        walk = [] if root in index else [(root, iter(sorted(edges[root])))]
        while walk:
            name, left = walk[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                stack.append(name)
            step = next(left, None)
            if step is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[name])
                if low[name] == index[name]:
                    at = stack.index(name)
                    found += [sorted(stack[at:])] if len(stack) - at > 1 else []
                    del stack[at:]
            elif step not in index:
                walk.append((step, iter(sorted(edges[step]))))
            elif step in stack:
                low[name] = min(low[name], index[step])
    return found


def test_no_module_imports_itself_by_a_detour():
    edges = graph(MODULES)
    told = [
        "\n".join(
            f"{name}:{edges[name][other]} imports {other}"
            for name in circle
            for other in edges[name]
            if other in circle
        )
        for circle in circles(edges)
    ]
    assert not told, "a circle of imports; give what both sides need a module of its own:\n" + "\n\n".join(told)


def test_a_circle_is_found_wherever_its_imports_stand():
    sources = {
        "api/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from api.b import B",
        "api/b.py": "def late():\n    from api import c",
        "api/c.py": "from importlib import import_module\nimport_module('api.d.e')",
        "api/d/__init__.py": "",
        "api/d/e.py": "import importlib\ndef f(x):\n    return importlib.import_module(f'api.a{x}')",
        "api/lonely.py": "import api.a",
    }
    trees = {name: ast.parse(textwrap.dedent(text)) for name, text in sources.items()}
    assert circles(graph(trees)) == [["api.a", "api.b", "api.c", "api.d.e"]]


def test_a_diamond_is_no_circle():
    sources = {
        "api/a.py": "import api.b, api.c",
        "api/b.py": "import api.d",
        "api/c.py": "import api.d",
        "api/d.py": "",
    }
    assert circles(graph({name: ast.parse(text) for name, text in sources.items()})) == []
