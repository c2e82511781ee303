"""Drafts: edited one entry at a time, resolved once, frozen as they were looked at; what two change at once is refused."""

import threading

import pytest

from cas import refs
from cas.problems import Problem
from cas.records.release_life import ReleaseDraft
from cas.store import load
from pipeline.operations import drafts, promote, releases
from pipeline.operations.drafts import DraftExists, DraftMissing, DraftMoved, Edit
from pipeline.operations.releases import ComponentSpec, ReleaseInvalid, ReleaseMissing, ReleaseNameTaken
from targets.compose.problems import ComposeInvalid
from tests.support.images import Layout, LayoutImages
from tests.support.rendering import FILES, Paper, captured
from tests.support.world import ALICE, BOB

API = ComponentSpec("api", "reg.example/acme/api:v1")
WORKER = ComponentSpec("worker", "reg.example/acme/worker:v2")
NAME = "myapp-v2.3.1"
AMD = ("linux/amd64",)


def codes(problem):
    return {fault.code for fault in problem.value.fields["faults"]}


def events(paper):
    return [entry.event for _, entry in paper.world.log.read()]


def begun(*components, **more):
    paper = Paper()
    made = drafts.start(paper.effects, ALICE, NAME, Edit(add=components, platforms=AMD, **more))
    return paper, made


def change(paper, **edit):
    expect = edit.pop("expect", "")
    return drafts.change(paper.effects, BOB, NAME, Edit(platforms=AMD, **edit), expect=expect)


def names(drafted):
    return [one.name for one in drafted.draft.components]


def test_a_draft_put_together_piece_by_piece_is_the_release_made_in_one_call():
    paper, _ = begun(source={"commit": "abc"})
    change(paper, add=(WORKER,))
    change(paper, add=(API,), template=captured(FILES))
    made = drafts.finalize(paper.effects, BOB, NAME)
    other = Paper()
    whole = other.release(source={"commit": "abc"})
    for field in ("name", "line", "components", "template", "compose", "source"):
        assert getattr(made.release, field) == getattr(whole.release, field), field
    assert (made.release.created_by, made.release.created_at) == (BOB.actor, paper.world.clock.at)
    for asked in (NAME, made.id, made.digest):
        assert releases.find(paper.effects, asked) == (made.release, made.digest)
    assert paper.world.log.ref(refs.release_draft(NAME)) is None


def test_every_edit_is_an_entry_that_names_the_draft_before_it_and_who_made_it():
    paper, first = begun(API)
    second = change(paper, add=(WORKER,))
    third = change(paper, remove=("api",))
    drafts.finalize(paper.effects, ALICE, NAME)
    assert events(paper) == ["release.drafted", "release.edited", "release.edited", "release.finalized"]
    assert [one.draft.previous for one in (first, second, third)] == [None, first.digest, second.digest]
    assert load(paper.world.store, second.digest, ReleaseDraft) == second.draft
    assert (third.draft.created_by, third.draft.changed_by) == (ALICE.actor, BOB.actor)
    entry = list(paper.world.log.read())[1][1]
    assert entry.record == second.digest
    assert {one.resolution for one in second.draft.components} == set(entry.beside)


def test_a_tag_is_resolved_when_its_component_comes_in_and_not_again():
    paper = Paper()
    layout = Layout()
    one = layout.name("v1", layout.image({"app": b"one"}))
    effects = paper.world.effects(images=lambda host: LayoutImages(layout))
    drafts.start(effects, ALICE, NAME, Edit(add=(API,)))
    two = layout.image({"app": b"two"})
    layout.names[:] = [("v1", two)]
    drafts.change(effects, ALICE, NAME, Edit(source={"commit": "abc"}))
    assert drafts.find(effects, NAME).draft.components[0].digest == one
    replaced = drafts.change(effects, ALICE, NAME, Edit(add=(API,), replace=True))
    assert replaced.draft.components[0].digest == two["digest"]
    layout.names.clear()
    assert drafts.finalize(effects, ALICE, NAME).release.components[0].digest == two["digest"]


def test_a_name_is_a_drafts_or_a_releases():
    paper, _ = begun(API)
    with pytest.raises(DraftExists):
        drafts.start(paper.effects, ALICE, NAME, Edit())
    with pytest.raises(Problem) as refused:
        releases.create(paper.effects, ALICE, NAME, [API])
    assert (refused.value.code, refused.value.fields["state"]) == ("release.illegal_move", "draft")
    with pytest.raises(ReleaseMissing):
        releases.find(paper.effects, NAME)
    assert releases.list_releases(paper.effects, state="all") == ()
    drafts.finalize(paper.effects, ALICE, NAME)
    with pytest.raises(ReleaseNameTaken):
        drafts.start(paper.effects, ALICE, NAME, Edit())
    assert drafts.listed(paper.effects) == ()


def test_what_is_finalized_is_no_draft_any_more():
    paper, _ = begun(API)
    drafts.finalize(paper.effects, ALICE, NAME)
    before = events(paper)
    for act in (lambda: change(paper, add=(WORKER,)), *(lambda do=do: do(paper.effects, ALICE, NAME) for do in MOVES)):
        with pytest.raises(Problem) as refused:
            act()
        assert (refused.value.code, refused.value.fields["state"]) == ("release.illegal_move", "finalized")
    assert events(paper) == before


MOVES = (drafts.finalize, drafts.discard)


def test_a_discarded_draft_frees_its_name_and_stays_in_the_log():
    paper, made = begun(API)
    assert drafts.discard(paper.effects, BOB, NAME) == made
    assert events(paper)[-1] == "release.discarded"
    with pytest.raises(DraftMissing):
        drafts.find(paper.effects, NAME)
    assert drafts.start(paper.effects, ALICE, NAME, Edit()).draft.components == ()
    assert paper.world.log.admitted(made.digest) == 0


@pytest.mark.parametrize("act", ["change", "finalize", "discard"])
def test_who_looked_at_an_older_draft_is_told_so_and_changes_nothing(act):
    paper, first = begun(API)
    change(paper, add=(WORKER,))
    before = events(paper)
    edit = (Edit(remove=("api",)),) if act == "change" else ()
    with pytest.raises(DraftMoved):
        getattr(drafts, act)(paper.effects, ALICE, NAME, *edit, expect=first.digest)
    assert events(paper) == before
    now = drafts.find(paper.effects, NAME)
    assert names(now) == ["api", "worker"]
    assert names(change(paper, remove=("api",), expect=now.digest)) == ["worker"]


def test_of_edits_at_once_one_counts_and_the_others_are_refused():
    """Every editor has read the same draft before any may append: resolving the tag is where they wait."""
    paper, _ = begun()
    layout = Layout()
    layout.name("v1", layout.image({"app": b"x"}))
    barrier, answers = threading.Barrier(8), []

    class Waiting(LayoutImages):
        def manifest(self, repository, reference):
            if not reference.startswith("sha256:"):
                barrier.wait(30)
            return super().manifest(repository, reference)

    effects = paper.world.effects(images=lambda host: Waiting(layout))

    def edit(number):
        spec = ComponentSpec(f"part{number}", "reg.example/acme/part:v1")
        try:
            answers.append(drafts.change(effects, ALICE, NAME, Edit(add=(spec,))))
        except DraftMoved as problem:
            answers.append(problem)

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    won = [one for one in answers if isinstance(one, drafts.Drafted)]
    assert (len(won), len(answers)) == (1, 8)
    assert drafts.find(effects, NAME) == won[0]
    assert events(paper) == ["release.drafted", "release.edited"]


def test_finalizing_while_somebody_edits_freezes_what_was_read_or_nothing():
    paper, _ = begun(API)
    store = paper.world.store

    class Late:
        """Somebody edits between reading and appending."""

        def __getattr__(self, name):
            return getattr(paper.world.log, name)

        def append(self, entries, expect=()):
            change(paper, add=(WORKER,))
            return paper.world.log.append(entries, expect)

    from dataclasses import replace

    with pytest.raises(DraftMoved):
        drafts.finalize(replace(paper.effects, log=Late()), ALICE, NAME)
    assert names(drafts.find(paper.effects, NAME)) == ["api", "worker"]
    assert releases.list_releases(paper.effects, state="all") == ()
    assert store.has(drafts.find(paper.effects, NAME).digest)


def test_bad_edits_are_refused_with_all_their_faults_and_leave_nothing():
    paper, before = begun(API)
    with pytest.raises(ReleaseInvalid) as refused:
        change(paper, add=(API, ComponentSpec("a/b", "reg.example/x:v1")), remove=("nobody",))
    assert codes(refused) == {"release.component_absent", "release.component_twice"}
    with pytest.raises(ReleaseInvalid) as refused:
        change(paper, add=(ComponentSpec("a/b", "reg.example/x:v1"), WORKER, WORKER))
    assert codes(refused) == {"release.name_invalid", "release.component_twice"}
    with pytest.raises(ReleaseInvalid) as refused:
        change(paper, add=tuple(ComponentSpec(f"c{at}", "reg.example/acme/api:v1") for at in range(200)))
    assert codes(refused) == {"release.components_count"}
    with pytest.raises(ReleaseInvalid):
        change(paper, line="../x")
    assert drafts.find(paper.effects, NAME) == before
    assert events(paper) == ["release.drafted"]


def test_a_refused_secret_leaves_no_object_behind():
    paper, _ = begun(API)
    with pytest.raises(ComposeInvalid):
        change(paper, template=captured({**FILES, "worker.env": "DB_PASSWORD=hunter2\n"}))
    assert not any(b"hunter2" in paper.world.store.get(name) for name in paper.world.store.digests())


def test_compose_files_are_held_against_the_template_that_is_there():
    paper, _ = begun(API, WORKER, template=captured(FILES))
    with pytest.raises(ComposeInvalid):
        change(paper, compose_files=("nowhere.yaml",))
    assert change(paper, compose_files=("compose.yaml",)).draft.compose_files == ("compose.yaml",)
    assert drafts.finalize(paper.effects, ALICE, NAME).release.compose is not None


def test_a_draft_may_lack_what_a_release_may_not():
    paper, _ = begun()
    with pytest.raises(ReleaseInvalid) as refused:
        drafts.finalize(paper.effects, ALICE, NAME)
    assert codes(refused) == {"release.components_count"}
    change(paper, add=(API,), template=captured(FILES))
    with pytest.raises(ReleaseInvalid) as refused:
        drafts.finalize(paper.effects, ALICE, NAME)
    assert codes(refused) == {"release.image_unlisted"}
    change(paper, add=(WORKER,))
    assert drafts.finalize(paper.effects, ALICE, NAME).release.components[1].name == "worker"


def test_drafts_are_listed_newest_change_first():
    paper, _ = begun(API)
    paper.world.clock.at = "2026-03-02T00:00:00Z"
    drafts.start(paper.effects, ALICE, "other-v1", Edit())
    paper.world.clock.at = "2026-03-03T00:00:00Z"
    change(paper, add=(WORKER,))
    assert [one.draft.name for one in drafts.listed(paper.effects)] == [NAME, "other-v1"]
    assert [one.draft.name for one in drafts.listed(paper.effects, line="other")] == ["other-v1"]


@pytest.mark.parametrize("name", ["", "nobody", "../x", "x" * 5000, "sha256:" + "0" * 64])
def test_what_is_no_draft_is_missing(name):
    paper, _ = begun(API)
    for act in (drafts.find, *(lambda effects, name, do=do: do(effects, ALICE, name) for do in MOVES)):
        with pytest.raises(DraftMissing):
            act(paper.effects, name)


@pytest.mark.parametrize("name", ["", "../x", "a b", "é", "x" * 200, "a/b", "\x1b[31m"])
def test_hostile_names_are_refused(name):
    paper = Paper()
    with pytest.raises(ReleaseInvalid):
        drafts.start(paper.effects, ALICE, name, Edit())
    assert events(paper) == []


@pytest.mark.parametrize("ask", [promote.request, promote.evaluate])
def test_a_draft_is_neither_judged_nor_promoted(ask):
    paper, made = begun(API)
    more = ("why",) if ask is promote.request else ()
    with pytest.raises(Problem) as refused:
        ask(paper.effects, ALICE, NAME, "production", *more)
    assert (refused.value.code, refused.value.fields["state"]) == ("release.illegal_move", "draft")
    with pytest.raises(Problem):
        ask(paper.effects, ALICE, made.digest, "production", *more)
    assert events(paper) == ["release.drafted"]
