"""``make golden``: write every golden file anew; the difference is reviewed, never waved through.

The list of frozen meanings is written only when the golden corpus replays byte-equal; sealed bundles are never rewritten.
"""

import os
import subprocess
import sys

from tests.support import frozen
from tests.support.records import GOLDEN, shapes_text


def main():
    GOLDEN.write_text(shapes_text(), encoding="utf-8")
    doors = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/api/test_golden.py"],
        env={**os.environ, "GOLDEN": "write"},
        cwd=frozen.ROOT,
        check=False,
    )
    return frozen.main() or doors.returncode


if __name__ == "__main__":
    sys.exit(main())
