"""Policy engines of others, asked bench_judge's question: the same evidence as JSON in, the same counts as JSON out.

What they see is what the system shows to custom rules (policy.rego.document): only the sections that the rules read.
Each is at its best setting: what can be compiled once is, before anything is timed. One that is not installed is named.
"""

import importlib
import json

REGO = """package gate
import future.keywords
open_keys[label] contains key if {
  some f in input.findings
  f.open
  label := f.severity
  key := concat("|", [f.component, f.purl, f.vulnerability])
}
count_of(label) := count(open_keys[label]) if open_keys[label]
else := 0
attested contains k if {
  some e in input.evidence
  e.type == "sbom"
  e.binding == "attested"
  k := concat("|", [e.component, e.platform])
}
missing contains k if {
  some c in input.components
  k := concat("|", [c.component, c.platform])
  not k in attested
}
exploited contains f.vulnerability if { some f in input.findings; f.open; f.kev_due != "" }
over contains label if { some label, budget in {"critical": 0, "high": 5, "medium": 500}; count_of(label) > budget }
outcome := "deny" if { count(missing) + count(over) + count(exploited) > 0 } else := "allow"
answer := {"outcome": outcome, "critical": count_of("critical"), "high": count_of("high"), "medium": count_of("medium")}
"""
# CEL counts lines, not distinct stories: the question has no story told twice
CEL = """{
  "critical": input.findings.filter(f, f.open && f.severity == "critical").size(),
  "high": input.findings.filter(f, f.open && f.severity == "high").size(),
  "medium": input.findings.filter(f, f.open && f.severity == "medium").size(),
  "exploited": input.findings.filter(f, f.open && f.kev_due != "").size(),
  "missing": input.components.filter(c, !input.evidence.exists(e, e.type == "sbom" && e.binding == "attested"
    && e.component == c.component && e.platform == c.platform)).size()
}"""
READS = ("components", "evidence", "findings")


def regopy(module):
    """Ask rego-cpp through regopy; it takes a module and an input per interpreter."""

    def ask(text):
        interpreter = module.Interpreter()
        interpreter.add_module("gate", REGO.replace("future.keywords", "rego.v1"))
        interpreter.set_input(json.loads(text))
        return json.loads(str(interpreter.query("data.gate.answer")))["expressions"][0]

    return ask


def regorus(module):
    """Ask regorus (Rust): the module is compiled once, the input is given as text."""
    engine = module.Engine()
    engine.add_policy("gate.rego", REGO)

    def ask(text):
        engine.set_input_json(text)
        return json.loads(engine.eval_query_as_json("data.gate.answer"))["result"][0]["expressions"][0]["value"]

    return ask


def cel_rust(module):
    """Ask the Rust implementation of CEL: the expression is compiled once."""
    program = module.compile(CEL)
    return lambda text: folded(program.execute({"input": json.loads(text)}))


def cel_python(module):
    """Ask cel-python: the expression is compiled once."""
    environment = module.Environment()
    program = environment.program(environment.compile(CEL))
    return lambda text: folded(program.evaluate({"input": module.json_to_cel(json.loads(text))}))


def folded(counts):
    """Fold CEL's counts to an outcome, and spell the answer as JSON does."""
    told = {str(name): int(count) for name, count in counts.items()}
    denied = told.pop("missing") + told.pop("exploited") + (told["critical"] > 0) + (told["high"] > 5)
    return json.loads(json.dumps(told | {"outcome": "deny" if denied + (told["medium"] > 500) else "allow"}))


ENGINES = (
    ("regopy", "regopy", regopy, 300),
    ("regorus", "lakera_regorus", regorus, 15),
    ("CEL, common-expression-language", "cel", cel_rust, None),
    ("CEL, cel-python", "celpy", cel_python, None),
)
"""Name, module, how it is asked, and the goal of ours over it."""


def engine(name):
    """Give how an engine is asked, or None where it is not installed."""
    _, module, made, _ = next(each for each in ENGINES if each[0] == name)
    try:
        return made(importlib.import_module(module))
    except ImportError:
        return None
