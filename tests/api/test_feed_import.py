"""Feeds of any size come in with bounded memory, at both doors; broken schemas are summed up in a line."""

import json
import os
import random
import subprocess
import sys
import zipfile

import pytest

from api.bodies import Spool, frames_of
from api.bodies import feed as read_feed
from api.calls.evidence import Document
from api.calls.feeds import FaultLine, FeedImported
from api.calls.moved import FRAMES, NDJSON
from api.cli.feed import breaking
from api.problems import BodyTooLarge, RequestInvalid
from api.routes.feeds import sorted_out
from api.settings import Limits
from tests.api.test_cli import ROOT, stella
from tests.api.test_memory import resident
from tests.api.test_served import serving

DOCUMENTS, WIDE = 75, 4_000_000
BOUND = 190 << 20  # the documents are 300 MB


def advisory(at, details="x"):
    """An OSV record about one package."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": f"package-{at}"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0.1"}]}],
    }
    return {
        "schema_version": "1.6.0",
        "id": f"PYSEC-2026-{at}",
        "modified": "2026-01-01T00:00:00Z",
        "details": details,
        "affected": [affected],
    }


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A zip archive of 300 MB of advisories."""
    path = tmp_path_factory.mktemp("feed") / "osv.zip"
    words = random.Random(7).randbytes(WIDE // 8).hex()
    with zipfile.ZipFile(path, "w") as file:
        for at in range(DOCUMENTS):
            file.writestr(f"{at}.json", json.dumps(advisory(at, words * 4)))
    return path


def imported(home, *words):
    """Import in a process of its own; give what it printed and its peak resident size."""
    program = (
        "import re, sys; from api.cli.program import main; code = main(sys.argv[1:]);"
        "status = open('/proc/self/status').read();"
        "print(re.search(r'VmHWM:\\s+(\\d+)', status)[1], file=sys.stderr); sys.exit(code)"
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "STELLA_HOME": str(home / "h")}
    words = [sys.executable, "-c", program, "feed", "import", *map(str, words), "-o", "json"]
    done = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout), int(done.stderr.split()[-1]) << 10


def test_a_large_archive_is_never_held_in_memory(archive, tmp_path):
    stella("init", home=tmp_path, code=0)
    made, peak = imported(tmp_path, archive)
    assert made["documents"] == DOCUMENTS
    assert peak < BOUND, f"{peak >> 20} MB resident"


def test_nor_when_it_goes_through_the_server_on_either_side(archive, tmp_path):
    stella("init", home=tmp_path, code=0)
    with serving(tmp_path):
        made, peak = imported(tmp_path, archive)
        server = resident(tmp_path)
    assert made["documents"] == DOCUMENTS
    assert peak < BOUND, f"{peak >> 20} MB resident in the client"
    assert server < BOUND, f"{server >> 20} MB resident in the server"


@pytest.fixture
def spool_of():
    """Bytes as they came in."""
    made = []

    def spooled(data):
        made.append(Spool(None, 1 << 20))
        made[-1].take(data)
        return made[-1]

    yield spooled
    for spool in made:
        spool.close()


def test_a_frame_larger_than_a_document_is_refused_before_it_is_read(spool_of):
    frame = b"".join(frames_of([Document(data=b"x" * 2000)]))
    _, read = read_feed(spool_of(frame), FRAMES, Limits(document=1000), [("name", "osv")])
    with pytest.raises(BodyTooLarge):
        list(read())


def test_one_json_object_is_held_to_the_bound_of_a_batch(spool_of):
    with pytest.raises(BodyTooLarge):
        read_feed(spool_of(b" " * 2000), "application/json", Limits(batch_body=1000), [])


def test_documents_are_read_as_often_as_they_are_wanted_and_lists_are_told_apart(spool_of):
    lines = b'{"data":"YQ=="}\n{"data":"a2V2","format":"kev"}\n{"data":"Yg==","format":"osv"}\n'
    head, read = read_feed(spool_of(lines), NDJSON, Limits(), [("name", "osv")])
    feed = sorted_out(head.name, read, replace_all=False)
    assert (list(feed.advisories), feed.kev, feed.epss) == ([b"a", b"b"], b"kev", None)
    twice = (Document(data=b"1", format="kev"), Document(data=b"2", format="kev"))
    with pytest.raises(RequestInvalid):
        sorted_out("osv", lambda: twice, replace_all=False)


def test_what_breaks_its_schema_is_said_in_one_line():
    faults = [("CVE-2012-1", "a"), ("CVE-2012-1", "b"), ("CVE-2012-2", "a")]
    lines = tuple(
        FaultLine(pointer=f"/{at}/x", code="c", message=f"{name}: {say}") for at, (name, say) in enumerate(faults)
    )
    made = FeedImported(
        snapshot="sha256:" + "0" * 64,
        capture="sha256:" + "0" * 64,
        documents=3,
        faulty=lines,
        unchanged=False,
        log_size=1,
    )
    assert breaking(made) == "2 documents break their schema, taken all the same: CVE-2012-1, CVE-2012-2"


def test_a_file_that_is_not_there_is_named(tmp_path):
    stella("init", home=tmp_path, code=0)
    done = stella("feed", "import", tmp_path / "nope.zip", home=tmp_path, code=2)
    assert "nope.zip" in done.stderr
