"""The targets of one deployment, changed together: observed, planned, applied wave by wave, taken back together.

Every receipt is journaled as an entry before the next step begins, so that a crash of ours loses at most the answer
to one step, which is then done again: steps are harmless twice.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from cas.digest import Digest
from cas.problems import Problem
from cas.records.base import Instant
from cas.records.deploy import Deployment, Observation, Plan, PlanInput, Receipt, Rendered, Step
from cas.records.release import Target
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.work import Work
from pipeline.stages.drift import SEALED_STEP
from pipeline.stages.plan import PLAN
from targets import rollout
from targets.contract import Adapter
from targets.receipts import told

T = TypeVar("T")
STEP_APPLIED = "step.applied"
PLANNED = "deployment.planned"
MAX_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class OutsideWorld:
    """See targets.contract.World, over Effects."""

    effects: Effects

    def get(self, digest: Digest) -> bytes:
        """See World."""
        return self.effects.store.get(digest)

    def put(self, data: bytes) -> Digest:
        """See World."""
        return self.effects.store.put(data)

    def now(self) -> Instant:
        """See World."""
        return self.effects.clock.now()

    def secret(self, source: str) -> str:
        """See World."""
        return self.effects.secret(source)

    def registry(self) -> str:
        """See World."""
        return self.effects.registry()


@dataclass(slots=True)
class Host:
    """One target with what is planned and done there."""

    digest: Digest
    target: Target
    adapter: Adapter
    observation: Observation | None = None
    plan: Plan | None = None
    plan_digest: Digest | None = None
    receipts: list[Digest] = field(default_factory=list)
    last: dict[str, Receipt] = field(default_factory=dict)
    problem: str = ""  # code of what stopped us here

    def took(self, digest: Digest, receipt: Receipt) -> None:
        """Note a receipt; the newest of a step counts."""
        self.receipts.append(digest)
        self.last[receipt.step] = receipt
        if receipt.result == "failed" and not self.problem:
            self.problem = receipt.code


class Fleet:
    """All hosts of a deployment."""

    def __init__(self, effects: Effects, caller: Caller, deployment_digest: Digest, deployment: Deployment) -> None:
        self.effects = effects
        self.caller = caller
        self.deployment_digest = deployment_digest
        self.deployment = deployment
        self.world = OutsideWorld(effects)
        self.hosts = [
            Host(digest, target, effects.adapter(target))
            for digest, target in ((name, load(effects.store, name, Target)) for name in deployment.targets)
        ]
        self._journal = threading.Lock()

    def observe(self, project: str, paths: Sequence[str]) -> tuple[Digest, ...]:
        """Capture every target at once, and keep the observations.

        Raises: target.* of the first target that could not be observed
        """

        def one(host: Host) -> Digest:
            seen = host.adapter.observe(host.target, host.digest, project, paths, self.world)
            host.observation = seen
            return Work(self.effects, self.caller).save(seen)

        return tuple(self._together(self.hosts, one))

    def plan(self, work: Work, rendered_digest: Digest, seen: Sequence[Digest]) -> None:
        """Run plan/1 for every target, and journal the plans.

        Raises: plan.*, target.*
        """
        for host, observation in zip(self.hosts, seen, strict=True):
            try:
                done = work.run(
                    PLAN,
                    PlanInput(
                        deployment=self.deployment_digest,
                        target=host.digest,
                        rendered=rendered_digest,
                        observation=observation,
                    ),
                )
            except Problem as problem:
                host.problem = problem.code
                raise
            host.plan, host.plan_digest = done.record, done.digest
        plans = [host.plan_digest for host in self.hosts if host.plan_digest]
        work.note(PLANNED, rendered_digest, beside=(*plans, *seen))
        work.commit()

    def run(self, wave: rollout.Wave, project: str) -> bool:
        """Apply one wave on its targets side by side; a target stops at its first failure. Tell whether all went well.

        Raises: what is no Problem of a step (a fault of ours, a log that refuses): then resume
        """

        def one(host: Host) -> None:
            assert host.plan is not None
            for step in rollout.pending(host.plan, wave.phase, host.last):
                if self._apply(host, step, project, host.adapter.apply).result not in rollout.GOOD:
                    return

        chosen = [self.hosts[at] for at in wave.targets]
        self._together(chosen, one)
        return not any(rollout.halted(host.last) for host in self.hosts)

    def undo(self, project: str, sealed: Sequence[str]) -> None:
        """Take back everything done, on every target, newest step first; go on past what fails.

        ``sealed`` names the files that ``finish`` may have written: their old bytes return too.
        """

        def one(host: Host) -> None:
            if host.plan is not None:
                if SEALED_STEP in host.last and host.last[SEALED_STEP].result != "undone":
                    self.finish(host, project, self._before(host, sealed), SEALED_STEP, undo=True)
                for step in rollout.to_undo(host.plan, host.last):
                    self._apply(host, step, project, host.adapter.undo)

        self._together(self.hosts, one)

    def _before(self, host: Host, names: Sequence[str]) -> dict[str, bytes | None]:
        seen = {file.path: file.digest for file in host.observation.files} if host.observation else {}
        digests = {name: seen.get(name) for name in names}
        return {name: self.world.get(named) if named else None for name, named in digests.items()}

    def finish(
        self, host: Host, project: str, files: Mapping[str, bytes | None], step: str, *, undo: bool = False
    ) -> Receipt:
        """Write sealed files to one target, and journal the receipt that lists them."""
        assert host.plan_digest is not None
        started, code = self.world.now(), ""
        outputs: dict[str, str] = {}
        try:
            outputs = dict(host.adapter.finish(host.target, project, files, self.world))
        except Problem as problem:
            code, outputs = problem.code, told(problem)
        receipt = Receipt(
            plan=host.plan_digest,
            step=step,
            result="failed" if code else "undone" if undo else "done",
            code=code,
            started_at=started,
            ended_at=self.world.now(),
            outputs=tuple(sorted(outputs.items())),
            log=None,
        )
        self._note(host, receipt)
        return receipt

    def _apply(self, host: Host, step: Step, project: str, act: Callable[..., Receipt]) -> Receipt:
        assert host.plan_digest is not None
        receipt = act(host.target, project, host.plan_digest, step, self.world)
        self._note(host, receipt)
        return receipt

    def _note(self, host: Host, receipt: Receipt) -> None:
        work = Work(self.effects, self.caller)
        digest = work.save(receipt)
        work.note(STEP_APPLIED, digest)
        with self._journal:
            work.commit()
            host.took(digest, receipt)

    def _together(self, hosts: Sequence[Host], one: Callable[[Host], T]) -> list[T]:
        if len(hosts) == 1:
            return [one(hosts[0])]
        with ThreadPoolExecutor(max(1, min(MAX_AT_ONCE, len(hosts)))) as pool:
            return [future.result() for future in [pool.submit(self._guarded, one, host) for host in hosts]]

    @staticmethod
    def _guarded(one: Callable[[Host], T], host: Host) -> T:
        try:
            return one(host)
        except Problem as problem:
            host.problem = problem.code
            raise

    def recall(self) -> Digest | None:
        """Read plans and receipts back from the log; give the Rendered that was planned from, or None.

        Entries of other deployments that ran meanwhile are passed over: a plan names its deployment.
        """
        start = self.effects.log.admitted(self.deployment_digest)
        planned: Digest | None = None
        by_plan: dict[Digest, Host] = {}
        for _, entry in self.effects.log.read(start or 0):
            if entry.event == PLANNED and entry.record is not None:
                if load(self.effects.store, entry.record, Rendered).deployment == self.deployment_digest:
                    planned = entry.record
                    by_plan = self._recall_plans(entry.beside)
            elif entry.event == STEP_APPLIED and entry.record is not None and by_plan:
                receipt = load(self.effects.store, entry.record, Receipt)
                if receipt.plan in by_plan:
                    by_plan[receipt.plan].took(entry.record, receipt)
        return planned

    def _recall_plans(self, beside: Sequence[Digest]) -> dict[Digest, Host]:
        found: dict[Digest, Host] = {}
        hosts = {host.digest: host for host in self.hosts}
        for name in beside:
            if b'"kind":"plan/1"' not in self.effects.store.get(name):
                continue
            plan = load(self.effects.store, name, Plan)
            host = hosts[plan.target]
            host.plan, host.plan_digest = plan, name
            host.observation = load(self.effects.store, plan.observation, Observation)
            found[name] = host
        return found
