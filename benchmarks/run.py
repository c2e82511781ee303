"""Run every benchmark and print one table: ours, the peer, the ratio, the goal, whether it is met.

Only ratios are claims: ours and the peer are measured in turn within one run, medians of in-round ratios. Absolute values
swing with the machine. Each script's ``run()`` gives rows; a peer that cannot be had is named, never invented.
"""

import importlib
import sys
import traceback
from pathlib import Path

from benchmarks.table import Row, print_table


def main(wanted):
    rows: list[Row] = []
    failed = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            rows += importlib.import_module(f"benchmarks.{path.stem}").run()
        except Exception:
            failed.append(name)
            traceback.print_exc()
    print_table(rows)
    if failed:
        print("no figures from: " + ", ".join(failed))
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
