"""stella vex as people see it: reasons in words, tables that can be stored again, exports as files."""

import ast
import json
from pathlib import Path

import pytest

from api.vex_words import MEANINGS, meaning
from cas.digest import is_digest
from tests.api.test_cli import IMAGE, stella
from tests.support.judging import openvex

ROOT = Path(__file__).resolve().parents[2]
NAME = "CVE-2026-0001"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two unsigned statements about an image."""
    folder = tmp_path_factory.mktemp("vex")
    stella("key", "generate", folder / "alice", home=folder, code=0)
    stella("init", "--login", "alice", "--key", folder / "alice", home=folder, code=0)
    for number, product in enumerate((f"pkg:oci/web@{IMAGE}", "pkg:oci/other?repository_url=x.test/other")):
        file = folder / f"{number}.json"
        file.write_bytes(openvex(NAME, "not_affected", product, name=str(number)))
        stella("evidence", "submit", file, "--subject", IMAGE, home=folder, code=0)
    return folder


def test_every_statement_is_told_with_its_reason(home):
    done = stella("vex", "explain", IMAGE, NAME, home=home, code=0)
    assert "No trusted signature covers it" in done.stdout
    assert "The product is an image of another repository." in done.stdout
    told = json.loads(stella("vex", "explain", IMAGE, NAME, "-o", "json", home=home, code=0).stdout)
    assert [(one["why"], one["applies"]) for one in told["items"]] == [
        ("unverified", True),
        ("image_other_repository", False),
    ]
    assert stella("vex", "explain", "nothing", NAME, home=home).returncode == 4


def test_a_table_that_is_shown_can_be_stored_and_named(home):
    shown = stella("vex", "trust", "show", home=home, code=0).stdout
    assert "class: unverified" in shown
    file = home / "table.yaml"
    file.write_text(shown.replace("minimum_score: 50000", "minimum_score: 60000"))
    made = json.loads(stella("vex", "trust", "set", file, "-o", "json", home=home, code=0).stdout)
    assert is_digest(made["digest"])
    again = stella("vex", "trust", "show", "--table", made["digest"], home=home, code=0).stdout
    assert again == file.read_text()
    file.write_text("name: x\n")
    wrong = stella("vex", "trust", "set", file, home=home)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


def test_nothing_judged_is_an_empty_list(home):
    assert json.loads(stella("vex", "consensus", "-o", "json", home=home, code=0).stdout)["items"] == []
    assert stella("vex", "export", "nothing", home=home).returncode == 4


def test_every_reason_has_a_sentence():
    """Codes stand as second arguments of ``Fit(False, …)``, and where claims are weighed."""
    tree = ast.parse((ROOT / "policy" / "product_identity.py").read_text())
    codes = {
        node.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Fit"
        and isinstance(call.args[0], ast.Constant) and call.args[0].value is False
        for node in ast.walk(call.args[1])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # fmt: skip
    assert len(codes) > 10
    assert codes <= set(MEANINGS), codes - set(MEANINGS)
    assert meaning("image_digest") == "It applies."
