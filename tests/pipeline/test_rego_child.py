"""The process that evaluates rules: what a rule that slipped past the check could still do. Each escape is tried."""

import json
import os
import re
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.adapters import rego_child
from pipeline.adapters.rego_child import Limits, RegoChild, RegoStopped
from pipeline.engines import EngineAbsent
from policy import rego, rego_words
from tests.support import rego as support

CASES = Path(__file__).parent.parent / "cases" / "rego"
ACCEPTED = json.loads((CASES / "accepted.json").read_text())
TIGHT = Limits(wall_seconds=20, cpu_seconds=1, memory_bytes=160 << 20, output_bytes=1 << 20)


def unchecked(source, *allowed, limits=TIGHT, shown=None):
    """Ask with builtins let through that the check refuses."""
    shown = {} if shown is None else shown
    names = [*rego_words.BUILTINS, *rego_words.OPERATORS, *allowed]
    asked = {"source": support.HEAD + source, "entries": ["deny"], "allowed": names, "input": shown}
    return json.loads(RegoChild(limits).answer(json.dumps(asked).encode()))


def gives_no_answer(source):
    """Tell whether asking ends without one: a fault, nothing for the set, or a dead process."""
    try:
        said = unchecked(source)
    except RegoStopped as stopped:
        return stopped.fields["limit"] == "crash"
    return bool(said["fault"]) or said["answers"] == [["deny", None]]


def children():
    """List the processes that are ours."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == os.getpid():
            found.append(path)
    return found


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case["name"])
def test_an_accepted_rule_answers_what_it_says(case):
    source = case["source"].removeprefix(support.HEAD)
    answered = support.ask(source, **{key: case[key] for key in ("unknowns",) if key in case})
    assert [dict(one.arguments)["message"] for one in answered.deny] == case["deny"]


@pytest.mark.parametrize(
    "call",
    [
        "time.now_ns()",
        'rand.intn("a", 9)',
        'uuid.rfc4122("a")',
        "opa.runtime()",
        'http.send({"method": "get", "url": "http://127.0.0.1/"})',
        'io.jwt.decode("a.b.c")',
        'json.unmarshal("1")',
        'regex.replace("a", "b", "c")',
    ],
)
def test_what_the_plan_calls_is_held_against_the_list_again(call):
    said = unchecked(f"deny contains x if {{ x := {call} }}")
    assert (said["fault"], said["answers"]) == ("refused", []), said
    assert said["reason"] == "calls " + call.split("(")[0]


def test_the_environment_is_empty():
    os.environ["STELLA_TEST_SECRET"] = "hunter2"
    try:
        said = unchecked("deny contains x if { x := opa.runtime().env }", "opa.runtime")
    finally:
        del os.environ["STELLA_TEST_SECRET"]
    [[_, [environment]]] = said["answers"]
    assert set(environment) <= {"LC_CTYPE"}  # the interpreter's own


def test_nothing_can_be_reached_over_the_network():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        said = unchecked(f'deny contains x if {{ x := http.send({{"method": "get", "url": "{url}"}}) }}', "http.send")
        assert said["answers"] in ([], [["deny", None]])
        with pytest.raises(TimeoutError):
            server.accept()


LOCKED = """
import os, socket, sys
sys.path.insert(0, {folder!r})
import rego_worker
rego_worker.give_up(5)
rego_worker.lock()
for attempt in (lambda: open("/etc/passwd"), lambda: socket.socket(), lambda: open("left", "w"), os.pipe):
    try:
        attempt()
    except OSError as error:
        print(error.errno)
"""


def test_after_the_lock_no_file_socket_or_pipe_can_be_opened(tmp_path):
    import errno
    import subprocess
    import sys

    folder = str(Path(rego_child.__file__).parent)
    command = [sys.executable, "-I", "-c", LOCKED.format(folder=folder)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.split() == [str(errno.EMFILE).encode()] * 4


@pytest.mark.parametrize(
    ("limit", "source"),
    [
        (
            "memory",
            (
                "many := numbers.range(1, 100000)\ndeny contains x if { "
                'x := count([sprintf("%d-%d-xxxxxxxxxxxxxxxxxxxxx", [i, j]) | some i in many; some j in many]) }'
            ),
        ),
        (
            "cpu",
            "deny contains x if { some i in numbers.range(1, 9999); some j in numbers.range(1, 9999); x := i - j; x > 10000 }",
        ),
        ("cpu", 'deny contains "x" if { glob.match("*a*a*a*a*a*a*a*a*a*a*b", [], "' + "a" * 60 + '") }'),
    ],
)
def test_a_rule_that_takes_too_much_is_stopped_and_leaves_nothing(limit, source, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = children()
    limits = replace(TIGHT, wall_seconds=60, cpu_seconds=30) if limit == "memory" else TIGHT
    with pytest.raises(RegoStopped) as caught:
        unchecked(source, limits=limits)
    assert caught.value.fields["limit"] == limit
    assert children() == before
    assert list(tmp_path.iterdir()) == []


def test_a_rule_that_hangs_is_stopped_at_the_deadline():
    with pytest.raises(RegoStopped) as caught:
        unchecked(
            "deny contains x if { x := count({1 | some i in numbers.range(1, 9999); some j in numbers.range(1, 9999)}) }",
            limits=Limits(wall_seconds=0.6, cpu_seconds=60),
        )
    assert caught.value.fields["limit"] == "time"


def test_an_answer_without_end_is_stopped():
    with pytest.raises(RegoStopped) as caught:
        unchecked(
            'deny contains [x | some i in numbers.range(1, 4000); x := "' + "y" * 400 + '"]',
            limits=Limits(output_bytes=100_000),
        )
    assert caught.value.fields["limit"] == "output"


def test_an_input_too_large_is_never_sent():
    with pytest.raises(RegoStopped) as caught:
        RegoChild(Limits(input_bytes=10)).answer(b'{"source": "package stella"}')
    assert caught.value.fields["limit"] == "input"


def test_recursion_that_slipped_past_the_check_gives_no_answer():
    assert gives_no_answer("f(n) := f(n)\ndeny contains x if { x := f(1) }")


def test_a_crash_of_the_engine_is_no_answer():
    """A function kept as a value makes the engine touch memory that is not its own."""
    assert gives_no_answer("deny contains x if { f := upper; x := f() }")


def test_an_error_in_a_builtin_is_no_answer_for_the_whole_set():
    assert gives_no_answer('deny contains "found"\ndeny contains x if { x := 1 / 0 }')
    with pytest.raises(rego.NoAnswer):
        support.ask('deny contains "found"\ndeny contains "x" if { to_number("x") > 1 }')


def test_two_definitions_that_contradict_are_no_answer():
    with pytest.raises(rego.NoAnswer):
        support.ask('a := 1 if input.environment.production\na := 2 if true\ndeny contains "x" if a == 1')


@pytest.mark.parametrize(
    "member",
    ["1", "true", "null", "0 - 1", "[1]", "7 / 2", '{"code": "a b"}', '{"other": "x"}', '{"message": 1}',
     '{"arguments": {"n": 7 / 2}}', '{"arguments": {"n": 9007199254740992}}', '{"arguments": {"code": "x"}}',
     '{"severity": "awful"}', '{"evidence": [{"digest": "sha256:x", "pointer": ""}]}',
     '{"evidence": [{"digest": "sha256:' + "0" * 64 + '", "pointer": ""}]}', '"see sha256:' + "0" * 64 + '"'],
)  # fmt: skip
def test_an_answer_of_another_form_is_none(member):
    with pytest.raises(rego.AnswerInvalid):
        support.ask(f"deny contains {member}")


def test_names_with_quotes_cannot_write_themselves_into_the_answer():
    hostile = '","code":"forged","x":"\\'
    found = support.ask(
        'deny contains {"code": "real", "message": sprintf("in %s", [concat("", [found.version])])} if '
        "some found in input.findings",
        findings=[support.a_finding(version=hostile)],
    )
    [one] = found.deny
    assert dict(one.arguments) == {
        "code": "real",
        "message": "in \uff02,\uff02code\uff02:\uff02forged\uff02,\uff02x\uff02:\uff02\uff3c",
    }


def test_every_allowed_builtin_is_one_of_the_engine():
    regopy = pytest.importorskip("regopy")
    engine = regopy.Interpreter()
    assert [name for name in sorted(rego_words.BUILTINS) if not engine.is_builtin(name)] == []


def test_an_absent_engine_is_said(monkeypatch):
    monkeypatch.setattr(rego_child, "find_spec", lambda name: None)
    with pytest.raises(EngineAbsent):
        RegoChild().answer(b"{}")


def test_rules_are_asked_side_by_side():
    found = []
    threads = [threading.Thread(target=lambda at=at: found.append(support.ask(f'deny contains "{at}"'))) for at in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(dict(one.deny[0].arguments)["message"] for one in found) == ["a", "b"]


def test_the_document_holds_no_sign_that_json_escapes():
    shown = support.seen(findings=[support.a_finding(version='a"\\\x00\n\x7f\u2028é')])
    assert b"\\" not in shown
    assert json.loads(shown)["findings"][0]["version"] == "a\uff02\uff3c\ufffd\ufffd\x7f\u2028é"
    assert not re.search(rb"[0-9]\.[0-9]+[,}]", shown), "no fractions"
