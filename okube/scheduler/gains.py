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

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray

__all__ = ["GAINS", "Gain", "shares"]

Gain = Callable[[Ledger, Demand, IntArray, int], FloatArray]
"""What moving a task from a node (row) to each node gains, given how many tasks of its service each node has."""

_LIKE_THAT = 100.0
_MOST_USED = 4.0


def shares(ledger: Ledger, extra: IntArray | None = None) -> FloatArray:
    """The used share of each resource (row) of each node (column), with ``extra`` of each on it."""
    total = np.maximum(ledger.total, 1)
    used = np.where(ledger.total > 0, ledger.total - ledger.free, 0)
    return np.asarray(np.clip((used if extra is None else used + extra) / total, 0.0, _MOST_USED), dtype=np.float64)


def _spread(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    return np.asarray((counts[origin] - counts - 1) / max(1, counts.sum()), dtype=np.float64)


def _zones(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    by_zone = np.bincount(ledger.zones, weights=counts, minlength=ledger.zone_count)
    own = ledger.zones[origin]
    gain = (by_zone[own] - by_zone - 1) / max(1, counts.sum())
    gain[own] = 0.0
    return np.asarray(gain[ledger.zones], dtype=np.float64)


def _convex(before: FloatArray, with_it: FloatArray, without: float, origin: int) -> FloatArray:
    """The gain where every node has a value, other with the task and, at its origin, without it; less is better."""
    gain: FloatArray = before[origin] - without + before - with_it
    return gain


def _balance(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    before = shares(ledger).max(axis=0) ** 2 / 2
    with_it = shares(ledger, demand.resources).max(axis=0) ** 2 / 2
    without = float(shares(ledger, -demand.resources)[:, origin].max() ** 2 / 2)
    return _convex(before, with_it, without, origin)


def _tasks(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    n = ledger.tasks.astype(np.float64)
    return np.asarray(n[origin] / (n[origin] + _LIKE_THAT) - (n + 1) / (n + 1 + _LIKE_THAT), dtype=np.float64)


def _binpack(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    before = shares(ledger).mean(axis=0) ** 2 / 2
    with_it = shares(ledger, demand.resources).mean(axis=0) ** 2 / 2
    without = float(shares(ledger, -demand.resources)[:, origin].mean() ** 2 / 2)
    return -_convex(before, with_it, without, origin)


def _epvm(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    base = float(max(2, len(ledger.nodes)))
    scale = len(ledger.total) * (base - 1.0)

    def cost(extra: IntArray | None = None) -> FloatArray:
        return np.asarray((base ** shares(ledger, extra)).sum(axis=0) / scale, dtype=np.float64)

    return _convex(cost(), cost(demand.resources), float(cost(-demand.resources)[origin]), origin)


def _round_robin(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    mean = max(1.0, float(ledger.tasks.mean()))
    return np.asarray((ledger.tasks[origin] - ledger.tasks - 1) / mean, dtype=np.float64)


def _preference(ledger: Ledger, demand: Demand, counts: IntArray, origin: int) -> FloatArray:
    unmet = np.zeros(len(ledger.nodes))
    for constraint, weight in demand.prefer:
        unmet += np.where(ledger.allowed(constraint), 0.0, weight)
    unmet /= max(100.0, float(sum(weight for _, weight in demand.prefer)))
    return np.asarray(unmet[origin] - unmet, dtype=np.float64)


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
