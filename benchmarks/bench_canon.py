"""Canonical JSON: ours beside the rfc8785 library, over records, over plain values, from raw bytes."""

import json
import time
from pathlib import Path

import rfc8785

from benchmarks.table import Row, ratios
from cas import canon, jcs
from cas.records.evidence import Package, SbomFacts
from cas.records.verdict import Decision, GateResult

ROUNDS = 5
SBOM = Path(__file__).parent.parent / "tests" / "data" / "cas" / "python-debian11.cdx-1.4.json"
DIGEST = "sha256:" + "ab" * 32


def run():
    """Rows for a typed 2 KB record, a typed 5 MB record, plain values, and raw bytes to canonical bytes."""
    document = json.loads(SBOM.read_bytes())
    times = 1 + 5_000_000 // len(jcs.of_value(document))
    values = [document] * times
    raw = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    spaced = json.dumps(values, indent=2, ensure_ascii=False).encode()
    small, large = decision(8), _facts(document, 5_000_000)
    return [
        _row("canonical JSON, typed 2 KB record", lambda: canon.of_record(small), _plain(small), 50, 400),
        _row("canonical JSON, typed 5 MB SBOM facts", lambda: canon.of_record(large), _plain(large), 25, 3),
        _row("canonical JSON, 5 MB plain values, checked", lambda: jcs.of_value(values), values, None, 2),
        _raw_row("raw bytes to canonical, 5 MB", raw, 7),
        _raw_row("raw bytes to canonical, 5 MB and blanks", spaced, None),
    ]


def _row(area, ours, values, goal, turns):
    wanted = rfc8785.dumps(values)
    assert ours() == wanted
    return _measured(area, ours, lambda: rfc8785.dumps(values), len(wanted), goal, turns, "rfc8785")


def _raw_row(area, raw, goal):
    def peer():
        return rfc8785.dumps(json.loads(raw))

    assert jcs.canonical(raw) == peer()
    return _measured(area, lambda: jcs.canonical(raw), peer, len(raw), goal, 2, "json.loads + rfc8785")


def _measured(area, ours, theirs, size, goal, turns, peer):
    pairs = [(_timed(theirs, max(turns // 20, 1)), _timed(ours, turns)) for _ in range(ROUNDS)]
    ratio, low, high = ratios(pairs)
    return Row(
        area=area,
        ours=size / min(mine for _, mine in pairs),
        peer=peer,
        peer_value=size / min(other for other, _ in pairs),
        ratio=ratio,
        goal=goal,
        unit="B/s",
        limit=f"{size:,} B; rounds {low:.1f} to {high:.1f}",
    )


def _timed(call, turns):
    start = time.perf_counter()
    for _ in range(turns):
        call()
    return (time.perf_counter() - start) / turns


def _plain(record):
    return json.loads(canon.of_record(record))


def decision(count):
    """Make a decision with some gates: about 2 KB with eight."""
    gates = tuple(
        GateResult(
            id=f"gate_{at}",
            gate=f"gate_{at}/1",
            enforcement="block",
            status="pass",
            findings=(),
            counted=(("critical", 0), ("high", at), ("waived", 2)),
        )
        for at in range(count)
    )
    return Decision(
        promotion=DIGEST,
        verdict=DIGEST,
        release=DIGEST,
        environment=DIGEST,
        purpose="promotion",
        as_of="2026-03-01T12:00:00Z",
        outcome="approved",
        gates=gates,
        approvals=(DIGEST,) * 3,
        valid_until="2026-03-01T16:00:00Z",
    )


def _facts(document, size):
    names = set(Package.__struct_fields__)
    packages = []
    held = 0
    while held < size:
        for at, part in enumerate(document["components"]):
            given = {
                "ref": part.get("bom-ref", ""),
                "purl": part.get("purl", ""),
                "name": part["name"],
                "version": part.get("version", ""),
                "type": part["type"],
                "licenses": tuple(
                    one["license"].get("name", "") for one in part.get("licenses", ()) if "license" in one
                ),
                "hashes": (("SHA-256", "0" * 64),),
                "pointer": f"/components/{at}",
                "source": "",
            }
            packages.append(Package(**{name: given[name] for name in names}))
            held += 420
    return SbomFacts(
        format="cyclonedx-json/1.4",
        serial="urn:uuid:0",
        created_at="",
        tools=("syft",),
        subjects=(DIGEST,),
        packages=tuple(packages),
        depends=(),
    )
