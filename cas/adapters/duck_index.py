"""The Index in DuckDB: named finds over tables that follow the log. Each find first applies what the tables lack."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from cas import digest
from cas.adapters import duck_finds
from cas.adapters.duck_tables import DuckTables
from cas.digest import Digest
from cas.found import (
    MAX_LIMIT,
    AffectedFound,
    ApprovalFound,
    ClaimFound,
    ComponentFound,
    DeployedFound,
    DeploymentFound,
    DriftFound,
    EntryFound,
    EvidenceFound,
    FeedFound,
    FindingFound,
    Found,
    GateFound,
    OpenCount,
    Page,
    PromotionFound,
    ReleaseFound,
    RunningFound,
    Sought,
    VerdictCount,
    VerdictFound,
)
from cas.records.promotion import PromotionState
from cas.rows import mark, package_of

F = TypeVar("F", bound=Found)
S = TypeVar("S", bound=msgspec.Struct)


class DuckIndex(DuckTables):
    """See cas.index.Index."""

    def entries(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        event: str | None = None,
        actor: str | None = None,
        record: Digest | None = None,
        oldest_first: bool = False,
    ) -> Page[EntryFound]:
        """See Index."""
        return self._page(
            *("find_entries", EntryFound, after, limit), oldest_first, event=event, actor=actor, record=record
        )

    def releases(
        self, after: int | None = None, limit: int = 100, *, line: str | None = None, environment: str | None = None
    ) -> Page[ReleaseFound]:
        """See Index."""
        view = "find_releases" if environment is None else "find_releases_deployed"
        return self._page(view, ReleaseFound, after, limit, line=line, environment_name=environment)

    def components(self, release: Digest) -> tuple[ComponentFound, ...]:
        """See Index."""
        return self._everything("find_components", ComponentFound, release=release)

    def evidence(
        self, after: int | None = None, limit: int = 100, *, subject: Digest | None = None, kind: str | None = None
    ) -> Page[EvidenceFound]:
        """See Index."""
        return self._page("find_evidence", EvidenceFound, after, limit, subject=subject, type=kind)

    def promotions(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        environment: str | None = None,
        states: Sequence[PromotionState] = (),
        release: Digest | None = None,
    ) -> Page[PromotionFound]:
        """See Index."""
        wanted = list(states) or None
        return self._page(
            "find_promotions", PromotionFound, after, limit, environment_name=environment, state=wanted, release=release
        )

    def approvals(self, promotion: Digest) -> tuple[ApprovalFound, ...]:
        """See Index."""
        return self._everything("find_approvals", ApprovalFound, promotion=promotion)

    def verdicts(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        release: Digest | None = None,
        environment: str | None = None,
        outcome: str | None = None,
        newest: bool = False,
    ) -> Page[VerdictFound]:
        """See Index."""
        view = "find_verdicts_now" if newest else "find_verdicts"
        return self._page(
            view, VerdictFound, after, limit, release=release, environment_name=environment, outcome=outcome
        )

    def gates(self, verdict: Digest) -> tuple[GateFound, ...]:
        """See Index."""
        return self._everything("find_gates", GateFound, verdict=verdict)

    def verdict_counts(self) -> tuple[VerdictCount, ...]:
        """See Index."""
        return self._ask(duck_finds.VERDICT_COUNTS, VerdictCount)

    def deployments(
        self, after: int | None = None, limit: int = 100, *, environment: str | None = None
    ) -> Page[DeploymentFound]:
        """See Index."""
        return self._page("find_deployments", DeploymentFound, after, limit, environment_name=environment)

    def deployed(self, environment: str | None = None) -> tuple[DeployedFound, ...]:
        """See Index."""
        return self._everything("find_deployed", DeployedFound, environment_name=environment)

    def running(self, digest: Digest, limit: int = MAX_LIMIT) -> tuple[RunningFound, ...]:
        """See Index."""
        return self.where("image", digest, limit=limit)

    def where(
        self, kind: Sought, what: str, environments: Sequence[str] = (), limit: int = MAX_LIMIT
    ) -> tuple[RunningFound, ...]:
        """See Index."""
        sql = duck_finds.running(kind)
        given: dict[str, Any] = {"environments": list(environments), "limit": _held(limit)}
        if kind == "vulnerability":
            sql, names = self._called(sql, what)
            given["names"] = names
        elif kind == "package":
            given |= {"q": what, "package": package_of(what), "mark": mark(package_of(what))}
        else:
            given["q"] = what.lower() if kind == "commit" else what
        return self._ask(sql, RunningFound, **given)

    def affected(
        self, vulnerability: str, environments: Sequence[str] = (), limit: int = MAX_LIMIT
    ) -> tuple[AffectedFound, ...]:
        """See Index."""
        sql, names = self._called(duck_finds.AFFECTED, vulnerability)
        return self._ask(sql, AffectedFound, names=names, environments=list(environments), limit=_held(limit))

    def _called(self, sql: str, name: str) -> tuple[str, list[str]]:
        """Write the marks of a vulnerability's name, and of those it is shown by, into a query; give the names."""
        self.catch_up()
        asked = name.lower()
        shown = self.query(duck_finds.SHOWN, {"q": asked, "mark": mark(asked)})
        names = sorted({asked, *(other for (other,) in shown)})
        # numbers of our own making: only what stands in the query itself is looked for while the table is read
        return sql.replace("{marks}", ", ".join(str(mark(each)) for each in names)), names

    def has_host(self, name: str) -> bool:
        """See Index."""
        self.catch_up()
        return bool(self.query(duck_finds.HOSTS, {"q": name})[0][0])

    def findings(
        self,
        release: Digest,
        after: int | None = None,
        limit: int = 100,
        *,
        environment: str | None = None,
        only_open: bool = True,
    ) -> Page[FindingFound]:
        """See Index."""
        wanted = True if only_open else None
        return self._page(
            "find_findings", FindingFound, after, limit, release=release, environment_name=environment, open=wanted
        )

    def open_counts(self, severity: str | None = None, limit: int = 100) -> tuple[OpenCount, ...]:
        """See Index."""
        return self._ask(duck_finds.OPEN_COUNTS, OpenCount, severity=severity, limit=_held(limit))

    def claims(self, release: Digest, limit: int = MAX_LIMIT) -> tuple[ClaimFound, ...]:
        """See Index."""
        return self._ask(duck_finds.CLAIMS, ClaimFound, release=release, limit=_held(limit))

    def drift(self, after: int | None = None, limit: int = 100, *, target: Digest | None = None) -> Page[DriftFound]:
        """See Index."""
        return self._page("find_drift", DriftFound, after, limit, target=target)

    def feeds(self, after: int | None = None, limit: int = 100) -> Page[FeedFound]:
        """See Index."""
        return self._page("find_feeds", FeedFound, after, limit)

    def _page(
        self, view: str, kind: type[F], after: int | None, limit: int, oldest_first: bool = False, **where: Any
    ) -> Page[F]:
        limit = _held(limit)
        given = _values(where)
        sql = duck_finds.page(view, kind, given, after=after is not None, oldest_first=oldest_first)
        self.catch_up()
        beyond = {} if after is None else {"after": after}
        found = duck_finds.rows(kind, self.query(sql, {**given, **beyond, "limit": limit + 1}))
        more = len(found) > limit
        return Page(rows=found[:limit], after=found[limit - 1].cursor if more else None)

    def _everything(self, view: str, kind: type[F], **where: Any) -> tuple[F, ...]:
        given = _values(where)
        self.catch_up()
        return duck_finds.rows(kind, self.query(duck_finds.everything(view, kind, given), given))

    def _ask(self, sql: str, kind: type[S], **values: Any) -> tuple[S, ...]:
        self.catch_up()
        spelled = sql.replace("{columns}", duck_finds.columns(kind))
        return duck_finds.rows(kind, self.query(spelled, {name: _value(value) for name, value in values.items()}))


def _held(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT + 1))


def _values(where: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in where.items() if value is not None}


def _value(value: Any) -> Any:
    """Digests are asked for as they are kept."""
    return digest.to_raw(value) if isinstance(value, str) and digest.is_digest(value) else value
