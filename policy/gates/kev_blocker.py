"""Is nothing open that is known to be exploited (CISA KEV)?"""

from operator import attrgetter
from typing import Final

from cas.records.base import Part
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, open_groups
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import DAY, plus

_LISTED: Final = attrgetter("kev_due")


class Params(Part, frozen=True, kw_only=True):
    """Whether the catalogue's due date is a period of grace."""

    grace_until_due: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail for each open vulnerability in the catalogue; with grace, warn until the end of its due day (UTC)."""
    late: list[Finding] = []
    soon: list[Finding] = []
    ends: set[str] = set()
    for group in open_groups(view, _LISTED):
        due, listed = min((one.kev_due, one.kev) for one in group if one.kev_due)
        arguments = (("due", due), ("listed", listed))
        end = plus(f"{due}T00:00:00Z", DAY)
        if params.grace_until_due and view.question.as_of < end:
            soon.append(of_group(view, "exploited_in_grace", group, arguments))
            ends.add(end)
        else:
            late.append(of_group(view, "known_exploited", group, arguments))
    missing = missing_facts(view)
    if view.feed is not None and view.feed.kev is None:
        missing = (*missing, finding("kev_missing", flips=(("import_kev", ""),)))
    status: GateStatus = "fail" if late else "unknown" if missing else "warn" if soon else "pass"
    return Answer(status, (*late, *soon, *missing), (("exploited", len(late) + len(soon)),), tuple(sorted(ends)))


GATE = Gate(
    "kev_blocker",
    1,
    Params,
    check,
    asks="Is nothing open that is known to be exploited?",
    remedy="Upgrade first what is known to be exploited; a waiver is seldom right.",
    sentences=(
        ("known_exploited", "{listed} in {purl} is known to be exploited (due {due})."),
        ("exploited_in_grace", "{listed} in {purl} is known to be exploited; it is due {due}."),
        ("kev_missing", "The feed snapshot holds no KEV catalogue."),
        *MISSING_SENTENCES,
    ),
    flips=(*GROUP_FLIPS, ("import_kev", "Import the KEV catalogue with the feed."), *MISSING_FLIPS),
)
