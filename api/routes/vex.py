"""VEX explained, agreed, compared, trusted, exported."""

from typing import Any

from api import paging
from api.calls import vex as calls
from api.names import record_named
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.vex_words import meaning
from api.visit import Visit
from cas import canon, digest, refs
from cas.problems import EntryMissing, Fault
from cas.records.picture import AssessedFinding2
from cas.records.policy import VexTrustTable
from cas.store import load
from pipeline.operations import vex, vex_consensus
from pipeline.operations.policy import store_trust_table
from policy.packs.trust_file import read_table, write_table
from policy.packs.view import whole_of
from policy.trust_table import BUILT_IN
from policy.vex_delta import delta


def explain(visit: Visit, ask: calls.ExplainVex) -> calls.VexExplained:
    """Tell why statements apply or not."""
    found = vex.explain(visit.effects, ask.subject, ask.vulnerability, purl=ask.component, environment=ask.environment)
    lines = tuple(calls.StatementLine(**_fields(one), meaning=meaning(one.why)) for one in found)
    return calls.VexExplained(subject=ask.subject, vulnerability=ask.vulnerability, items=lines)


def _fields(one: vex.Explained) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def consensus(visit: Visit, ask: calls.ListConsensus) -> calls.ConsensusPage:
    """List the consensus of the newest verdicts."""
    found = vex_consensus.consensus(visit.effects, release=ask.release, environment=ask.environment)
    items, cursor = paging.page(ask, found, lambda one: one.id, most=visit.instance.settings.limits.page)
    return calls.ConsensusPage(items=tuple(map(_view, items)), next_cursor=cursor)


def get(visit: Visit, ask: calls.GetConsensus) -> calls.ConsensusView:
    """Show one consensus."""
    for one in vex_consensus.consensus(visit.effects):
        if one.id == ask.id:
            return _view(one)
    raise EntryMissing(name=ask.id[:128])


def _view(one: vex_consensus.Agreed) -> calls.ConsensusView:
    finding = one.finding
    return calls.ConsensusView(
        id=one.id,
        vulnerability=finding.vulnerability,
        purl=finding.purl,
        component=finding.component,
        platform=finding.platform,
        release=one.release,
        environment=one.environment,
        consensus_state=finding.vex,
        confidence=one.confidence,
        issuers=one.issuers,
        rationale=one.rationale,
        reach=finding.reach.state if isinstance(finding, AssessedFinding2) else "",
        claims=finding.claims,
        verdict=one.verdict,
        as_of=one.as_of,
    )


def compare(visit: Visit, ask: calls.CompareVex) -> calls.VexDelta:
    """List what changed between two verdicts."""
    old, new = record_named(visit.effects, ask.old), record_named(visit.effects, ask.new)
    changes = delta(vex_consensus.picture_behind(visit.effects, old), vex_consensus.picture_behind(visit.effects, new))
    lines = (calls.ChangeLine(**{name: getattr(one, name) for name in one.__dataclass_fields__}) for one in changes)
    return calls.VexDelta(old=old, new=new, items=tuple(lines))


def trust_show(visit: Visit, ask: calls.ShowTrustTable) -> calls.TrustTableView:
    """Show the table that counts."""
    if ask.table:
        return _table(ask.table, load(visit.effects.store, digest.parse(ask.table), VexTrustTable))
    active = visit.effects.log.ref(refs.policy(ask.environment)) if ask.environment else None
    store = visit.effects.store
    pack = whole_of(store.get(active), store.get) if active else None
    if pack is not None and pack.trust_table is not None:
        return _table(pack.trust_table, load(visit.effects.store, pack.trust_table, VexTrustTable))
    return _table("", BUILT_IN)


def trust_set(visit: Visit, ask: calls.SetTrustTable) -> calls.TrustTableView:
    """Store a table."""
    table = read_table(ask.yaml.encode())
    return _table(store_trust_table(visit.effects, visit.caller, canon.of_record(table)), table)


def _table(name: str, table: VexTrustTable) -> calls.TrustTableView:
    return calls.TrustTableView(digest=name, table=table, yaml=write_table(table))


def export(visit: Visit, ask: calls.ExportVex) -> calls.VexExported:
    """Write the consensus about a release."""
    if ask.namespace and ":" not in ask.namespace:
        fault = Fault("/namespace", "vex.namespace", "must be a URI")
        raise RequestInvalid(call="vex.export", faults=(fault,))
    written = vex_consensus.export(
        visit.effects,
        ask.release,
        ask.format,
        environment=ask.environment,
        author=ask.author,
        namespace=ask.namespace,
    )
    files = tuple(calls.VexFile(name=name, sha256=digest.of_bytes(data), data=data) for name, data in written)
    return calls.VexExported(format=ask.format, files=files)


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.EXPLAIN, explain),
    Handler(calls.CONSENSUS, consensus),
    Handler(calls.GET, get),
    Handler(calls.DELTA, compare),
    Handler(calls.TRUST_SHOW, trust_show),
    Handler(calls.TRUST_SET, trust_set),
    Handler(calls.EXPORT, export),
)
