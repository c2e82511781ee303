"""Every fixture of a report format with what it is read as; ``python -m tests.support.report_cases`` rewrites the answers.

A case in tests/cases/reports/<fixture>.json holds the readings of tests/data/reports/<fixture>: name, kind and the whole
facts. They are rewritten only to be reviewed line by line.
"""

import json
from pathlib import Path

import msgspec

from pipeline.formats.opened import open_document

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data" / "reports"
CASES = ROOT / "cases" / "reports"


def fixtures():
    return sorted(path for path in DATA.iterdir() if path.name != "PROVENANCE.tsv")


def case_of(path):
    return CASES / f"{path.name}.json"


def readings(data, declared=""):
    """Give {reading: {kind, facts}} of a document."""
    opened = open_document(data, declared)
    return {
        each.name: {
            "kind": each.kind,
            "facts": json.loads(msgspec.json.encode(each.format.read(opened.raw, each.version))),
        }
        for each in opened.readings
    }


if __name__ == "__main__":
    CASES.mkdir(exist_ok=True)
    for fixture in fixtures():
        found = readings(fixture.read_bytes())
        case_of(fixture).write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
