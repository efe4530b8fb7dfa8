"""What a score's say comes to once it is weighed: a whole number of billionths.

Sums of whole numbers are exact in whatever order they are made, so a cost that was put together of parts that were kept
is the cost that is asked for anew, to the last digit; and what is equal but for rounding is equal. Floating point
numbers hold them exactly as long as the weights sum to less than nine million.
"""

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.policy import Term

__all__ = ["BILLION", "weighed", "weighed_one", "weighed_share", "weighted_costs", "whole_costs"]

BILLION = 1e9


def weighed(weight: float, costs: FloatArray) -> FloatArray:
    """What a score says of some nodes, weighed, in billionths.

    What a score says counts within 0 and 1; what is no number counts as 1, so that a score that is wrong about a node
    does not draw tasks there.
    """
    return weighed_share(weight, np.clip(np.nan_to_num(costs, nan=1.0, posinf=1.0, neginf=1.0), 0.0, 1.0))


def weighed_share(weight: float, costs: FloatArray) -> FloatArray:
    """The same where all are known to be between 0 and 1."""
    return np.rint(costs * (weight * BILLION))


def weighed_one(weight: float, cost: float) -> float:
    """The same for one node, of which the score says something between 0 and 1."""
    return float(round(cost * (weight * BILLION)))


def whole_costs(ledger: Ledger, demand: Demand, terms: tuple[Term, ...], rows: IntArray) -> FloatArray:
    """What one more task costs on each of these nodes, in billionths: the sum of what the scores say, weighed."""
    total = np.zeros(len(rows))
    for term in terms:
        total += weighed(term.weight, term.score.costs(ledger, demand, rows))
    return total


def weighted_costs(ledger: Ledger, demand: Demand, terms: tuple[Term, ...], rows: IntArray) -> FloatArray:
    """The same as people read it."""
    return whole_costs(ledger, demand, terms, rows) / BILLION
