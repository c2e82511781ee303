"""What every kind of target must do, as checks over its adapter: run for the directory, and live for the engines."""

from dataclasses import dataclass, field

import pytest

from cas import digest
from cas.problems import Problem
from cas.records.base import pairs
from cas.records.deploy import Step
from pipeline.operations.fleet import OutsideWorld

PROJECT = "shop_production"
PLAN = digest.of_bytes(b"a plan")


@dataclass
class Subject:
    """One adapter with a target to try it on."""

    adapter: object
    target: object
    effects: object
    world: object = field(init=False)

    def __post_init__(self):
        self.world = OutsideWorld(self.effects)

    def observe(self, *paths):
        return self.adapter.observe(self.target, PLAN, PROJECT, paths, self.world)

    def files(self, *paths):
        return {file.path: file.digest for file in self.observe(*paths).files}

    def apply(self, step):
        return self.adapter.apply(self.target, PROJECT, PLAN, step, self.world)

    def undo(self, step):
        return self.adapter.undo(self.target, PROJECT, PLAN, step, self.world)

    def finish(self, files):
        return dict(self.adapter.finish(self.target, PROJECT, files, self.world))

    def write(self, path, data, before=b""):
        given = {"path": path, "before": digest.of_bytes(before) if before else "", "mode": "0644"}
        if before:
            self.effects.store.put(before)
        content = self.effects.store.put(data)
        return Step(id="file-0", phase="switch", action="file.write", arguments=pairs(given), content=content)


def observes_only_what_it_is_asked_for_absent_files_too(subject):
    subject.apply(subject.write("a/b.txt", b"one"))
    seen = subject.observe("a/b.txt", "absent")
    assert [(file.path, file.digest) for file in seen.files] == [("a/b.txt", digest.of_bytes(b"one")), ("absent", None)]
    assert subject.effects.store.get(digest.of_bytes(b"one")) == b"one"


def observing_twice_is_equal(subject):
    assert subject.observe("x") == subject.observe("x")  # the test's clock stands


def a_step_twice_is_harmless(subject):
    step = subject.write("a.txt", b"new")
    assert subject.apply(step).result == "done"
    assert subject.apply(step).result == "unchanged"
    assert subject.files("a.txt") == {"a.txt": digest.of_bytes(b"new")}


def undoing_puts_the_old_bytes_back_and_twice_is_harmless(subject):
    subject.apply(subject.write("a.txt", b"old"))
    step = subject.write("a.txt", b"new", before=b"old")
    subject.apply(step)
    for _ in range(2):
        assert subject.undo(step).result == "undone"
        assert subject.files("a.txt") == {"a.txt": digest.of_bytes(b"old")}
    fresh = subject.write("b.txt", b"new")
    subject.apply(fresh)
    for _ in range(2):
        assert subject.undo(fresh).result == "undone"
        assert subject.files("b.txt") == {"b.txt": None}


def undoing_what_was_never_done_is_harmless(subject):
    assert subject.undo(subject.write("never.txt", b"x")).result == "undone"
    assert subject.files("never.txt") == {"never.txt": None}


def sealed_files_are_written_listed_and_removed(subject):
    listed = subject.finish({"stella.version.json": b"{}", "manifest.json": b"[]"})
    assert listed == {"stella.version.json": digest.of_bytes(b"{}"), "manifest.json": digest.of_bytes(b"[]")}
    assert subject.finish({"stella.version.json": b"{}"}) == {"stella.version.json": digest.of_bytes(b"{}")}
    subject.finish({"stella.version.json": None, "manifest.json": b"[1]"})
    assert subject.files("stella.version.json", "manifest.json") == {
        "stella.version.json": None,
        "manifest.json": digest.of_bytes(b"[1]"),
    }


def a_path_out_of_the_project_is_never_written(subject):
    for path in ("../out.txt", "/etc/out.txt", "a/../../out.txt", ""):
        receipt = subject.apply(subject.write(path, b"x"))
        assert (receipt.result, receipt.code) == ("failed", "target.path_unsafe")
        with pytest.raises(Problem) as refused:
            subject.finish({path: b"x"})
        assert refused.value.code == "target.path_unsafe"


def receipts_name_plan_and_step_and_hold_no_prose(subject):
    receipt = subject.apply(subject.write("a.txt", b"new"))
    assert (receipt.plan, receipt.step, receipt.code) == (PLAN, "file-0", "")
    assert dict(receipt.outputs) == {"sha256": digest.of_bytes(b"new")}
    assert receipt.started_at <= receipt.ended_at


CHECKS = (
    observes_only_what_it_is_asked_for_absent_files_too,
    observing_twice_is_equal,
    a_step_twice_is_harmless,
    undoing_puts_the_old_bytes_back_and_twice_is_harmless,
    undoing_what_was_never_done_is_harmless,
    sealed_files_are_written_listed_and_removed,
    a_path_out_of_the_project_is_never_written,
    receipts_name_plan_and_step_and_hold_no_prose,
)
