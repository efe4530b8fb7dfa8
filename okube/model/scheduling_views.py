"""The JSON shapes of how nodes are chosen."""

import msgspec

from okube.model.scheduling import OrderName, Overcommit, PolicyName, Rebalancing, Weights

__all__ = ["SchedulerView"]


class SchedulerView(msgspec.Struct, frozen=True, kw_only=True):
    """The policy, the weights that were set beside it, what all its scores weigh with these, and what may be promised.

    And the order of services that depend on each other, and how often tasks are moved for balance.
    ``unknown`` are weighed scores that this manager does not have: the package that brings them is not installed there.
    What GET gives, PUT takes.
    """

    policy: PolicyName
    weights: Weights
    overcommit: Overcommit
    order: OrderName
    rebalance: Rebalancing
    scores: dict[str, float]
    unknown: tuple[str, ...] = ()
