"""Evidence listed from the log, without the index, is what the index lists: rows, order, pages."""

import pytest

from api.calls import evidence as calls
from api.routes import evidence_shown
from api.visit import enter
from cas import digest
from pipeline.operations.ingest import Submission, submit
from pipeline.operations.work import Work
from tests.api.doors import OWNER, Doors
from tests.support.judging import openvex, sbom

IMAGES = [digest.of_bytes(b"image %d" % number) for number in range(3)]
ASKED = (
    {},
    {"subject": IMAGES[1]},
    {"type": "vex"},
    {"type": "sbom", "subject": IMAGES[2]},
    {"subject": digest.of_bytes(b"another")},
)


@pytest.fixture
def instance():
    doors = Doors()
    for number in range(9):
        documents = [
            sbom((f"package{number}", "1.0")),
            openvex(f"CVE-2026-{number:04d}", "not_affected", f"pkg:pypi/package{number}@1.0"),
        ]
        wanted = IMAGES[number % 3]
        submit(doors.effects, OWNER, [Submission(one, wanted, "") for one in documents[: 1 + number % 2]])
        noise(doors)
    return doors.instance


def noise(doors):
    work = Work(doors.effects, OWNER)
    work.note("nothing.happened", None)
    work.commit()


def pages(list_all, instance, **asked):
    """Walk all pages of three; give the answers."""
    visit, cursor, found = enter(instance, instance.owner, local=True), "", []
    while True:
        page = list_all(visit, calls.ListEvidence(limit=3, cursor=cursor, **asked))
        found.append(page)
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_log_lists_what_the_index_lists(instance, asked):
    assert not instance.indexed
    near = pages(evidence_shown.list_all, instance, **asked)
    assert not instance.indexed, "no index was opened for it"
    instance.index()
    assert pages(evidence_shown.list_all, instance, **asked) == near
    instance.close()


def test_what_lies_far_back_is_asked_of_the_index(instance):
    log = instance.effects.log
    work = Work(instance.effects, OWNER)
    for _ in range(evidence_shown.NEAR):
        work.note("nothing.happened", None)
    work.commit()
    assert log.head().size > evidence_shown.NEAR
    [page] = pages(evidence_shown.list_all, instance, subject=IMAGES[1], type="sbom")
    assert len(page.items) == 3
    assert instance.indexed
    instance.close()
