"""Why a promotion cannot be asked for, or go on. Knows words only."""

from cas.problems import Category, Problem


class OrderBroken(Problem):
    """The release does not run in the environment that comes before."""

    code = "promotion.order_broken"
    category = Category.CONFLICT
    title = "The release has not been deployed in the environment before"
    remedy = "Promote and deploy it there first."


class PurposeWrong(Problem):
    """A promotion is asked for with another purpose than its kind."""

    code = "promotion.purpose_wrong"
    category = Category.INVALID
    title = "Promotions are requested for promotion, or for rollback to a packet"
    remedy = "Leave the purpose out, or ask for a rollback; simulations have a call of their own."


class PacketForeign(Problem):
    """A rollback names a packet that this release did not leave there."""

    code = "promotion.packet_foreign"
    category = Category.INVALID
    title = "A rollback returns to what this release left there before, and to nothing else"
    remedy = "Use stella rollback, which finds the packet; anything else goes through the gates as a promotion."


class PreviousWrong(Problem):
    """The promotion that this one repeats was not rejected, or was about something else."""

    code = "promotion.previous_wrong"
    category = Category.INVALID
    title = "Only a rejected promotion of the same release line and environment can be asked again"
    remedy = "Leave the earlier promotion out, or name the one that was rejected."


class DecisionStale(Problem):
    """What the decision rests on has moved, or its time is over."""

    code = "promotion.decision_stale"
    category = Category.CONFLICT
    title = "The decision no longer holds"
    remedy = "Decide again: stella promote decide."
