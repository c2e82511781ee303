"""Every published gate, retired versions included; those of the moment at the end. A newcomer adds a line."""

from policy.gate import AnyGate
from policy.gates import (
    built_by,
    cve_delta,
    epss_threshold,
    evidence_age,
    evidence_required,
    feed_age,
    kev_blocker,
    rego_rules,
    release_aggregate_cve,
    severity_budget,
    signed_by,
    template_safety,
    unknowns_budget,
    vex_trust,
)
from policy.moment import approvals, freeze_window, soak_time, stop_line

GATES: tuple[AnyGate, ...] = (
    evidence_required.GATE,
    signed_by.GATE,
    built_by.GATE,
    evidence_age.GATE,
    feed_age.GATE,
    severity_budget.GATE,
    release_aggregate_cve.GATE,
    cve_delta.GATE,
    kev_blocker.GATE,
    epss_threshold.GATE,
    vex_trust.GATE,
    unknowns_budget.GATE,
    template_safety.GATE,
    rego_rules.GATE,
    approvals.GATE,
    freeze_window.GATE,
    soak_time.GATE,
    stop_line.GATE,
)
