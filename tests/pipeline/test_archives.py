"""Archives of evidence: every file a document, one atomic call; bombs, links and climbing names are refused."""

import gzip
import io
import itertools
import json
import tarfile
import tracemalloc
import zipfile

import pytest

from pipeline.formats.problems import EvidenceRefused, EvidenceTooMany
from pipeline.operations.archives import ArchiveUnsafeError, Bounds, files_in, is_archive
from pipeline.operations.ingest import Submission, submit
from tests.support import report_cases
from tests.support.world import ALICE, World

IMAGE = "sha256:" + "1" * 64
SOME = Bounds(files=10, file=1 << 20, total=4 << 20)
GOOD = (("b/pytest.xml", "pytest.xml"), ("a/semgrep.json", "semgrep.json"), ("trivy.json", "trivy.json"))


def fixture(name):
    return (report_cases.DATA / name).read_bytes()


def zipped(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


def tarred(*members, mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as made:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            data = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = info.size or len(data)
            made.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return out.getvalue()


def entry(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


FILES = [(name, fixture(source)) for name, source in GOOD]


@pytest.mark.parametrize(
    "data",
    [zipped(*FILES), tarred(*FILES), tarred(*FILES, mode="w:gz"), tarred(entry("a", tarfile.DIRTYPE), *FILES)],
    ids=["zip", "tar", "tar.gz", "tar with a directory"],
)
def test_every_file_of_an_archive_is_a_document_of_one_call(data):
    world = World()
    made = submit(world.effects(), ALICE, [Submission(data, IMAGE)])
    assert [(one.document, one.member, one.type) for one in made.receipts] == [
        (0, "a/semgrep.json", "findings"),
        (0, "b/pytest.xml", "tests"),
        (0, "trivy.json", "findings"),
        (0, "trivy.json", "secrets"),
        (0, "trivy.json", "licenses"),
    ]
    again = submit(world.effects(), ALICE, [Submission(fixture("pytest.xml"), IMAGE)])
    assert again.receipts[0].duplicate


def test_one_bad_file_refuses_all_and_is_named():
    world = World()
    before = sorted(world.store.digests())
    data = zipped(*FILES, ("notes/read~me.txt", b"hello"), ("x.json", b'{"a": 1}'))
    with pytest.raises(EvidenceRefused) as caught:
        submit(world.effects(), ALICE, [Submission(b"{}", IMAGE), Submission(data, IMAGE)])
    assert [(fault.pointer, fault.code) for fault in caught.value.fields["faults"]] == [
        ("/0", "evidence.format_unknown"),
        ("/1/notes~1read~0me.txt", "evidence.not_json"),
        ("/1/x.json", "evidence.format_unknown"),
    ]
    assert sorted(world.store.digests()) == before


def test_an_archive_counts_as_the_documents_in_it():
    with pytest.raises(EvidenceTooMany):
        submit(World().effects(), ALICE, [Submission(zipped(*FILES), IMAGE)], max_documents=2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(("../x", b"1")), "outside"),
        (zipped(("/x", b"1")), "outside"),
        (zipped(("C:/x", b"1")), "outside"),
        (zipped(("a\\..\\..\\x", b"1")), "outside"),
        (zipped(("x\n", b"1")), "no file should have"),
        (zipped(("x" * 2000, b"1")), "no file should have"),
        (zipped(*[(str(number), b"1") for number in range(11)]), "too many"),
        (zipped(("x", b"0" * (2 << 20))), "file too large"),
        (zipped(("x", b"\0" * (1 << 20) + b"1")), "too large"),
        (zipped(*[(str(number), bytes(range(256)) * 4000) for number in range(5)]), "too large in all"),
        (zipped(("x", b"1"))[:-10], "not a zip"),
        (b"PK\x03\x04" + b"\0" * 100, "not a zip"),
        (tarred(("../x", b"1")), "outside"),
        (tarred(("/x", b"1")), "outside"),
        (tarred(entry("x", tarfile.SYMTYPE, "/etc/passwd")), "a link"),
        (tarred(entry("x", tarfile.LNKTYPE, "y")), "a link"),
        (tarred(entry("x", tarfile.CHRTYPE)), "neither a file"),
        (tarred(entry("x", tarfile.FIFOTYPE)), "neither a file"),
        (tarred(("x", b"1"), ("./x", b"2")), "twice"),
        (tarred(*[(str(number), b"1") for number in range(11)]), "too many"),
        (tarred(("x", b"0" * (2 << 20))), "file too large"),
        (tarred(("x", b"1"))[:600], "(of the size|end of|unexpected)"),
        (gzip.compress(b"\0" * (8 << 20)), "beyond belief"),
        (gzip.compress(tarred(("x", b"1")))[:-20], "cut off"),
        (gzip.compress(b'{"runs": []}'), "neither a zip nor a tar"),
        (b"\x1f\x8b" + b"x" * 50, "Error"),
    ],
    ids=itertools.count(),
)
def test_an_unsafe_archive_is_refused(data, reason):
    assert is_archive(data)
    with pytest.raises(ArchiveUnsafeError, match=reason):
        list(files_in(data, SOME))
    with pytest.raises(EvidenceRefused) as caught:
        submit(World().effects(), ALICE, [Submission(data, IMAGE)])
    assert {fault.code for fault in caught.value.fields["faults"]} <= {
        "evidence.archive_unsafe", "evidence.not_json", "evidence.format_unknown", "evidence.too_large",
    }  # fmt: skip


def test_a_link_in_a_zip_and_an_encrypted_member_are_refused():
    link = zipfile.ZipInfo("x")
    link.external_attr = 0o120777 << 16
    with pytest.raises(ArchiveUnsafeError, match="a link"):
        list(files_in(zipped((link, b"/etc/passwd")), SOME))
    data = bytearray(zipped(("x", b"1")))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    with pytest.raises(ArchiveUnsafeError, match="encrypted"):
        list(files_in(bytes(data), SOME))


def test_an_empty_archive_holds_nothing():
    for data in (zipped(), tarred(entry("a", tarfile.DIRTYPE))):
        with pytest.raises(EvidenceRefused):
            submit(World().effects(), ALICE, [Submission(data, IMAGE)])


def test_a_bomb_is_refused_in_bounded_memory():
    bomb = gzip.compress(b"\0" * (48 << 20), compresslevel=1)
    tracemalloc.start()
    with pytest.raises(ArchiveUnsafeError):
        list(files_in(bomb, Bounds(files=10, file=1 << 30, total=1 << 30)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 << 20


def test_no_document_is_taken_for_an_archive():
    for path in report_cases.fixtures():
        assert not is_archive(path.read_bytes())
    assert not is_archive(json.dumps({"PK": 1}).encode())
