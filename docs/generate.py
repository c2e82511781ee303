"""Writes docs/reference, docs/problems.md and docs/exit-codes.md from the code; a test holds that nothing is stale."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from api import exit_codes, problem_catalog
from api.calls.catalog import CALLS
from api.calls.moved import MOVED
from api.calls.tokens import SCOPES
from api.cli.program import all_commands
from cas.records.base import Record
from cas.records.catalog import KINDS
from cas.records.policy import PolicyPack
from pipeline.formats.catalog import FORMATS
from pipeline.formats.format import Format
from pipeline.formats.problems import FAULTS
from pipeline.operations.policy import STARTERS, starter
from policy import reachability
from policy.gate import AnyGate
from policy.gates.catalog import GATES
from policy.pack_schema import pack_schema, params_schema
from policy.packs.reading import read_written
from policy.witness import STATE_NAMES

NOTE = "<!-- made by docs/generate.py: change the code, then run make docs -->\n\n"


def pages() -> dict[str, str]:
    """Give every page by its path below docs/."""
    made = {
        "reference/cli.md": _cli(),
        "reference/api.md": _api(),
        "reference/gates.md": _gates(),
        "reference/packs.md": _packs(),
        "reference/formats.md": _formats(),
        **{f"reference/formats/{each.name}.md": _format(each) for each in FORMATS},
        "reference/records.md": _records(),
        "problems.md": _problems(),
        "exit-codes.md": _exits(),
        "reachability.md": _reachability(),
    }
    schema = msgspec.json.format(msgspec.json.encode(pack_schema()), indent=1).decode() + "\n"
    pages = {name: NOTE + text.rstrip() + "\n" for name, text in made.items()}
    return pages | {"reference/policy-pack.schema.json": schema}


def _cli() -> str:
    out = [
        "# Commands\n",
        "Global options may stand anywhere: `--home`, `--server`, `--profile`, `--key`, `--output table|json|ndjson`.",
        "Who asks is who holds the key: there is no option that names a person.\n",
    ]
    for name, command in all_commands():
        if getattr(command, "commands", None):
            out.append(f"\n## stella {name}\n\n{_text(command.help)}\n")
            continue
        out.append(f"\n### stella {name}\n\n{_text(command.help)}\n")
        rows = list(_options(command))
        if rows:
            out += ["| argument or option | what it is |", "|---|---|", *rows]
    return "\n".join(out)


def _options(command: Any) -> Iterator[str]:
    for param in command.params:
        if param.name == "help":
            continue
        spelled = param.name.upper() if param.param_type_name == "argument" else ", ".join(param.opts)
        yield f"| `{spelled}` | {_cell(getattr(param, 'help', '') or '')} |"


def _api() -> str:
    out = [
        "# HTTP API\n",
        "Base `/api/v1`; the OpenAPI 3.1 document is at `/api/v1/openapi.json`. Every refusal is an RFC 9457 document",
        "with a stable `code` ([problems](../problems.md)). Lists are paged by `limit` and `cursor`; every POST takes",
        "an `Idempotency-Key`. Callers are known by a bearer token, by a signature with their key (RFC 9421, covering",
        '`"@method" "@path" "@query" "content-digest"` under the label `stella`), or by being the user who holds the',
        "home (unix socket).\n",
        "| operation | method and path | scope | what it does |",
        "|---|---|---|---|",
    ]
    out += [
        f"| `{call.name}` | {call.method} `/api/v1{call.path}` | {call.scope or 'open'} | {call.summary} |"
        for call in sorted((*CALLS, *MOVED), key=lambda one: (one.path, one.method))
    ]
    out += [
        "| `registry` | GET, HEAD `/v2/…` | open | Kept images by digest (OCI distribution, pull only). |",
        "\n## Scopes\n",
        ", ".join(f"`{scope}`" for scope in SCOPES) + ".",
        "To approve is never a scope: an approval is a statement signed with a person's own key.",
    ]
    return "\n".join(out)


def _gates() -> str:
    out = [
        "# Gates\n",
        "A policy pack names them as `name/version`; parameters are checked when the pack is stored, and an",
        "environment may override each of them. A published version never changes its answers; where there is a newer",
        "one, `stella policy lint` says so. Scores are in tenths, fractions in millionths.",
        "\nGates are asked in the order of the pack. Where several judge what VEX closed, the usual order is: evidence",
        "is complete (`vex_completeness`), reachability bears it out (`lattice_state`), the claim is trusted",
        "(`vex_trust`), not too much is unknown (`uncertainty_tier`), we are sure enough (`confidence`). All are",
        "asked, so that everything that is wrong is told at once; any that blocks and fails denies.\n",
        "| gate | asks |",
        "|---|---|",
        *(f"| [{gate.id}](#{_anchor(gate.id)}) | {_cell(gate.asks)} |" for gate in GATES),
    ]
    for gate in GATES:
        out += _gate(gate)
    return "\n".join(out)


def _anchor(name: str) -> str:
    return name.replace("/", "")


def _gate(gate: AnyGate) -> Iterator[str]:
    where = "asked by decide, at the moment" if gate.moment else "asked by judge, of the evidence"
    yield f"\n## {gate.id}\n\n{gate.asks} ({where})\n\n{_text(gate.check.__doc__)}\n\nRemedy: {gate.remedy}\n"
    fields = msgspec.structs.fields(gate.params)
    if fields:
        yield f"{_text(gate.params.__doc__)}\n"
        yield "| parameter | takes | default |\n|---|---|---|"
        yield from (f"| `{one.name}` | {_cell(_takes(gate, one.name))} | {_cell(_default(one))} |" for one in fields)
        yield ""
    yield "| finding | sentence |\n|---|---|"
    yield from (f"| `{code}` | {_cell(sentence)} |" for code, sentence in gate.sentences)
    if gate.flips:
        yield "\n| what would flip it | sentence |\n|---|---|"
        yield from (f"| `{code}` | {_cell(sentence)} |" for code, sentence in dict(gate.flips).items())


def _takes(gate: AnyGate, name: str) -> str:
    """Say what a parameter takes, out of its JSON Schema."""
    return _kind(params_schema(gate)["properties"][name])


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " · ".join(f"`{one}`" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {'type': 'string'}))}"
    if schema.get("type") == "integer":
        least, most = schema.get("minimum", 0), schema.get("maximum", 2**53 - 1)
        return f"whole number, {least:,} to {most:,}" if most < 2**53 - 1 else f"whole number from {least:,}"
    if schema.get("type") == "boolean":
        return "`true` · `false`"
    return f"text such as `{schema['pattern']}`" if "pattern" in schema else "text"


def _default(one: Any) -> str:
    if one.required:
        return "must be given"
    value = one.default_factory() if one.default is msgspec.NODEFAULT else one.default
    if value is None:
        return "absent: no limit, or the gate's own"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def _packs() -> str:
    packs = {name: read_written(starter(name)) for name in STARTERS}
    out = [
        "# Starter packs\n",
        "Five packs, from watching to the strictest. What one blocks, every later one blocks: the same evidence is",
        "never judged more mildly by a stricter one. Each carries cases that test it. Take one (`stella policy store",
        "--starter balanced`), or include it in a pack of your own by its digest.",
        "How to write packs, and how they live: [policies](../policies.md). What each gate asks: [gates](gates.md).\n",
        "Where releases are held to gate levels G0 to G4, the packs are these levels: G0 `observe`, G1 `baseline`, G2",
        "`balanced`, G3 `strong`, G4 `strict`. A level is chosen by activating its pack in an environment; nothing",
        "computes one from a risk score, and no risk budget is kept or spent: what a pack allows of each sort is its",
        "own budgets. To raise the level for a while, activate the next pack; to see what it would block before that,",
        "set it as shadow.\n",
        "| gate | " + " | ".join(STARTERS) + " |",
        "|---" * (len(STARTERS) + 1) + "|",
    ]
    ids = dict.fromkeys(
        use.id for name in reversed(STARTERS) for use in (*packs[name].flat.gates, *packs[name].flat.moment)
    )
    out += [f"| `{each}` | " + " | ".join(_strength(packs[one].flat, each) for one in STARTERS) + " |" for each in ids]
    for name, written in packs.items():
        out += [f"\n## {name}\n", _text(written.flat.description), ""]
        out += ["| gate | enforcement | parameters |", "|---|---|---|"]
        for use in (*written.flat.gates, *written.flat.moment):
            params = ", ".join(f"`{one.name}: {_value(one.value)}`" for one in use.params) or "defaults"
            out.append(f"| `{use.id}` ([{use.gate}](gates.md#{_anchor(use.gate)})) | {use.enforcement} | {params} |")
        out.append("\nCases: " + "; ".join(f"{case.name} → {case.expect.outcome}" for case in written.cases) + ".")
    return "\n".join(out)


def _strength(pack: PolicyPack, name: str) -> str:
    return next((use.enforcement for use in (*pack.gates, *pack.moment) if use.id == name), "")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _formats() -> str:
    out = [
        "# Formats\n",
        "A document is known by its content, never by its name. Its bytes are kept as they came; facts are read out of",
        "them beside. A document that its format's schema or rules refuse is not admitted, nor is what was submitted",
        "with it. Every fault is told with its place and a code:\n",
        "| code | what it says |",
        "|---|---|",
        *(f"| `{code}` | {_cell(sentence)} |" for code, sentence in FAULTS),
        "\nIn order of asking:\n",
        "| format | versions | media types |",
        "|---|---|---|",
        *(
            f"| [{each.name}](formats/{each.name}.md) | {', '.join(version for version, _ in each.schemas)} "
            f"| {', '.join(f'`{name}`' for name in each.media_types)} |"
            for each in FORMATS
        ),
    ]
    return "\n".join(out)


def _format(each: Format) -> str:
    out = [f"# {each.name}\n"]
    if each.within:
        out.append(f"A further reading of [{each.within}]({each.within}.md): admitted beside it.\n")
    if each.about:
        out.append(f"{each.about.strip()}\n")
    if each.media_types:
        out.append("Media types: " + ", ".join(f"`{name}`" for name in each.media_types) + ".\n")
    out += ["| version | name of the reading | judged by |", "|---|---|---|"]
    out += [
        f"| {version} | `{each.name}/{version}` | {f'`{name}`' if name else 'rules of our own'} |"
        for version, name in each.schemas
    ]
    if each.read is None:
        out.append("\nNo evidence by itself: what it carries is read, or imported into a feed.")
    return "\n".join(out)


def _records() -> str:
    out = [
        "# Records\n",
        "Every stored fact of ours, named by its canonical JSON (RFC 8785). A kind's shape is frozen.",
    ]
    for kind in KINDS:
        out.append(f"\n## {_tag(kind)}\n\n{_text(kind.__doc__)}\n")
        out.append("Fields: " + ", ".join(f"`{name}`" for name in kind.__struct_fields__) + ".")
        for part in _rows_in(kind):
            names = ", ".join(f"`{name}`" for name in part.__struct_fields__)
            out.append(f"\n`{part.__name__}` stands as an array, in this order: {names}.")
    return "\n".join(out)


def _rows_in(kind: type[Record]) -> list[type[msgspec.Struct]]:
    """Give the parts of a kind that stand as arrays without names."""
    inner = [one for field in msgspec.structs.fields(kind) for one in get_args(field.type)]
    structs = [one for one in inner if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return [one for one in structs if one.__struct_config__.array_like]


def _tag(kind: type[Record]) -> str:
    return str(kind.__struct_config__.tag)


def _problems() -> str:
    out = [
        "# Problems\n",
        "A problem means that there is no answer; a denial is an answer, never a problem. Codes are never renamed.\n",
        "| code | HTTP | category | what happened | what to do |",
        "|---|---|---|---|---|",
    ]
    out += [
        f'| <a id="{one.code}"></a>`{one.code}` | {one.status} | {one.category} '
        f"| {_cell(one.title)} | {_cell(one.remedy)} |"
        for one in problem_catalog.listed()
    ]
    return "\n".join(out)


def _exits() -> str:
    gate = ", ".join(f"`stella {name}`" for name in exit_codes.GATE_COMMANDS)
    out = [
        "# Exit codes\n",
        "**1 is never an answer of ours**, because a broken program exits 1.\n",
        f"Gate commands ({gate}) end with a line `stella: <outcome> verdict=sha256:…`, which recipes check:\n",
        "| code | name | meaning |",
        "|---|---|---|",
        *(f"| {code} | {name} | {text} |" for code, name, text in exit_codes.GATE),
        "\nAll other commands:\n",
        "| code | name | meaning |",
        "|---|---|---|",
        *(f"| {code} | {name} | {text} |" for code, name, text in exit_codes.GENERAL),
        "\n`stella bundle verify` answers as the bundle's own `verify.py`: 0 good and signer established, 2 bad,",
        "3 could not check, 4 consistent but signer not established (no `--root`). `stella replay`: 0 equal,",
        "2 different, 3 an engine is missing here. `stella drift`: 2 drifted, 10 not every target answered.",
        "`stella scan --compare`: 2 other components.",
        "An interrupt is 130.",
    ]
    return "\n".join(out)


def _reachability() -> str:
    before, after = (ROOT / "docs" / "reachability.in.md").read_text("utf-8").split("<!-- tables -->\n")
    names = dict(STATE_NAMES)
    out = [
        before,
        "| state | meaning | confidence, in millionths | VEX status it supports |",
        "|---|---|---|---|",
    ]
    for state in reachability.STATES:
        least, most = reachability.CONFIDENCE[state]
        status = ", ".join(filter(None, reachability.VEX_STATUS[state]))
        out.append(f"| **{state}** | {names[state]} | {least:,} to {most:,} | {status} |")
    out += ["\nWhat a state becomes with one more observation:\n"]
    out += ["| | " + " | ".join(f"+ {one}" for one in reachability.OBSERVATIONS) + " |", "|---|---|---|---|---|"]
    for state in reachability.STATES:
        row = (reachability.transition(state, one) for one in reachability.OBSERVATIONS)
        out.append(f"| **{state}** | " + " | ".join(row) + " |")
    out += ["\nThe join of two states:\n"]
    out += ["| | " + " | ".join(reachability.STATES) + " |", "|---" * (len(reachability.STATES) + 1) + "|"]
    for state in reachability.STATES:
        out.append(
            f"| **{state}** | " + " | ".join(reachability.join(state, each) for each in reachability.STATES) + " |"
        )
    return "\n".join([*out, "", after])


def _text(text: str | None) -> str:
    return " ".join((text or "").split())


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def write() -> None:
    """Write every page."""
    for name, text in pages().items():
        path = ROOT / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    write()
