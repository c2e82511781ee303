"""Reports of every format: exactly one format claims each document, facts are what the case says, bad ones are refused."""

import json

import pytest

from cas import digest
from cas.adapters.memory import MemoryStore
from cas.problems import CanonInvalid, TooLarge
from cas.records.evidence import NormaliseInput
from cas.store import save
from pipeline.formats.catalog import FORMATS
from pipeline.formats.content import content, values
from pipeline.formats.opened import Refused, open_document
from pipeline.formats.problems import DocumentUnreadable
from pipeline.stage import advance
from pipeline.stages.normalise import NORMALISE
from tests.support import evidence, report_cases

FIXTURES = report_cases.fixtures()
READ = {name for path in FIXTURES for name in json.loads(report_cases.case_of(path).read_text())}
REPORTS = [
    each for each in FORMATS if each.read is not None and each.read.__module__.startswith("pipeline.formats.reports")
]
STRANGERS = [
    b"{}", b"[]", b"[{}]", b'{"results": []}', b'{"version": "1"}', b'{"runs": 7}', b'{"vulnerabilities": {}}', b"[[], 1]",
    b'[{"commit": "c", "commitHash": "a", "date": "", "diff": "", "path": "p", "reason": "r", "stringsFound": [], "new_line_num": 1}]',
    b'{"version": "15.0.0", "vulnerabilities": [{"location": {}, "identifiers": []}]}', b"<analysis/>", b"Name: rack\nVersion: 1\n",
    b'{"version": 1, "parameters": "--outdated", "projects": []}', b'{"matches": []}', b'{"dependencies": [], "other": 1}',
    b'{"a": 1}\n{"b": 2}\n', b"<coverage/>", b"<report/>", b"<testrun/>", b"<assembly/>", b"mode: fast\n", b"1..\n", b"SF", b"7",
]  # fmt: skip


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_exactly_one_format_claims_a_document(path):
    document = content(path.read_bytes())
    assert [each.name for each in FORMATS if not each.within and each.detects(document)] == [
        open_document(path.read_bytes()).readings[0].format.name
    ]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_a_report_is_read_as_its_case_says(path):
    assert report_cases.readings(path.read_bytes()) == json.loads(report_cases.case_of(path).read_text())


@pytest.mark.parametrize("name", sorted(evidence.sboms()))
def test_no_report_format_claims_an_sbom(name):
    document = content(evidence.sbom(name))
    assert not [each.name for each in REPORTS if not each.within and each.detects(document)]


OTHERS = sorted(
    path for folder in ("openvex", "csaf", "in_toto", "cyclonedx") for path in (evidence.DATA / folder).rglob("*.json")
)


def test_no_report_format_claims_other_evidence():
    assert OTHERS
    for path in OTHERS:
        try:
            document = content(path.read_bytes())
        except CanonInvalid:
            continue  # refused before anybody is asked
        assert not [each.name for each in REPORTS if not each.within and each.detects(document)], path


@pytest.mark.parametrize("data", STRANGERS)
def test_nobody_claims_a_stranger(data):
    document = content(data)
    assert not [each.name for each in FORMATS if not each.within and each.detects(document)]


def test_every_report_format_and_every_version_has_a_fixture():
    assert {f"{each.name}/{version}" for each in REPORTS for version, _ in each.schemas} == READ
    assert len({each.name for each in FORMATS if each.kind is not None and each.read is not None}) >= 42


def test_every_fixture_says_where_it_comes_from():
    rows = [line.split("\t") for line in (report_cases.DATA / "PROVENANCE.tsv").read_text().splitlines()[1:]]
    assert {row[0] for row in rows} == {path.name for path in FIXTURES}
    assert all(len(row) == 3 and row[1] and row[2] for row in rows)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_facts_are_a_record_that_the_stage_leaves_the_same_every_time(path):
    found = set()
    opened = open_document(path.read_bytes())
    for each in opened.readings:
        for _ in range(2):
            store = MemoryStore()
            question = save(store, NormaliseInput(raw=store.put(opened.raw), format=each.name))
            found.add((each.name, advance(NORMALISE, question, store).digest))
    assert len(found) == len(opened.readings)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_no_secret_becomes_a_fact(path):
    text = report_cases.case_of(path).read_text()
    assert "SECRETSECRET" not in text
    assert "hunter2" not in text


def test_secrets_stand_in_the_fixtures_that_the_readers_must_not_repeat():
    assert sum(b"SECRETSECRET" in path.read_bytes() or b"hunter2" in path.read_bytes() for path in FIXTURES) >= 10


@pytest.mark.parametrize("each", REPORTS, ids=lambda each: each.name)
@pytest.mark.parametrize("data", [b"", b"null", b"7", b'"x"', b"\xff", b"{", b"<a", b"[[]]", b"[7]", b'{"results": 7}'])
def test_a_reader_refuses_what_is_not_its_own_with_a_problem(each, data):
    """Whatever bytes normalise/1 is given: facts or a Problem, never a traceback."""
    for version, _ in each.schemas:
        try:
            each.read(data, version)
        except (DocumentUnreadable, TooLarge):
            continue


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_a_damaged_report_is_refused_or_read_but_never_breaks(path):
    """Cut off, doubled, with every number a text and every text a number, with every list emptied."""
    data = path.read_bytes()
    damaged = [data[: len(data) // 2], data[1:], data + data]
    if path.suffix != ".xml" and content(data).syntax == "json":
        damaged += [json.dumps(change(json.loads(data))).encode() for change in (_swapped, _emptied, _nulled)]
    for bad in damaged:
        try:
            opened = open_document(bad)
            for each in opened.readings:
                each.format.read(opened.raw, each.version)
        except (Refused, DocumentUnreadable):
            continue


def _mapped(value, leaf):
    if isinstance(value, dict):
        return {key: _mapped(each, leaf) for key, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, leaf) for each in value]
    return leaf(value)


def _swapped(value):
    return _mapped(value, lambda leaf: 7 if isinstance(leaf, str) else "x")


def _nulled(value):
    return _mapped(value, lambda leaf: None)


def _emptied(value):
    if isinstance(value, dict):
        return {key: _emptied(each) for key, each in value.items()}
    return [] if isinstance(value, list) else value


def test_an_empty_array_is_taken_only_by_the_tool_that_is_declared():
    with pytest.raises(Refused) as caught:
        open_document(b"[]")
    assert [fault.code for fault in caught.value.faults] == ["evidence.format_unknown"]
    opened = open_document(b"[]\n", "gitleaks-json")
    assert (opened.name, opened.kind) == ("gitleaks-json/1", "secrets")
    assert opened.readings[0].format.read(opened.raw, "1").complete
    for declared in ("junit-xml", "trivy-json", "no-such"):
        with pytest.raises(Refused):
            open_document(b"[]", declared)
    with pytest.raises(Refused):
        open_document(b"[7]", "gitleaks-json")


@pytest.mark.parametrize("each", [each for each in FORMATS if each.blanks], ids=lambda each: each.name)
def test_a_report_of_nothing_is_taken_when_its_format_is_declared(each):
    for blank in each.blanks:
        data = blank.encode() if isinstance(blank, str) else json.dumps(blank).encode()
        for bare in (data, data + b"\n"):
            with pytest.raises(Refused) as caught:
                open_document(bare)
            [fault] = caught.value.faults
            assert fault.code == ("evidence.not_json" if isinstance(blank, str) else "evidence.format_unknown")
            assert "--format" in fault.message
            assert each.name in fault.message
            opened = open_document(bare, each.name)
            facts = opened.readings[0].format.read(opened.raw, opened.version)
            assert (opened.readings[0].format.name, facts.results, facts.complete) == (each.name, (), True)


CLEAN = {
    b"": "nuclei-json trufflehog-json trufflehog-2-json yarn-audit-json staticcheck-json",
    b"[]": "gitleaks-json nuclei-json trufflehog-2-json trufflehog3-json eslint-json pip-audit-json hadolint-json "
    "pylint-json ruff-json shellcheck-json codeclimate-json pip-licenses-json github-alerts-json",
    b"null": "gitleaks-json trivy-json",
    b"{}": "license-checker-json",
    b'{"results": []}': "osv-scanner-json tfsec-json",
    b'{"results": null}': "tfsec-json",
    b'{"results": [], "errors": []}': "semgrep-json",
    b'{"dependencies": []}': "pip-audit-json",
    b'{"version": "2.3", "vulnerabilities": [], "remediations": []}': "gitlab-report-json",
    b"No vulnerabilities found": "bundler-audit-text",
}


@pytest.mark.parametrize(("data", "names"), CLEAN.items())
def test_every_tool_whose_clean_run_tells_nothing_can_submit_it(data, names):
    for name in names.split():
        assert open_document(data, name).readings[0].format.name == name
    with pytest.raises(Refused) as caught:
        open_document(data)
    assert caught.value.faults[0].message.rpartition(": ")[2].split(", ") == sorted(names.split())


def test_nothing_at_all_is_told_apart_from_what_is_no_report():
    for data, wanted in (
        (b" \n", "the document is empty; if"),
        (b"word\n", "neither JSON nor XML"),
        (b"{}", "no known"),
    ):
        with pytest.raises(Refused) as caught:
            open_document(data, "trivy-json")
        assert caught.value.faults[0].message.startswith(wanted)


def results(data, declared=""):
    opened = open_document(data, declared)
    return opened.name, opened.readings[0].format.read(opened.raw, opened.version)


def test_the_messages_of_govulncheck_say_the_same_in_one_array():
    for name in ("govulncheck.json", "govulncheck-clean.json", "govulncheck-binary.json"):
        data = (report_cases.DATA / name).read_bytes()
        array = b"[" + b",".join(each for each in values(data) if each.strip()) + b"]"
        assert report_cases.readings(array) == report_cases.readings(data)
    with pytest.raises(Refused):
        open_document(b'[{"finding": {"osv": "GO-2024-1"}}]')


def test_pip_audit_is_known_without_its_fixes():
    document = json.loads((report_cases.DATA / "pip-audit-vulnerable.json").read_bytes())
    with_fixes = results(json.dumps(document).encode())
    assert "fixes" in document
    assert with_fixes[1].results
    assert results(json.dumps({"dependencies": document["dependencies"]}).encode()) == with_fixes


def test_grype_is_known_by_its_matches_alone():
    document = json.loads((report_cases.DATA / "grype.json").read_bytes())
    name, facts = results(json.dumps({"matches": document["matches"]}).encode())
    assert (name, facts.subjects) == ("grype-json/1", ())
    assert facts.results == tuple(
        each for each in results(json.dumps(document).encode())[1].results if each.pointer.startswith("/matches/")
    )


def test_nuclei_is_known_by_its_old_names():
    lines = [json.loads(line) for line in (report_cases.DATA / "nuclei.jsonl").read_text().splitlines()]
    new = results(b"\n".join(json.dumps(each).encode() for each in lines))
    for each in lines:
        each["templateID"], each["matched"] = each.pop("template-id"), each.pop("matched-at", each.get("host"))
    assert results(b"\n".join(json.dumps(each).encode() for each in lines)) == new
    assert all(each.rule for each in new[1].results)


def test_kics_is_known_without_its_version():
    document = json.loads((report_cases.DATA / "kics.json").read_bytes())
    told = document.pop("kics_version")
    document |= {"files_scanned": 1, "queries_total": 2}
    name, facts = results(json.dumps(document).encode())
    assert (name, facts.tool_version) == ("kics-json/1", "")
    assert facts.results == results(json.dumps({**document, "kics_version": told}).encode())[1].results


def test_what_yarn_says_between_its_advisories_is_passed_over():
    data = (report_cases.DATA / "yarn-audit-1.json").read_bytes()
    said = b'{"type": "info", "data": "No lockfile found."}\n'
    assert [each.rule for each in results(said + data)[1].results] == [each.rule for each in results(data)[1].results]
    refused = b'{"type": "error", "data": "An unexpected error occurred"}\n' + said
    with pytest.raises(Refused):
        open_document(refused, "yarn-audit-json")


def test_a_coloured_audit_of_gems_says_the_same():
    data = (report_cases.DATA / "bundler-audit.txt").read_bytes()
    red = data.replace(b"Name: ", b"\x1b[31mName: \x1b[0m").replace(b"Vulnerabilities", b"\x1b[31mVulnerabilities")
    assert results(red) == results(data)
    cut = data[: data.rindex(b"Vulnerabilities")]
    assert not results(cut)[1].complete


def test_a_further_reading_speaks_of_the_same_images():
    opened = open_document((report_cases.DATA / "trivy.json").read_bytes())
    facts = [each.format.read(opened.raw, each.version) for each in opened.readings]
    assert {each.subjects for each in facts} == {
        (digest.parse("sha256:" + "1a" * 32), digest.parse("sha256:" + "2b" * 32))
    }
    assert [each.kind for each in opened.readings] == ["findings", "secrets", "licenses"]


def test_a_yarn_audit_without_its_summary_is_incomplete():
    data = (report_cases.DATA / "yarn-audit-1.json").read_bytes()
    cut = b"\n".join(data.splitlines()[:-1]) + b"\n"
    opened = open_document(cut)
    assert not opened.readings[0].format.read(opened.raw, "1").complete


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("TAP version 13\n1..3\nok 1 - a\nok 2 - b\n", (3, 2, 0, 1)),  # one was planned and did not run
        ("1..2\nok 1\nBail out! no database\n", (3, 1, 0, 2)),
        ("TAP version 14\nok 1\n", (2, 1, 0, 1)),  # no plan at all
        ("1..2\nnot ok 1 - a # TODO later\nnot ok 2 - b\n", (2, 0, 1, 0)),
    ],
)
def test_tap_counts_what_did_not_run_as_errors(text, wanted):
    opened = open_document(text.encode())
    facts = opened.readings[0].format.read(opened.raw, "1")
    assert (facts.total, facts.passed, facts.failed, facts.errors) == wanted
