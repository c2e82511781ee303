"""The chapter "from denied to allowed", typed as it stands: every block ends well, and ends as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.report_cases import readings

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def test_from_denied_to_allowed(tmp_path):
    blocks = BLOCK.findall((ROOT / "docs" / "tutorial-denied-to-allowed.md").read_text())
    assert len(blocks) == 5
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, words in (("stella", "-m api.cli.main"), ("python", "")):
        (bin_ / name).write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} {words} "$@"\n')
        (bin_ / name).chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    env = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(tmp_path), "EX": str(ROOT / "examples")}
    script = "set -euo pipefail\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script], cwd=work, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert set(readings((work / "gate.sarif").read_bytes())) == {"sarif/2.1.0"}
    (junit,) = readings((work / "gate.xml").read_bytes()).values()
    assert (junit["kind"], junit["facts"]["total"], junit["facts"]["failed"]) == ("tests", 2, 0)
