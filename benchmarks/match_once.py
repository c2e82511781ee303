"""A cold process: read one CycloneDX document, match it against a home's current feed, print the pairs as JSON."""

import sys
from pathlib import Path

from cas import canon, refs
from cas.adapters.home import Home
from cas.records.evidence import NormaliseInput
from cas.records.verdict import MatchInput
from cas.store import save
from pipeline.operations.staging import Staging
from pipeline.stage import advance
from pipeline.stages.match2 import MATCH2
from pipeline.stages.normalise import NORMALISE


def main(home, path):
    opened = Home.open(Path(home), writable=False)
    store = Staging(opened.store)
    raw = store.put(Path(path).read_bytes())
    facts = advance(NORMALISE, save(store, NormaliseInput(raw=raw, format="cyclonedx-json/1.5")), store).digest
    found = advance(MATCH2, save(store, MatchInput(facts=facts, feed=opened.log.ref(refs.FEED))), store).record
    sys.stdout.buffer.write(canon.of_record(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
