"""The table that every benchmark fills: one row per headline figure."""

import os
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """``ratio`` is the median in-round ratio of ours to the peer (higher is better), ``goal`` its floor.

    ``limit`` names what bounds the figure on this machine; ``peer`` says what was measured beside ours.
    """

    area: str
    ours: float
    peer: str
    peer_value: float | None
    ratio: float | None
    goal: float | None
    unit: str
    limit: str = ""


def ratios(pairs):
    """Median, minimum and maximum of a/b over rounds."""
    values = sorted(a / b for a, b in pairs)
    return median(values), values[0], values[-1]


def number(value):
    """Three significant digits, with k and M."""
    if value is None:
        return "-"
    for bound, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= bound:
            return f"{value / bound:.3g}{letter}"
    return f"{value:.3g}"


def print_table(rows):
    """Print rows aligned, the machine's load last."""
    head = ("area", "ours", "peer", "peer's", "ratio", "goal", "met", "unit", "limit")
    body = [
        (
            row.area,
            number(row.ours),
            row.peer,
            number(row.peer_value),
            "-" if row.ratio is None else f"{row.ratio:.2f}x",
            "-" if row.goal is None else f">= {row.goal:g}x",
            "-" if row.goal is None or row.ratio is None else ("yes" if row.ratio >= row.goal else "NO"),
            row.unit,
            row.limit,
        )
        for row in rows
    ]
    widths = [max(len(line[at]) for line in (head, *body)) for at in range(len(head))]
    for line in (head, tuple("-" * width for width in widths), *body):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
