"""One call from CI: evidence in, a verdict out."""

from api.calls import evaluations as calls
from api.calls.evidence import SUBMIT
from api.calls.releases import CREATE
from api.layouts import refuse_layout
from api.routes.evidence import receipt
from api.routes.handler import AnyHandler, Handler
from api.routes.verdicts import view
from api.visit import Visit
from cas.records.verdict import Question
from cas.store import load
from pipeline.operations.asking import evaluate as judge
from pipeline.operations.evaluations import About, Evaluated, admit_and_evaluate, component_name
from pipeline.operations.ingest import Submission


def evaluate(visit: Visit, ask: calls.EvaluateEvidence) -> calls.Evaluation:
    """Admit, freeze, judge; what is to be written needs the scope of writing it."""
    about = About(
        release=ask.release,
        create=ask.create,
        image=ask.image,
        component=ask.component,
        platforms=tuple(filter(None, (word.strip() for word in ask.platforms.split(",")))),
    )
    _permit(visit, ask)
    made = admit_and_evaluate(
        visit.effects,
        visit.caller,
        [Submission(item.data, item.subject or ask.subject, item.format) for item in ask.documents],
        about,
        ask.environment,
        max_documents=visit.instance.settings.limits.batch_documents,
    )
    return calls.Evaluation(
        release=made.judged.verdict.release,
        created=made.created,
        receipts=tuple(receipt(visit, item) for item in made.submitted.receipts),
        log_size=visit.effects.log.head().size,
        verdict=view(visit, made.judged.digest, made.judged.verdict),
        elsewhere=_elsewhere(visit, made),
    )


def _elsewhere(visit: Visit, made: Evaluated) -> tuple[int, ...]:
    question = load(visit.effects.store, made.judged.verdict.question, Question)
    ours = {subject for component in question.components for subject in component.subjects}
    receipts = made.submitted.receipts
    here = {one.document for one in receipts if one.subject in ours}
    return tuple(sorted({one.document for one in receipts} - here))


def again(visit: Visit, found: calls.Evaluation, environment: str) -> calls.Evaluation:
    """Judge the same release with what has come in since."""
    judged = judge(visit.effects, visit.caller, found.release, environment)
    return calls.Evaluation(
        release=found.release,
        created=found.created,
        receipts=found.receipts,
        elsewhere=found.elsewhere,
        log_size=visit.effects.log.head().size,
        verdict=view(visit, judged.digest, judged.verdict),
    )


def _permit(visit: Visit, ask: calls.EvaluateEvidence) -> None:
    """Raises: auth.scope_missing, auth.out_of_bounds."""
    visit.asker.reach(environment=ask.environment)
    if ask.documents:
        visit.asker.check(SUBMIT)
    if ask.create and ask.image:
        visit.asker.check(CREATE)
        component = ask.component or component_name(ask.image)
        visit.asker.reach(components=(component,))
        refuse_layout(visit, ask.image)


HANDLERS: tuple[AnyHandler, ...] = (Handler(calls.EVALUATE, evaluate),)
