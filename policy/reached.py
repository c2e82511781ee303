"""Which open vulnerabilities are shown to be unreachable. Knows reachability; must not know any gate's limits.

Only evidence of being unreachable exempts; what nobody analysed, and what is contested, counts as reachable.
"""

from typing import Final

from cas.records.picture import AnyFinding, AssessedFinding2

UNREACHABLE: Final = frozenset({"CU", "SU"})


def shown_unreachable(one: AnyFinding) -> bool:
    """Tell whether analysis shows that the vulnerable code of a finding is not reached."""
    return isinstance(one, AssessedFinding2) and one.reach.state in UNREACHABLE


def all_unreachable(group: tuple[AnyFinding, ...]) -> bool:
    """Tell whether one vulnerability in one package is shown to be unreachable on every platform."""
    return all(shown_unreachable(one) for one in group)
