"""The CLI as people and CI see it: another process, its exit code, what it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api import exit_codes
from api.cli.output import ascii_json, clean
from api.cli.program import globals_first, is_gate
from cas.problems import Category

ROOT = Path(__file__).resolve().parents[2]
SBOM = b'{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}'
IMAGE = "sha256:" + "1" * 64


def stella(*words, home=None, code=None, path=None, **env):
    """Run the CLI in a process of its own."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(home or "/nonexistent"), "PYTHONPATH": path or str(ROOT)}
    if home:
        variables["STELLA_HOME"] = str(Path(home) / "h")
    done = subprocess.run(
        [sys.executable, "-m", "api.cli.main", *map(str, words)],
        env=variables | env,
        cwd=path or ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if code is not None:
        assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A founded home of alice."""
    folder = tmp_path_factory.mktemp("cli")
    stella("key", "generate", folder / "alice", home=folder, code=0)
    stella("init", "--login", "alice", "--key", folder / "alice", home=folder, code=0)
    return folder


def test_init_makes_a_home_that_only_its_owner_may_enter(home):
    assert (home / "h").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (home / "h" / "keys").iterdir()} == {0o600}
    assert sorted(path.name for path in (home / "h" / "keys").iterdir()) == ["root.pem", "server.pem", "sticker.pem"]
    again = json.loads(stella("init", "-o", "json", home=home, code=0).stdout)
    assert again["existed"] is True


def test_usage_of_a_gate_command_is_10_and_of_others_2(home):
    assert stella("gate", "evaluate", "--nope", home=home).returncode == exit_codes.USAGE
    assert stella("gate", "evaluate", home=home).returncode == exit_codes.USAGE
    assert stella("--output", "json", "promote", home=home).returncode == exit_codes.USAGE
    assert stella("promote", "r", "--to", "e", "--warn-exit", "1", home=home).returncode == exit_codes.USAGE
    assert stella("nope", home=home).returncode == exit_codes.INPUT
    assert stella("log", "--nope", home=home).returncode == exit_codes.INPUT
    assert stella("log", home=home).returncode == exit_codes.INPUT


def test_a_broken_import_is_11_with_one_line(tmp_path):
    """A program that cannot be loaded must not look like an answer."""
    package = tmp_path / "api" / "cli"
    package.mkdir(parents=True)
    for folder in (tmp_path / "api", package):
        (folder / "__init__.py").write_text('"""x"""\n')
    (package / "main.py").write_text((ROOT / "api" / "cli" / "main.py").read_text())
    for words in (("gate", "evaluate", "r", "--environment", "e"), ("log", "head")):
        done = stella(*words, path=str(tmp_path))
        assert done.returncode == exit_codes.BROKEN
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "raised", ["RuntimeError('x')", "SystemExit(0)", "SystemExit(1)", "MemoryError()", "RecursionError()"]
)
def test_whatever_crashes_ends_in_11_never_0_or_1(tmp_path, raised):
    program = (
        "import sys, api.cli.program as p\n"
        f"def broken(arguments): raise {raised}\n"
        "p.main = broken\n"
        "from api.cli.main import run\n"
        "run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == exit_codes.CRASH
    assert done.stderr.startswith("stella: crashed")


def test_a_reader_that_goes_away_does_not_make_it_0_or_1(home):
    line = f"{sys.executable} -m api.cli.main --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode in {exit_codes.OK, exit_codes.CRASH}


def test_exit_codes_of_problems(home, tmp_path):
    stella("log", "head", home=tmp_path, code=exit_codes.MISSING)
    stella("release", "show", "nope", home=home, code=exit_codes.MISSING)
    stella("--server", "http://127.0.0.1:9", "log", "head", home=home, code=exit_codes.RETRY)
    stella("gate", "evaluate", "nope", "--environment", "e", home=home, code=exit_codes.UNDECIDED)
    stella(
        "gate",
        "evaluate",
        "nope",
        "--environment",
        "e",
        "--server",
        "http://127.0.0.1:9",
        home=home,
        code=exit_codes.BROKEN,
    )
    stella("promote", "nope", "--to", "e", home=home, code=exit_codes.UNDECIDED)
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    stella("log", "head", "--key", tmp_path / "open", home=home, code=exit_codes.AUTH)


def test_the_codes_of_both_tables_and_1_is_never_ours():
    for category in Category:
        assert exit_codes.of_category(category, gate=True) in {3, 11}
        assert exit_codes.of_category(category, gate=False) in {2, 3, 4, 5, 10, 11}
    assert exit_codes.of_category(Category.DENIED, gate=False, code="settings.offline") == exit_codes.OFFLINE
    assert [exit_codes.of_outcome(word) for word in ("allow", "deny", "undecided", "whatever")] == [0, 2, 3, 3]
    assert exit_codes.of_outcome("allow", warned=True, warn_exit=20) == 20
    assert exit_codes.of_outcome("deny", warned=True, warn_exit=20) == 2
    codes = {code for code, _, _ in (*exit_codes.GENERAL, *exit_codes.GATE)}
    assert 1 not in codes


def test_global_options_may_stand_anywhere():
    assert globals_first(["log", "head", "--home", "/h", "-o", "json"]) == ["--home", "/h", "-o", "json", "log", "head"]
    assert globals_first(["x", "--", "--home", "/h"]) == ["x", "--", "--home", "/h"]
    assert globals_first(["x", "--home=/h"]) == ["--home=/h", "x"]
    assert is_gate(globals_first(["gate", "--home", "x", "evaluate"]))
    assert not is_gate(globals_first(["--home", "promote", "log"]))
    assert is_gate(["promote"])


def test_help_lists_every_command_and_each_has_its_own(home):
    from api.cli.catalog import COMMANDS
    from api.cli.program import all_commands

    text = stella("--help", code=0).stdout
    assert all(name in text for name, _, _ in COMMANDS)
    for name, command in all_commands():
        assert command.help, name
        assert all(getattr(param, "help", True) or param.param_type_name == "argument" for param in command.params), (
            name
        )


def test_there_is_no_way_to_say_who_one_is_without_a_key():
    from api.cli.program import all_commands

    options = {word for _, command in all_commands() for param in command.params for word in param.opts}
    assert not options & {"--as", "--user", "--actor", "--as-of-actor"}


def test_a_key_that_nobody_knows_may_do_nothing(home, tmp_path):
    stella("key", "generate", tmp_path / "mallory", home=home, code=0)
    done = stella("log", "head", "--key", tmp_path / "mallory", home=home, code=exit_codes.AUTH)
    assert "auth.key_unknown" in done.stderr


def test_evidence_goes_in_and_comes_out_in_every_format(home, tmp_path):
    (tmp_path / "a.json").write_bytes(SBOM)
    first = stella("evidence", "submit", tmp_path / "a.json", "--subject", IMAGE, home=home, code=0)
    assert "cyclonedx-json/1.6" in first.stdout
    again = stella("evidence", "submit", tmp_path / "a.json", "--subject", IMAGE, home=home, code=0)
    assert "first receipts" in again.stdout
    listed = stella("evidence", "list", "--output", "json", home=home, code=0)
    assert json.loads(listed.stdout)["items"][0]["subject"] == IMAGE
    lines = stella("evidence", "list", "--output", "ndjson", home=home, code=0).stdout.splitlines()
    assert [json.loads(line)["subject"] for line in lines] == [IMAGE]


def test_a_bad_document_says_every_fault_and_keeps_nothing(home, tmp_path):
    (tmp_path / "bad.json").write_bytes(b"{")
    before = stella("log", "head", "-o", "json", home=home, code=0).stdout
    done = stella("evidence", "submit", tmp_path / "bad.json", tmp_path / "bad.json", home=home, code=exit_codes.INPUT)
    assert "/0" in done.stderr
    assert "/1" in done.stderr
    assert stella("log", "head", "-o", "json", home=home, code=0).stdout == before


def test_a_clean_run_that_wrote_nothing_is_evidence_once_its_format_is_declared(home, tmp_path):
    for name, data, declared, wanted in (
        ("nuclei.jsonl", b"", "nuclei-json", "findings"),
        ("gitleaks.json", b"[]\n", "gitleaks-json", "secrets"),
    ):
        (tmp_path / name).write_bytes(data)
        words = ("evidence", "submit", tmp_path / name, "--subject", IMAGE)
        told = stella(*words, home=home, code=exit_codes.INPUT).stderr
        assert "--format" in told
        assert declared in told
        done = stella(*words, "--format", declared, "-o", "json", home=home, code=0)
        [receipt] = json.loads(done.stdout)
        assert (receipt["type"], receipt["format"]) == (wanted, f"{declared}/1")
    shown = stella("evidence", "list", "-o", "json", home=home, code=0)
    assert {"nuclei-json/1", "gitleaks-json/1"} <= {each["format"] for each in json.loads(shown.stdout)["items"]}


HOSTILE = "\x1b[2J\x07\x9b31m\u202e\u2066evil\r\nline\x00end\u200b\U000e0041"


def test_hostile_names_speak_to_no_terminal(home):
    for value in (clean(HOSTILE), ascii_json(json.dumps({"a": HOSTILE}, ensure_ascii=False).encode())):
        assert value.isprintable(), value
    assert json.loads(ascii_json(json.dumps({"a": HOSTILE}, ensure_ascii=False).encode()))["a"] == HOSTILE
    for form in ("table", "json", "ndjson"):
        done = stella("release", "show", HOSTILE.replace("\x00", ""), "-o", form, home=home, code=exit_codes.MISSING)
        assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())


def test_hostile_names_in_stored_records_are_escaped_in_every_output(home, tmp_path):
    document = {
        "vulnerability": "x",
        "reason": HOSTILE.replace("\x00", ""),
    }
    stella("environment", "set", "dev", "--key", home / "alice", home=home, code=0)
    start, end = "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"
    words = ("environment", "freeze", "dev", "--start", start, "--end", end, "--reason", document["reason"])
    stella(*words, "--key", home / "alice", home=home, code=0)
    for form in ("table", "json"):
        done = stella("environment", "show", "dev", "-o", form, home=home, code=0)
        assert "evil" in done.stdout
        assert all(line.isprintable() for line in done.stdout.splitlines())


def test_an_exposed_home_is_refused(home, tmp_path):
    import shutil

    shutil.copytree(home / "h", tmp_path / "h")
    (tmp_path / "h").chmod(0o777)
    assert stella("log", "head", home=tmp_path).returncode in {exit_codes.AUTH, exit_codes.CRASH, exit_codes.INPUT}


def test_upkeep_commands_run(home, tmp_path):
    assert json.loads(stella("fsck", "-o", "json", home=home, code=0).stdout)["bad"] == []
    assert "entries" in stella("index", "rebuild", home=home, code=0).stdout
    stella("backup", tmp_path / "copy", home=home, code=0)
    assert not (tmp_path / "copy" / "keys").exists()


def test_commands_do_not_load_what_they_do_not_use(home):
    """``--help`` loads no operation, no web framework, no engine."""
    listing = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "api.cli.main", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    loaded = {line.rsplit("|", 1)[1].strip() for line in listing.splitlines() if "|" in line}
    for heavy in (
        "litestar",
        "duckdb",
        "pyarrow",
        "httpx",
        "cryptography",
        "docker",
        "rich",
        "pipeline",
        "policy",
        "uvicorn",
    ):
        assert heavy not in loaded, heavy


LIGHT = (
    ("log", "head"),
    ("status",),
    ("status", "--history"),
    ("promotion", "list"),
    ("evidence", "list"),
    ("evidence", "kind", "list"),
    ("release", "list"),
    ("environment", "list"),
    ("policy", "list"),
    ("waiver", "list"),
    ("token", "list"),
    ("trust", "show"),
)
PAGES = (("status", "--history"), ("promotion", "list"))  # pages of the index: what is asked for is what it is for


def test_a_common_command_loads_neither_validation_engine_nor_fonts_nor_engines_of_other_commands(home):
    """What was loaded by every command once, and cost more than the command."""
    for words in LIGHT:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "api.cli.main", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "STELLA_HOME": str(home / "h")},
        )
        loaded = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
        used = {"duckdb", "pyarrow"} if words in PAGES else set()
        assert not loaded & {"pipeline.formats.catalog", "langcodes", "regopy", "cvss", "jsonschema_rs"}, words
        assert not loaded & ({"pydantic", "fpdf", "duckdb", "pyarrow", "litestar", "httpx", "rich", "docker"} - used), (
            words
        )


def test_plain_words_are_read_as_typer_reads_them(tmp_path):
    """Every parameter of every command, over plain and odd words."""
    import copy

    from typer.exceptions import TyperException

    from api.cli.program import all_commands

    (tmp_path / "there").write_text("x")
    words = [
        "",
        "x",
        "7",
        "-1",
        "json",
        "TABLE",
        "rsa",
        "é",
        "a/b",
        "./c/../d",
        str(tmp_path / "there"),
        str(tmp_path),
        None,
    ]

    def read(param, value):
        try:
            return param.get_runtime_param().coerce(value, param=param, ctx=None)
        except TyperException as error:
            return type(error), error.format_message()

    seen = 0
    for _, command in all_commands():
        for param in command.params:
            if not hasattr(param, "type_descriptor"):
                continue
            usual = copy.copy(param)
            vars(usual).pop("get_runtime_param")
            several = param.multiple or param.nargs == -1
            for value in [*([[word] for word in words[:-1]] if several else words), param.default]:
                if callable(value):
                    continue
                found, wanted = read(param, value), read(usual, value)
                assert (type(found), found) == (type(wanted), wanted), (command.name, param.name, value)
                seen += 1
    assert seen > 2000


def test_a_kind_of_ones_own_is_registered_and_used_by_command(home, tmp_path):
    key = ("--key", home / "alice")
    schema, document = tmp_path / "review.schema.json", tmp_path / "review.json"
    schema.write_text('{"type": "object", "required": ["approved"]}')
    document.write_text('{"approved": true}')
    stella("evidence", "kind", "add", "review", "--schema", schema, *key, home=home, code=0)
    assert "review" in stella("evidence", "kind", "list", *key, home=home, code=0).stdout
    words = ("evidence", "submit", document, "--kind", "review", "--subject", IMAGE, *key)
    assert "generic" in stella(*words, home=home, code=0).stdout
    document.write_text("{}")
    assert "evidence.schema.required" in stella(*words, home=home, code=2).stderr
    stella(*words, "--format", "sarif", home=home, code=2)
