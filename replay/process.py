"""Replaying a record in a fresh process over a sealed store. Must not compute anything itself.

The Runs behind the record are found here; their objects, and nothing else, are written into a pack; an isolated
interpreter with an empty environment reruns them and answers with a ReplayReport.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from cas import canon
from cas.closure import Admissions
from cas.digest import Digest
from cas.problems import RecordInvalid
from cas.records.proof import ReplayReport
from cas.store import Reader
from replay.behind import behind
from replay.problems import NothingToReplay, WorkerFailed
from replay.sealed import write_pack
from replay.worker import Job

TIMEOUT_SECONDS: Final = 600
_ROOT: Final = str(Path(__file__).resolve().parents[1])
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from replay.worker import run; sys.exit(run(sys.argv[2:]))"
)


def replay(
    reader: Reader, recorded: Admissions, subject: Digest, *, environment: Mapping[str, str] | None = None
) -> ReplayReport:
    """Rerun every Run behind a record in a fresh process, and report.

    ``recorded`` is ``cas.closure.admissions(log)`` for our own records, ``replay.behind.of_entries`` for imported
    ones. ``environment`` is all the other process gets of one; by default it is empty.

    Raises: replay.nothing_to_replay, replay.worker_failed, cas.object_corrupt
    """
    return replay_all(reader, recorded, subject, (subject,), environment=environment)


def replay_all(
    reader: Reader,
    recorded: Admissions,
    subject: Digest,
    roots: Iterable[Digest],
    *,
    environment: Mapping[str, str] | None = None,
) -> ReplayReport:
    """Rerun every Run behind several records, and report on ``subject`` which stands for them all.

    Raises: as replay
    """
    found = behind(roots, reader, recorded)
    if not (found.runs or found.absent or found.feeds):
        raise NothingToReplay(digest=subject)
    with tempfile.TemporaryDirectory(prefix="stella-replay-") as folder:
        path = Path(folder) / "sealed.pack"
        write_pack(path, reader, found.objects())
        job = Job(
            packs=(str(path),),
            subject=subject,
            runs=tuple(name for name, _ in found.runs),
            absent=found.absent,
            feeds=found.feeds,
        )
        return _ask(job, environment or {})


def command(environment: Mapping[str, str]) -> list[str]:
    """Spell the fresh interpreter: isolated, or, where an environment is given to try it, hearing only that."""
    isolated = ["-s", "-P"] if environment else ["-I"]
    return [sys.executable, *isolated, "-c", _START, _ROOT]


def _ask(job: Job, environment: Mapping[str, str]) -> ReplayReport:
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell, no foreign argument
            command(environment),
            input=msgspec.json.encode(job),
            capture_output=True,
            env=dict(environment),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WorkerFailed(reason=f"no answer within {TIMEOUT_SECONDS} s") from error
    try:
        report = canon.to_record(done.stdout, ReplayReport)
    except RecordInvalid as error:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise WorkerFailed(status=done.returncode, said=said[-1][:300] if said else "nothing") from error
    return report
