"""The reference is made from the code, and is not stale."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def generator():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_matches_the_code():
    for name, text in generator().pages().items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, f"docs/{name} is stale: make docs"


def test_every_command_code_gate_record_and_operation_is_in_it():
    from api.calls.catalog import CALLS
    from api.cli.program import all_commands
    from api.problem_catalog import listed
    from cas.records.catalog import KINDS
    from pipeline.formats.catalog import FORMATS
    from policy.gates.catalog import GATES

    text = "\n".join(generator().pages().values())
    assert all(f"stella {name}\n" in text for name, _ in all_commands())
    assert all(f"`{one.code}`" in text for one in listed())
    assert all(f"## {gate.id}\n" in text for gate in GATES)
    assert all(f"## {kind.__struct_config__.tag}\n" in text for kind in KINDS)
    assert all(f"`{call.name}`" in text for call in CALLS)
    assert all(f"(formats/{each.name}.md)" in text for each in FORMATS)
