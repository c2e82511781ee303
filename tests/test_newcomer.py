"""What a newcomer is promised: two commands that do their own set-up, a demo that cheats nowhere, documents that hold."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def make(*words):
    """What make would do on a machine where nothing is set up yet, or why not."""
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "VENV=/nonexistent/venv", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("target", "last"), [("demo", "examples/demo.py"), ("test", "-m pytest"), ("check", "tests/architecture")]
)
def test_each_command_makes_its_own_environment_from_hashed_locks(target, last):
    told = make(target)
    assert "-m venv /nonexistent/venv" in told
    assert "--require-hashes -r requirements.lock" in told
    assert last in told.strip().splitlines()[-1]
    assert told.index("--require-hashes") < told.index(last)
    if target == "test":
        assert told.index("tests/live/install.sh") < told.index("-m pytest")


def test_the_readme_names_the_two_commands_and_ci_runs_the_suite():
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert "make test" in lines
    assert "set -euo pipefail" in lines


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_dependency_is_locked_with_a_hash_and_no_host(name):
    lock = (ROOT / name).read_text()
    pinned = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^\]]*\])?==\S+", lock, re.MULTILINE)
    assert len(pinned) > 30
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert "://" not in lock


def test_the_demo_chooses_no_time_no_head_and_no_identity():
    """The question is derived there as everywhere: a story that needed another clock would prove nothing."""
    assert DEMO
    for path in DEMO:
        text = path.read_text()
        for word in ("as_of", "as-of", "simulate", "faketime", '--as"', "--feed", "TZ="):
            assert word not in text, f"{path.name} holds {word}"


def commands():
    """Every command line of the pages: (page, words)."""
    for page in PAGES:
        for block in re.findall(r"```(?:sh|bash)?\n(.*?)```", page.read_text(), re.DOTALL):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                text = re.split(r"\s#\s", line.split(";")[0])[0].strip().removeprefix("$ ")
                if text.startswith("stella "):
                    yield page.name, text
        for text in re.findall(r"`(stella [^`\n]+)`", page.read_text()):
            yield page.name, text


def test_every_command_line_in_the_documents_is_one_that_exists():
    from api.cli.program import all_commands, globals_first

    known = dict(all_commands())
    seen = 0
    for page, text in commands():
        words = shlex.split(re.sub(r"[<>…|&].*", "", text))[1:]
        words = [word for word in globals_first(words) if word]
        while words and words[0] in {"--home", "--server", "--profile", "--key", "--output", "-o"}:
            words = words[2:]
        if not words or words[0].startswith("-"):
            continue
        name = next((f"{words[0]} {word}" for word in words[1:2] if f"{words[0]} {word}" in known), words[0])
        assert name in known, f"{page}: stella {name} is no command: {text}"
        command = known[name]
        inner = getattr(command, "commands", {})
        if inner and name.count(" ") == 1 and len(words) > 2:
            command = inner.get(words[2], command)
        options = {word for param in command.params for word in (*param.opts, *param.secondary_opts)} | {"--help"}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options, f"{page}: {word} is no option of stella {name}: {text}"
        seen += 1
    assert seen > 40
