"""What a move of one task from one node to another is worth: by how much it lowers what a policy's scores add up to.

A score says what *one more* task costs on a node. Summed over all tasks that becomes a measure of a whole placement
that falls with a good move, whichever was made before; so moves that each lower it by something come to an end, and
never go back and forth. The measures are:

- ``spread``, ``zones``: the squares of how many tasks of a service each node (zone) has, by twice their number;
- ``balance``: half the squares of the share of the most used resource of each node;
- ``tasks``: the sum over 1, 2, ... n of n / (n + 100), n being the tasks of a node;
- ``binpack``: half the squares of the mean share that is used, which is to grow;
- ``epvm``: the sum of N^u over the resources of all N nodes, as ``okube.scheduler.policies.loads`` has it;
- ``round-robin``: half the squares of the tasks of each node, by their mean;
- ``preference``: the weights of wishes about nodes that are not fulfilled, of 100 or their sum.

The network is not told by arrays of nodes alone: see ``okube.scheduler.moves``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray

__all__ = ["GAINS", "Gain", "Share", "shares"]


class Share(NamedTuple):
    """What taking one task of a demand off each node gains, and what putting one more onto each node loses.

    A move gains the one of its origin less the other of its target.
    """

    leaving: FloatArray
    arriving: FloatArray


Gain = Callable[[Ledger, Demand, IntArray], Share]
"""Given how many tasks of the demand's service each node has."""

_LIKE_THAT = 100.0
_MOST_USED = 4.0


def shares(ledger: Ledger, extra: IntArray | None = None) -> FloatArray:
    """The used share of each resource (row) of each node (column), with ``extra`` of each on it."""
    total = np.maximum(ledger.total, 1)
    used = np.where(ledger.total > 0, ledger.total - ledger.free, 0)
    return np.asarray(np.clip((used if extra is None else used + extra) / total, 0.0, _MOST_USED), dtype=np.float64)


def _spread(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    tasks = max(1, int(counts.sum()))
    return Share(counts / tasks, (counts + 1) / tasks)


def _zones(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    """Within a zone a move gains nothing: whoever asks sees to that."""
    tasks = max(1, int(counts.sum()))
    by_zone = np.bincount(ledger.zones, weights=counts, minlength=ledger.zone_count)[ledger.zones]
    return Share(by_zone / tasks, (by_zone + 1) / tasks)


def _of_measure(before: FloatArray, without: FloatArray, with_it: FloatArray) -> Share:
    """Where every node has a value that is to be low, one without the task and one with another."""
    return Share(before - without, with_it - before)


def _balance(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    def half_square(extra: IntArray | None = None) -> FloatArray:
        most: FloatArray = shares(ledger, extra).max(axis=0)
        return most**2 / 2

    return _of_measure(half_square(), half_square(-demand.resources), half_square(demand.resources))


def _tasks(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    n = ledger.tasks.astype(np.float64)
    return Share(n / (n + _LIKE_THAT), (n + 1) / (n + 1 + _LIKE_THAT))


def _binpack(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    def half_square(extra: IntArray | None = None) -> FloatArray:
        mean: FloatArray = shares(ledger, extra).mean(axis=0)
        return -(mean**2) / 2

    return _of_measure(half_square(), half_square(-demand.resources), half_square(demand.resources))


def _epvm(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    base = float(max(2, len(ledger.nodes)))
    scale = len(ledger.total) * (base - 1.0)

    def cost(extra: IntArray | None = None) -> FloatArray:
        return np.asarray((base ** shares(ledger, extra)).sum(axis=0) / scale, dtype=np.float64)

    return _of_measure(cost(), cost(-demand.resources), cost(demand.resources))


def _round_robin(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    mean = max(1.0, float(ledger.tasks.mean()))
    return Share(ledger.tasks / mean, (ledger.tasks + 1) / mean)


def _preference(ledger: Ledger, demand: Demand, counts: IntArray) -> Share:
    unmet = np.zeros(len(ledger.nodes))
    for constraint, weight in demand.prefer:
        unmet += np.where(ledger.allowed(constraint), 0.0, weight)
    unmet /= max(100.0, float(sum(weight for _, weight in demand.prefer)))
    return Share(unmet, unmet)


GAINS: Mapping[str, Gain] = MappingProxyType(
    {
        "spread": _spread,
        "zones": _zones,
        "balance": _balance,
        "tasks": _tasks,
        "binpack": _binpack,
        "epvm": _epvm,
        "round-robin": _round_robin,
        "preference": _preference,
    }
)
"""By the names of the scores."""
