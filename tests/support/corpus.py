"""The golden corpus: sealed bundles of published verdicts, rerun by every later test run. Never written over.

``python -m tests.support.corpus STORY NAME`` tells a story of ``corpus_story`` and seals it under a new name.
"""

import hashlib
import sys
from pathlib import Path

from replay.imports import replay_bundle

BUNDLES = Path(__file__).resolve().parents[1] / "golden" / "bundles"


def bundles():
    return sorted(BUNDLES.glob("*.tar"))


def replayed():
    """Rerun every bundle of the corpus where it lies."""
    for path in bundles():
        yield path, replay_bundle(path)


def main(story, name):
    from tests.support.corpus_story import seal

    BUNDLES.mkdir(parents=True, exist_ok=True)
    path = BUNDLES / f"{name}.tar"
    print(seal(story, path).manifest)  # refuses a file that is there
    with (BUNDLES / "SHA256SUMS").open("a") as listed:
        listed.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    print(replay_bundle(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
