"""One call from CI: evidence in, perhaps a release of one image frozen, a verdict out.

(1) what is asked about is looked for first, so that a wrong name admits nothing; (2) documents and the new release are
one append, all or none; (3) the question is derived from the heads as they then stand, and judged. Must not know who
asked, nor how documents came in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cas import refs
from cas.problems import Category, Fault, Problem
from cas.records.release import Release
from pipeline.effects import Caller, Effects
from pipeline.operations import releases
from pipeline.operations.asking import Judged, NotAdmitted, evaluate, place_of
from pipeline.operations.images import split_layout
from pipeline.operations.ingest import MAX_DOCUMENTS, Submission, Submitted, submit
from pipeline.operations.staging import Staging
from pipeline.operations.work import Work
from targets.references import parse_reference


class EvaluationInvalid(Problem):
    """What is asked about is named twice, by halves, or not at all."""

    code = "gate.question_invalid"
    category = Category.INVALID
    title = "It is not clear what is to be judged"
    remedy = "Name a release that is there, or an image and the name of the release to freeze from it."


@dataclass(frozen=True, slots=True)
class About:
    """What is asked about: a release that is there, or one to be frozen from one image in this call.

    ``component`` and ``platforms`` may be left empty: the image's own name, and all that it offers.
    """

    release: str = ""
    create: str = ""
    image: str = ""
    component: str = ""
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What became of the documents, and the verdict. ``created``: the release was frozen by this call."""

    submitted: Submitted
    created: bool
    judged: Judged


def admit_and_evaluate(
    effects: Effects,
    caller: Caller,
    documents: Sequence[Submission],
    about: About,
    environment: str,
    *,
    max_documents: int = MAX_DOCUMENTS,
) -> Evaluated:
    """Admit documents (and freeze a release), then judge it for an environment.

    A document that names no image speaks of the release's only one; of several, none is guessed.

    Raises: gate.question_invalid, promotion.not_admitted, release.*, image.*, evidence.*, and those of ``evaluate``
    """
    _check(about)
    staged = replace(effects, store=Staging(effects.store))
    work = Work(staged, caller)
    release = _asked(work, about, environment)  # (1)
    only = release.components[0].digest if len(release.components) == 1 else ""
    given = [replace(one, fallback=only) for one in documents]
    frozen: list[releases.Created] = []

    def freeze(work: Work) -> bool:
        frozen[:] = [releases.settled(work, release)]
        return not frozen[0].existed

    submitted = _append(staged, caller, given, freeze if about.create else None, max_documents)  # (2)
    name = frozen[0].digest if frozen else about.release
    judged = evaluate(effects, caller, name, environment)  # (3)
    return Evaluated(submitted, bool(frozen) and not frozen[0].existed, judged)


def _check(about: About) -> None:
    """Raises: gate.question_invalid."""
    faults = []
    if bool(about.release) == bool(about.create):
        faults.append(Fault("/release", "gate.release_unclear", "either a release, or create: one of the two"))
    if bool(about.create) != bool(about.image):
        faults.append(Fault("/image", "gate.image_unclear", "an image and the name of its new release go together"))
    if about.release and (about.component or about.platforms):
        faults.append(Fault("/component", "gate.release_frozen", "a release that is there has its components"))
    if faults:
        raise EvaluationInvalid(faults=tuple(faults))


def _asked(work: Work, about: About, environment: str) -> Release:
    """Find the release, or make the one to be frozen out of its image; the environment must be there.

    Raises: promotion.not_admitted, release.invalid, image.*, registry.*
    """
    if about.release:
        return place_of(work, about.release, environment).release
    if work.ref(refs.environment(environment)) is None:
        raise NotAdmitted(environment=environment[:200])
    component = about.component or component_name(about.image)
    spec = releases.ComponentSpec(name=component, reference=about.image, platforms=about.platforms)
    return releases.drafted(work, about.create, [spec])


def component_name(image: str) -> str:
    """Give what a component is called when nobody says it: the last word of its repository.

    Raises: image.reference_invalid
    """
    location, named = split_layout(image)
    ref = named or parse_reference(image)
    return ref.tag.partition(":")[0] if location and ":" in ref.tag else ref.path.rpartition("/")[2]


def _append(
    effects: Effects,
    caller: Caller,
    documents: Sequence[Submission],
    freeze: Callable[[Work], bool] | None,
    most: int,
) -> Submitted:
    """Admit and freeze in one append; without documents, freeze alone."""
    if documents:
        return submit(effects, caller, documents, max_documents=most, also=freeze)
    if freeze is None:
        return Submitted((), None)
    work = Work(effects, caller)
    if not freeze(work):
        return Submitted((), None)
    if isinstance(effects.store, Staging):
        effects.store.release()
    return Submitted((), work.commit())
