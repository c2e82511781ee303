"""Ingest, by format: raw bytes to admitted facts, beside only parsing the same bytes with the standard library.

Every real document of the tests that is read as the format is submitted by itself, through the operation that every door
calls: opened, checked against its schema, read, facts and rows of the log kept. The peer makes dicts or elements of the
bytes and stops there.
"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter
from xml.etree import ElementTree as ET

from benchmarks.table import Row, ratios
from pipeline.formats.content import content
from pipeline.formats.opened import Refused, open_document
from pipeline.operations.ingest import Submission, submit
from tests.support import evidence
from tests.support.world import ALICE, World

DATA = Path(__file__).parents[1] / "tests" / "data"
FOLDERS = ("cas", "csaf", "cyclonedx", "openvex", "reports", "spdx")
IMAGE = "sha256:" + "1" * 64
ROUNDS = 3
LEAST = 100_000
KINDS = {"sbom": "SBOM", "vex": "VEX"}


def documents():
    """Real documents by (row's name, how the peer parses them)."""
    found = defaultdict(list)
    for path in sorted(path for folder in FOLDERS for path in (DATA / folder).rglob("*") if path.is_file()):
        take(found, path.read_bytes())
    for name in evidence.sboms():
        take(found, evidence.sbom(name))
    return found


def take(found, data):
    """File a document under the format it is read as; what is refused is no evidence."""
    try:
        opened = open_document(data)
    except Refused:
        return
    form = opened.readings[0].format
    kind = KINDS.get(opened.readings[0].kind)
    name = f"{kind} {form.name}" if kind else form.name if form.name == "sarif" else "reports, all other"
    found[name].append((data, content(data).syntax))


def admit(given):
    """Submit every document by itself; gives how many readings were admitted."""
    effects = World().effects()
    return sum(len(submit(effects, ALICE, [Submission(data, IMAGE)]).receipts) for data, _ in given)


def parse(given):
    """Only make values of the bytes; lines of text are split."""
    for data, syntax in given:
        if syntax == "json":
            json.loads(data)
        elif syntax == "json-lines":
            each_of(data.decode())
        elif syntax == "xml":
            ET.fromstring(data)
        else:
            data.decode("utf-8", "replace").splitlines()


def each_of(text):
    """Parse JSON values that stand one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        _, at = decoder.raw_decode(text, at)


def timed(action, given, times):
    start = perf_counter()
    for _ in range(times):
        action(given)
    return (perf_counter() - start) / times


def run():
    rows = []
    for name, given in sorted(documents().items()):
        size = sum(len(data) for data, _ in given)
        assert admit(given) >= len({data for data, _ in given})
        times = -(-LEAST // size)  # little is done more than once, each time into an empty instance
        rounds = [(timed(parse, given, times), timed(admit, given, times)) for _ in range(ROUNDS)]
        peer, ours = (median(column) for column in zip(*rounds, strict=True))
        limit = f"{len(given)} documents, {size / 1000:.0f} kB"
        figures = (size / ours / 1e6, "parsing alone, json / ElementTree", size / peer / 1e6, ratios(rounds)[0])
        rows.append(Row(f"ingest, {name}", *figures, None, "MB/s", limit))
    return rows


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
