"""The import law, where effects may sit, and sizes: held by reading the code, so that messages say where it belongs."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cas", "policy", "targets", "pipeline", "replay", "api")
MAY_IMPORT = {
    "cas": {"cas"},
    "policy": {"cas", "policy"},
    "targets": {"cas", "targets"},
    "pipeline": {"cas", "policy", "targets", "pipeline"},
    "replay": {"cas", "policy", "targets", "pipeline", "replay"},
    "api": set(PACKAGES),
}
EFFECTFUL_MODULES = {
    "os",
    "socket",
    "subprocess",
    "shutil",
    "tempfile",
    "time",
    "random",
    "secrets",
    "urllib",
    "http",
    "httpx",
    "docker",
    "concurrent",
    "multiprocessing",
    "select",
    "signal",
    "fcntl",
    "mmap",
}
HARMLESS_NAMES = {("concurrent.futures", "Future"), ("urllib.parse", "*"), ("os", "PathLike"), ("http", "HTTPStatus")}
STANDALONE = {"replay/verify.py"}  # travels inside bundles; standard library only


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


MODULES = dict(modules())


def effects_allowed(name):
    parts = name.split("/")
    return (
        "adapters" in parts
        or name.startswith("pipeline/operations/")
        or (name.endswith("/adapter.py") and parts[0] == "targets")
        or parts[0] == "api"
        or parts[0] == "replay"  # checked apart: see test_replay_touches_only_files_and_processes
        or name in STANDALONE
    )


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.lineno, node.module, alias.name


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_left_to_right_only(name):
    package = name.split("/")[0]
    wrong = [
        f"{name}:{line} imports {module}: {module.split('.')[0]} stands above {package}; move the code or pass it in"
        for line, module, _ in imports(MODULES[name])
        if module.split(".")[0] in PACKAGES and module.split(".")[0] not in MAY_IMPORT[package]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(n for n in MODULES if not effects_allowed(n)))
def test_pure_modules_import_nothing_with_effects(name):
    wrong = [
        f"{name}:{line} imports {module}: effects belong in adapters/, targets/*/adapter.py or pipeline/operations/"
        for line, module, what in imports(MODULES[name])
        if module.split(".")[0] in EFFECTFUL_MODULES
        and (module, what) not in HARMLESS_NAMES
        and (module, "*") not in HARMLESS_NAMES
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.startswith("replay/") and n not in STANDALONE))
def test_replay_touches_only_files_and_processes(name):
    wrong = [
        f"{name}:{line} imports {module}: replay knows no live systems"
        for line, module, _ in imports(MODULES[name])
        if module.split(".")[0] in {"socket", "docker", "httpx", "urllib", "http", "random", "secrets"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n not in STANDALONE))
def test_modules_stay_small_and_say_what_they_know(name):
    tree = MODULES[name]
    assert ast.get_docstring(tree), f"{name}: a module says what it knows and what it must not know"
    lines = (ROOT / name).read_text().count("\n")
    assert lines <= 400, f"{name} has {lines} lines: two nouns live here, split them"
    long = [
        f"{name}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > 60
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.endswith("__init__.py")))
def test_package_faces_hold_a_docstring_and_nothing_else(name):
    assert len(MODULES[name].body) == 1, f"{name}: import from the module that owns the name"


def test_judging_stages_import_msgspec_and_our_own_code_only():
    allowed = {"msgspec", *PACKAGES}
    wrong = []
    for stage in ("gather", "assess", "judge", "decide"):
        name = f"pipeline/stages/{stage}.py"
        for line, module, _ in imports(MODULES[name]):
            top = module.split(".")[0]
            if top not in allowed and top not in STANDARD:
                wrong.append(f"{name}:{line} imports {module}")
    for name, tree in MODULES.items():
        if name.startswith(("policy/gates/", "policy/moment/")):
            wrong += [
                f"{name}:{line} imports {module}"
                for line, module, _ in imports(tree)
                if module.split(".")[0] not in allowed | STANDARD | {"re2"}
            ]
    assert not wrong, "\n".join(wrong)


STANDARD = {
    "base64",
    "posixpath",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "fnmatch",
    "functools",
    "itertools",
    "operator",
    "re",
    "string",
    "typing",
    "abc",
    "types",
    "math",
}


def test_nothing_names_a_registry_host_or_a_machine():
    import re
    import subprocess

    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    hosts = re.compile("|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs\.org"]))
    for name in filter(None, files.stdout.split("\0")):
        if name.startswith(("tests/data/", "examples/evidence/")):
            continue
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        if hosts.search(text):
            found.append(name)
    assert not found
