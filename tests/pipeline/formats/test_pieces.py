"""Large documents are judged piece by piece: the same answers, a fraction of the memory."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cas.problems import CanonInvalid
from pipeline.formats import pieces
from pipeline.formats.content import content
from pipeline.formats.opened import Refused, open_document
from tests.pipeline.formats.test_cyclonedx import samples
from tests.support import evidence, spellings

ROOT = Path(__file__).parents[3]


def judged(data):
    try:
        return open_document(data).name, []
    except Refused as refusal:
        return "", sorted((each.pointer, each.code) for each in refusal.faults)


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(pieces, "LARGE", 0)
    monkeypatch.setattr(pieces, "_CUT", 0)
    monkeypatch.setattr(pieces, "_SLICE", 64)


@pytest.mark.parametrize("version", ["1.2", "1.6", "1.7"])
def test_pieces_are_judged_as_the_whole(monkeypatch, version):
    documents = [data for name, data in samples().items() if name.startswith(version) and name.endswith(".json")]
    whole = [judged(each) for each in documents]
    monkeypatch.setattr(pieces, "LARGE", 0)
    monkeypatch.setattr(pieces, "_SLICE", 64)
    found = [judged(each) for each in documents]
    assert [one[0] for one in found] == [one[0] for one in whole]
    assert [one[1] for one in found] == [one[1] for one in whole]


def test_real_sboms_are_judged_in_pieces_as_the_whole(everything_is_large):
    for name in ("pair-alpine/alpine.cdx-1.4.json", "pair-alpine/alpine.spdx-2.2.json", "go-105.spdx-2.3.json"):
        assert judged(evidence.sbom(name))[0]
    assert judged(spellings.many("spdx3-json", 50))[0] == "spdx3-json/3.0.1"
    opened = open_document(evidence.sbom("pair-alpine/alpine.cdx-1.4.json"))
    assert opened.raw == evidence.sbom("pair-alpine/alpine.cdx-1.4.json")


HEAD = '{"bomFormat":"CycloneDX","specVersion":"1.6"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (HEAD + ',"components":[{"type":"library","name":"a"},{"type":"no","name":"b"}]}', ("/components/1/type", "evidence.schema.enum")),
        (HEAD + ',"components":[{"type":"file","name":"a"},{"name":"a","type":"file"}]}', ("/components", "evidence.schema.uniqueItems")),
        (HEAD + ',"components":7}', ("/components", "evidence.schema.type")),
        (HEAD + ',"components":[{"type":"file","type":"file","name":"a"}]}', ("", "evidence.not_json")),
        (HEAD + ',"components":[{"type":"file","name":"a","x":NaN}]}', ("", "evidence.not_json")),
        (HEAD + ',"components":[{"type":"file","name":"\\ud800"}]}', ("", "evidence.not_json")),
        (HEAD + ',"specVersion":"1.6"}', ("", "evidence.not_json")),
        (HEAD + ',"\\u0073pecVersion":"1.6"}', ("", "evidence.not_json")),
        (HEAD + ',"version":99999999999999999999}', ("", "evidence.not_json")),
        (HEAD + ',"components":[{"type":"file","name":"a"}', ("", "evidence.not_json")),
        ('{"a":[' + "1," * 40 + "1]}", ("", "evidence.format_unknown")),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_piece_is_told_as_in_the_whole(everything_is_large, text, wanted):
    assert judged(text.encode())[1] == [wanted]


def test_faults_of_pieces_are_bounded(everything_is_large):
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"n": at} for at in range(3000)]}
    faults = judged(json.dumps(document).encode())[1]
    assert len(faults) == 1001
    assert ("", "evidence.schema.more") in faults


def test_a_large_document_is_known_by_a_sketch_and_whole_when_it_is_asked_for(everything_is_large):
    data = json.dumps({"a": list(range(100)), "b": {"c": 1}}).encode()
    found = content(data)
    assert found.late
    assert found.sketch.object == {"a": list(range(16)), "b": {"c": 1}}
    assert found.object == json.loads(data)
    assert not content(b"[1]").late
    with pytest.raises(CanonInvalid):
        content(b'{"a":1,"a":1}')


def test_ten_thousand_components_stay_under_200_mb_in_every_format_and_48_mb_of_json_under_250():
    script = textwrap.dedent("""
        import json, sys
        from pathlib import Path
        from cas.adapters.memory import MemoryStore
        from tests.support import evidence, spellings
        def peak(data):
            Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
            name = evidence.facts_of(MemoryStore(), data).record.format
            line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM"))
            return name, int(line.split()[1]) // 1024
        found = [(len(data := spellings.many(form, 10_000)) >> 20, *peak(data)) for form in spellings._MANY]
        one = '%(sep)s{"type":"library","name":"lib%(n)d","version":"1","purl":"pkg:npm/lib%(n)d@1","description":"' + "x" * 620 + '"}'
        spellings._MANY["large"] = ('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[', one, "]}")
        data = spellings.many("large", 70_000)
        found.append((len(data) >> 20, *peak(data)))
        print(json.dumps(found))
    """)
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    print(ran.stdout)
    *formats, large = json.loads(ran.stdout)
    assert {name.partition("/")[0] for _, name, _ in formats} == set(spellings._MANY)
    assert all(megabytes < 200 for _, _, megabytes in formats), formats
    size, _, megabytes = large
    assert size > 40
    assert megabytes < 250, large
