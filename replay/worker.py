"""The process that reruns: a job on standard input, a ReplayReport on standard output, nothing else from outside.

It knows a sealed pack and Run digests; it must not know the home they came from.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from cas import canon
from cas.digest import Digest
from cas.records.proof import ReplayReport, Run
from cas.store import load
from replay.rerun import report, rerun
from replay.sealed import PackStore


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to rerun: packs, the subject, its Runs, and those that did not travel."""

    packs: tuple[str, ...]
    subject: Digest
    runs: tuple[Digest, ...]
    absent: tuple[Digest, ...]
    feeds: tuple[Digest, ...]


def work(job: Job) -> ReplayReport:
    """Rerun a job's Runs in this process.

    Raises: cas.pack_invalid, cas.object_missing, cas.object_corrupt
    """
    store = PackStore([Path(path) for path in job.packs])
    outcomes = (rerun(name, load(store, name, Run), store) for name in job.runs)
    return report(job.subject, outcomes, absent=job.absent, feeds=job.feeds)


def main(given: BinaryIO, answer: BinaryIO) -> int:
    """Serve one job."""
    job = msgspec.json.decode(given.read(), type=Job)
    answer.write(canon.of_record(work(job)))
    answer.flush()
    return 0


def run(arguments: Sequence[str]) -> int:
    """Serve a job from standard input to standard output."""
    del arguments
    return main(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
