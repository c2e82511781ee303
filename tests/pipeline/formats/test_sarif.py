"""SARIF: rules by index and id, levels, suppressions, flows; what leads nowhere or in a circle is refused where it stands."""

import json

import pytest

from pipeline.formats import schema
from pipeline.formats.opened import Refused, open_document
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.reports.sarif import read


def log(*results, rules=(), driver="Tool", **run):
    return {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": driver, "rules": list(rules)}}, "results": list(results), **run}],
    }


def result(rule_id="R", **given):
    return {"ruleId": rule_id, "message": {"text": "said"}, **given}


def facts(document):
    data = json.dumps(document).encode()
    open_document(data)
    return read(data, "2.1.0")


def one(document):
    (found,) = facts(document).results
    return found


def refused(document):
    with pytest.raises(Refused) as caught:
        open_document(json.dumps(document).encode())
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("given", "rules", "severity"),
    [
        ({"level": "error"}, [], "high"),
        ({"level": "note"}, [], "low"),
        ({"level": "none"}, [], "negligible"),
        ({}, [], "medium"),
        ({}, [{"id": "R", "defaultConfiguration": {"level": "error"}}], "high"),
        ({"level": "note"}, [{"id": "R", "defaultConfiguration": {"level": "error"}}], "low"),
        ({"level": "note"}, [{"id": "R", "properties": {"security-severity": "9.8"}}], "critical"),
        ({"level": "error"}, [{"id": "R", "properties": {"security-severity": 3.1}}], "low"),
        ({"level": "error"}, [{"id": "R", "properties": {"security-severity": "bad"}}], "high"),
        ({"kind": "informational"}, [], "negligible"),
        ({"kind": "review"}, [], "medium"),
    ],
)
def test_severity_is_the_score_else_the_level(given, rules, severity):
    assert one(log(result(**given), rules=rules)).severity == severity


def test_an_invocation_may_configure_a_rule():
    overrides = [{"descriptor": {"id": "R"}, "configuration": {"level": "error"}}]
    run = log(
        result(),
        rules=[{"id": "R"}],
        invocations=[{"executionSuccessful": True, "ruleConfigurationOverrides": overrides}],
    )
    assert one(run).severity == "high"


@pytest.mark.parametrize("kind", ["pass", "notApplicable"])
def test_what_passed_is_no_finding(kind):
    assert facts(log(result(kind=kind))).results == ()


@pytest.mark.parametrize(
    ("suppressions", "wanted"),
    [
        ([], ""),
        ([{"kind": "inSource"}], "inSource: no reason given"),
        ([{"kind": "external", "status": "accepted", "justification": "known"}], "external: known"),
        ([{"kind": "external", "status": "underReview"}], ""),
        ([{"kind": "external", "status": "accepted"}, {"kind": "external", "status": "rejected"}], ""),
    ],
)
def test_a_suppression_counts_unless_one_is_under_review_or_rejected(suppressions, wanted):
    assert one(log(result(suppressions=suppressions))).suppressed == wanted


def test_a_result_of_an_older_run_is_shown_as_gone():
    assert one(log(result(baselineState="absent"))).suppressed


@pytest.mark.parametrize(
    ("run", "complete"),
    [
        ({}, True),
        ({"invocations": [{"executionSuccessful": True}]}, True),
        ({"invocations": [{"executionSuccessful": True}, {"executionSuccessful": False}]}, False),
        ({"invocations": [{"executionSuccessful": True, "toolExecutionNotifications": [{"message": {"text": "x"}, "level": "error"}]}]}, False),
        ({"invocations": [{"executionSuccessful": True, "toolExecutionNotifications": [{"message": {"text": "x"}, "level": "warning"}]}]}, True),
        ({"externalPropertyFileReferences": {"results": [{"location": {"uri": "r.sarif-external-properties"}}]}}, False),
    ],
)  # fmt: skip
def test_a_run_that_failed_or_keeps_results_elsewhere_is_incomplete(run, complete):
    assert facts(log(result(), **run)).complete is complete


def test_no_run_and_a_run_without_results_are_incomplete():
    assert not facts({"version": "2.1.0", "runs": []}).complete
    without = log()
    del without["runs"][0]["results"]
    assert not facts(without).complete


def test_rules_are_found_in_extensions_by_index_and_hierarchical_ids_by_their_beginning():
    extension = {
        "name": "pack",
        "rules": [{"id": "A"}, {"id": "CVE-2024-1234", "properties": {"security-severity": "7.1"}}],
    }
    document = log(result("x", rule={"index": 1, "toolComponent": {"index": 0}}), driver="D")
    document["runs"][0]["tool"]["extensions"] = [extension]
    found = one(document)
    assert (found.names, found.category, found.score_tenths) == (("CVE-2024-1234",), "vulnerability", 71)
    rules = [{"id": "CA1000", "defaultConfiguration": {"level": "error"}}]
    assert one(log(result("CA1000/1"), rules=rules)).severity == "high"


def test_a_message_is_built_from_the_rules_strings():
    rules = [{"id": "R", "messageStrings": {"default": {"text": "{0} is not {1}"}}}]
    assert one(log(result(message={"id": "default", "arguments": ["x", "y"]}), rules=rules)).message == "x is not y"


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (log(result(ruleIndex=3), rules=[{"id": "R"}]), [("/runs/0/results/0", "evidence.reference_broken")]),
        (log(result(rule={"index": 0, "toolComponent": {"index": 5}})), [("/runs/0/results/0", "evidence.reference_broken")]),
        (
            log(result(locations=[{"physicalLocation": {"artifactLocation": {"index": 9}}}])),
            [("/runs/0/results/0", "evidence.reference_broken")],
        ),
        (
            log(result(codeFlows=[{"threadFlows": [{"locations": [{"index": 2}]}]}])),
            [("/runs/0/results/0", "evidence.reference_broken")],
        ),
        (
            log(originalUriBaseIds={"A": {"uri": "a/", "uriBaseId": "B"}, "B": {"uri": "b/", "uriBaseId": "A"}}),
            [("/runs/0/originalUriBaseIds/A", "evidence.reference_loop")],
        ),
        (
            log(artifacts=[{"parentIndex": 1, "location": {"uri": "a"}}, {"parentIndex": 0, "location": {"uri": "b"}}]),
            [("/runs/0/artifacts/0", "evidence.reference_loop")],
        ),
        (log(artifacts=[{"parentIndex": 4}]), [("/runs/0/artifacts/0", "evidence.reference_broken")]),
        ({"version": "2.0.0", "runs": []}, [("", "evidence.version_unsupported")]),
        ({"version": "2.1.0", "runs": [{}]}, [("/runs/0", "evidence.schema.required")]),
    ],
)  # fmt: skip
def test_what_leads_nowhere_or_in_a_circle_is_refused(document, wanted):
    assert refused(document) == wanted


def test_the_reader_alone_refuses_a_broken_rule_index_too():
    with pytest.raises(DocumentUnreadable, match=r"evidence.unreadable|unreadable|rule 3"):
        read(json.dumps(log(result(ruleIndex=3))).encode(), "2.1.0")


def test_a_flow_that_visits_a_place_twice_is_no_loop():
    step = {"location": {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}}
    found = one(log(result(codeFlows=[{"threadFlows": [{"locations": [step, step, step]}]}])))
    assert found.flow == ("a.py:1",) * 3


def test_a_long_chain_of_bases_is_judged_in_linear_time():
    bases = {f"B{at}": {"uri": "x/", "uriBaseId": f"B{at + 1}"} for at in range(20_000)}
    assert facts(log(originalUriBaseIds=bases)).results == ()


def test_very_many_rules_and_results_are_looked_up_once_not_each_for_each():
    """Each for each would be hundreds of millions of steps."""
    many = 15_000
    rules = [{"id": f"R{at}"} for at in range(many)]
    overrides = [{"descriptor": {"id": f"R{at}"}, "configuration": {"level": "note"}} for at in range(many)]
    results = [result(f"R{many - 1}") for _ in range(many)]
    data = json.dumps(
        log(*results, rules=rules, invocations=[{"executionSuccessful": True, "ruleConfigurationOverrides": overrides}])
    )
    assert {each.severity for each in read(data.encode(), "2.1.0").results} == {"low"}


def test_leniency_covers_prose_and_links_only():
    rules = [{"id": "R", "help": {"markdown": "x"}, "helpUri": "See the docs"}]
    assert one(log(result(), rules=rules)).rule == "R"
    assert refused(log(result(), rules=[{"id": 7}])) == [("/runs/0/tool/driver/rules/0/id", "evidence.schema.type")]
    bad_time = log(invocations=[{"executionSuccessful": True, "endTimeUtc": "yesterday"}])
    assert refused(bad_time) == [("/runs/0/invocations/0/endTimeUtc", "evidence.schema.format")]
    assert schema.validator(schema.SARIF) is not None


def test_flows_are_a_further_reading_only_where_they_end_in_a_known_vulnerability():
    flow = [{"threadFlows": [{"locations": [{"location": {"logicalLocations": [{"name": "main"}]}}]}]}]
    code = open_document(json.dumps(log(result("R", codeFlows=flow))).encode())
    assert [each.kind for each in code.readings] == ["findings"]
    both = open_document(json.dumps(log(result("CVE-2024-1234", codeFlows=flow))).encode())
    assert [each.kind for each in both.readings] == ["findings", "reachability"]
