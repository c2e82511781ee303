"""What people see: completion, bars, times, columns, and denials without noise."""

import json
import os
import pty
import subprocess
import sys
import time
import types

import msgspec
import pytest

from api import times, why
from api.calls.verdicts import WhyLine
from api.cli.gate import brief
from tests.api.test_cli import ROOT, stella
from tests.api.test_feed_import import advisory

MAIN = (sys.executable, "-m", "api.cli.main")


def ask_shell(home, words, **env):
    """Complete a command line as bash does."""
    done = stella(
        home=home,
        code=0,
        _STELLA_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(words),
        COMP_CWORD=str(len(words) - 1),
        **env,
    )
    return done.stdout.split()


def test_the_shell_completes_commands_sub_commands_and_options(tmp_path):
    assert ask_shell(tmp_path, ["stella", "rel"]) == ["release"]
    assert {"create", "list", "show", "diff"} <= set(ask_shell(tmp_path, ["stella", "release", ""]))
    assert "--components" in ask_shell(tmp_path, ["stella", "release", "create", "--comp"])


def test_the_completion_script_is_shown_and_is_bash(tmp_path):
    line = f"{' '.join(MAIN)} --show-completion > {tmp_path}/script; echo $?"
    env = {**os.environ, "SHELL": "/bin/bash"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "0", done.stderr
    subprocess.run(["bash", "-n", f"{tmp_path}/script"], check=True, timeout=60)
    assert "complete" in (tmp_path / "script").read_text()


def on_terminal(home, *words, **env):
    """Run a command on a terminal of its own; give what it wrote there and how long it took."""
    leader, follower = pty.openpty()
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "STELLA_HOME": str(home / "h"),
        "TERM": "xterm-256color",
    }
    begun = time.monotonic()
    process = subprocess.Popen(
        [*MAIN, *map(str, words)], cwd=ROOT, env=variables | env, stdout=follower, stderr=follower
    )
    os.close(follower)
    said = b""
    try:
        while piece := os.read(leader, 65536):
            said += piece
    except OSError:  # the last writer is gone
        pass
    os.close(leader)
    assert process.wait(60) == 0, said
    return said.decode(), time.monotonic() - begun


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A home, and a feed that takes more than a second to come in."""
    folder = tmp_path_factory.mktemp("slow")
    stella("init", home=folder, code=0)
    lines = "\n".join(json.dumps(advisory(at)) for at in range(20_000))
    (folder / "osv.ndjson").write_text(lines)
    return folder


def test_a_bar_is_drawn_for_whom_it_takes_more_than_a_second_on_a_terminal_only(slow):
    said, took = on_terminal(slow, "feed", "import", slow / "osv.ndjson")
    assert took > 1.5, "the test's feed is too small"
    assert "documents" in said
    assert "━" in said
    quick, _ = on_terminal(slow, "log", "head")
    assert "\x1b" not in quick
    assert "\x1b" not in on_terminal(slow, "feed", "import", slow / "osv.ndjson", CI="1")[0]
    piped = stella("feed", "import", slow / "osv.ndjson", home=slow, code=0, TERM="xterm-256color")
    assert "\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize(
    ("zone", "shown", "brief_shown"),
    [
        ("UTC", "2026-07-01 23:30:05Z", "2026-07-01 23:30Z"),
        ("Europe/Berlin", "2026-07-02 01:30:05 +0200 (2026-07-01 23:30:05Z)", "2026-07-02 01:30 +0200"),
        ("America/New_York", "2026-07-01 19:30:05 -0400 (23:30:05Z)", "2026-07-01 19:30 -0400"),
    ],
)
def test_instants_are_told_in_local_time_and_utc(zone, shown, brief_shown):
    program = "from api import times; t='2026-07-01T23:30:05Z'; print(times.shown(t)); print(times.brief(t))"
    env = {"PATH": os.environ["PATH"], "TZ": zone}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == [shown, brief_shown]
    assert times.shown("") == "-"


def rule(name, enforcement, status):
    """A rule's line of the why tree."""
    return WhyLine(depth=0, kind="rule", text=name, code=f"{name}/1", rule=name, enforcement=enforcement, status=status)


FINDING = WhyLine(depth=1, kind="finding", text="CVE-1 is open")


def test_what_blocks_is_told_in_full_and_the_rest_in_a_line_each():
    closed = WhyLine(depth=0, kind="closed", text="CVE-9")
    lines = (
        rule("signed_by", "block", "fail"),
        FINDING,
        FINDING,
        rule("severity_budget", "observe", "fail"),
        FINDING,
        FINDING,
        FINDING,
        rule("cve_delta", "warn", "unknown"),
        FINDING,
        closed,
        WhyLine(depth=1, kind="claim", text="says bob"),
    )
    shown, told = brief(lines)
    assert shown == lines[:3]
    assert told == (
        "observe: severity_budget would fail (3 findings)",
        "warn: cve_delta is unknown (1 finding)",
        "closed by VEX or a waiver: 1 finding",
    )


def test_rules_that_block_come_first_in_the_answer_itself():
    from policy.explain import Why

    def told(enforcement):
        arguments = (("enforcement", enforcement), ("id", enforcement), ("status", "fail"))
        return Why(kind="gate", code="signed_by/1", arguments=arguments, children=())

    root = Why(kind="verdict", code="deny", arguments=(), children=(told("observe"), told("block")))
    assert [line.enforcement for line in why._tree(root) if line.kind == "rule"] == ["block", "observe"]


def test_fixes_say_what_was_not_asked_again_and_what_is_not_enough():
    from api.calls.verdicts import FixLine, VerdictFixes
    from api.cli.explaining import show_fixes

    step = FixLine(kind="upgrade", text="Upgrade it.", component="", purl="", to="", closes=())
    way = VerdictFixes(
        digest="sha256:" + "0" * 64, outcome="deny", known=True, minimal=True, verified=True, then="deny", fixes=(step,)
    )

    def told(**changes):
        lines = []
        out = types.SimpleNamespace(say=lines.append)
        show_fixes(out, msgspec.structs.replace(way, **changes))
        return "\n".join(lines)

    assert "1 step, which are not enough:" in told()
    assert "the gates answer: deny" in told()
    silent = told(verified=False, then="undecided", unasked=("sha256:" + "a" * 64,))
    assert f"custom rule sha256:{'a' * 64} was not asked again: it gave no answer here" in silent
    assert "and no fewer do" in told(then="allow")
