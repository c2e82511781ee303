"""How long ``stella --help`` takes, beside importing typer and rich alone."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.table import Row

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15


def timed(*words):
    """Seconds that a process takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, "STELLA_HOME": "/nonexistent"},
    )
    return time.perf_counter() - began


def run():
    """Measure in turns; the ratio is peer / ours, so that higher is better: 1 / 1.3 is the floor."""
    timed("-m", "api.cli.main", "--help")
    timed("-c", "import typer, rich")
    pairs = [(timed("-m", "api.cli.main", "--help"), timed("-c", "import typer, rich")) for _ in range(ROUNDS)]
    ratio = median(peer / ours for ours, peer in pairs)
    ours, peer = (median(column) for column in zip(*pairs, strict=True))
    return [
        Row(
            "stella --help",
            ours,
            "python -c 'import typer, rich'",
            peer,
            ratio,
            round(1 / 1.3, 2),
            "s",
            "process start",
        )
    ]


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
