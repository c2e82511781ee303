"""Where a release stands in its life, and what that allows. Reads what the log says; must not know how it is moved."""

from collections.abc import Callable
from dataclasses import dataclass

from cas import refs
from cas.digest import Digest
from cas.records.release_life import ReleaseStatus
from cas.store import Store, load
from pipeline import flow
from pipeline.effects import Effects
from pipeline.operations.work import Work


@dataclass(frozen=True, slots=True)
class Standing:
    """A name's stage in the life of releases; ``status`` says who, when and why, once it is more than finalized."""

    state: flow.ReleaseStage
    status: ReleaseStatus | None = None
    status_digest: Digest | None = None


def standing(effects: Effects, name: str) -> Standing:
    """Tell how the release or draft of a name stands."""
    return _standing(effects.store, effects.log.ref, name)


def standing_in(work: Work, name: str) -> Standing:
    """Tell it inside a work, whose append then expects it to stand so still."""
    for ref in (refs.release(name), refs.release_draft(name), refs.release_state(name)):
        work.expect(ref, work.ref(ref))
    return _standing(work.effects.store, work.ref, name)


def _standing(store: Store, ref: Callable[[str], Digest | None], name: str) -> Standing:
    status = ref(refs.release_state(name))
    if status is not None:
        found = load(store, status, ReleaseStatus)
        return Standing(found.state, found, status)
    if ref(refs.release(name)) is not None:
        return Standing("finalized")
    return Standing("draft" if ref(refs.release_draft(name)) is not None else "absent")


def check_may(work: Work, name: str, event: flow.ReleaseEvent) -> None:
    """Refuse what a release cannot do as it stands; the append then expects that nobody retires it meanwhile.

    Raises: release.illegal_move
    """
    ref = refs.release_state(name)
    work.expect(ref, work.ref(ref))
    flow.release_after(name, _standing(work.effects.store, work.ref, name).state, event)
