"""Replay of records and of imported claims."""

from api.calls import replays as calls
from api.names import record_named
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas.closure import admissions
from cas.digest import Digest
from cas.records.deploy import Deployed
from cas.records.proof import HeadSet, ReplayReport
from cas.store import load
from replay.imports import replay_claim
from replay.process import replay

_CLAIM = b'"kind":"import_claim/1"'


def run(visit: Visit, ask: calls.Replay) -> calls.ReplayView:
    """Run again what led to a record."""
    effects = visit.effects
    subject = record_named(effects, ask.subject)
    if _CLAIM in effects.store.get(subject)[:64]:
        return view(replay_claim(effects, subject))
    return view(replay(effects.store, admissions(effects.log), _meant(visit, subject)))


def _meant(visit: Visit, subject: Digest) -> Digest:
    """Follow a packet's bytes to the result that they speak of; every other record is itself."""
    log, store = visit.effects.log, visit.effects.store
    if log.admitted(subject) is not None or log.run_of(subject) is not None:
        return subject
    for _, head in log.refs("history/"):
        for member in load(store, head, HeadSet).members:
            deployed = load(store, member, Deployed)
            if subject in (deployed.packet, deployed.manifest, member):
                return deployed.result
    return subject


def view(report: ReplayReport) -> calls.ReplayView:
    """Give a report for the doors."""
    return calls.ReplayView(
        subject=report.subject,
        result=report.result,
        runs=report.runs,
        engines_missing=report.engines_missing,
        differences=report.differences,
    )


HANDLERS: tuple[AnyHandler, ...] = (Handler(calls.REPLAY, run),)
