"""Every denial names the lines that caused it, or what is missing, and says what would flip it."""

from pathlib import Path

from tests.support import gate_cases

ROOT = Path(__file__).parents[1] / "cases" / "gates"
ABSENT = {
    "approvals_missing", "evidence_missing", "feed_missing", "frozen", "group_missing", "kev_missing", "no_answer",
    "no_picture",
    "no_components", "no_services", "no_terms", "not_deployed_before", "over_budget", "provenance_missing",
    "report_missing", "sbom_missing", "soaking", "stopped", "template_not_read",
}  # fmt: skip
"""What is said of something that is not there, of a moment, or of a sum whose lines follow: no document says it."""
SUMMED = {"more"}
EARLIER = {"release_aggregate_cve/1"}
"""Its sum names no lines; its second version does."""
UNTURNED = {"no_picture", "no_components", "no_services", "no_terms", "template_not_read"}
"""Another release or another policy, not another piece of evidence."""


def test_every_gates_finding_that_blocks_rests_on_a_line_and_can_be_turned():
    seen = 0
    for path in sorted(ROOT.glob("*/*.json")):
        case = gate_cases.read(path)
        picture = False if case.get("picture") is False else None
        asked, answer = gate_cases.answer(case.get("gate", f"{path.parent.name}/1"), case, picture=picture)
        if answer.status not in {"fail", "unknown"}:
            continue
        for one in answer.findings:
            where = (path.name, asked.id, one.code)
            assert one.evidence or one.code in ABSENT | SUMMED or asked.id in EARLIER, where
            assert one.flips or one.code in UNTURNED | SUMMED, where
            seen += 1
    assert seen > 80
