"""Scores: which of the nodes that fit is wanted most.

The rule for one task, in this order: the node with the fewest tasks of its service, the zone with the fewest, then
balance (the node whose most used resource is the least used once the task is there, then the fewest tasks of any kind),
then the first by name. A task that asks for nothing adds no load, so for it the number of tasks stands before the load.
"""

from collections.abc import Sequence

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.spread import Spread
from okube.scheduler.use import Use

__all__ = ["balance", "best_by_score", "kept_load", "load_of", "load_of_one", "load_with", "of_load", "order_by_score"]

_LOAD, _TASKS = "least loaded", "fewest tasks of any kind"
_RESOURCES = ("cpu", "memory", "disk")  # in the order of ``Resource``


def order_by_score(ledger: Ledger, demand: Demand, spread: Spread, level: IntArray) -> IntArray:
    """The nodes of one level in the order in which they get one task each, one after another.

    A level is nodes (rows, ascending) with equally many tasks of the service. The load of a node does not change before
    it gets its task, but its zone grows with every task placed in it: the r-th node that is used in a zone meets the
    zone's tasks + r. These sums rise within each zone, so merging the zones is the same as sorting by the sum.
    """
    # The last key of lexsort counts first; equal rows keep their order, which is by name.
    by_balance = level[np.lexsort(balance(ledger, demand, level)[::-1])]
    if ledger.zone_count == 1:
        return by_balance
    zones = ledger.zones[by_balance]
    met = spread.by_zone[zones] + _occurrences_before(zones)
    return by_balance[np.argsort(met, kind="stable")]


def best_by_score(ledger: Ledger, demand: Demand, spread: Spread, level: IntArray) -> tuple[IntArray, tuple[str, ...]]:
    """The first node of ``order_by_score``, as an array of one, found without sorting; and what made it the first.

    The reasons are those comparisons that really left some nodes behind, in their order.
    """
    met = spread.by_zone[ledger.zones[level]]
    in_zone = met == met.min()
    narrowed = level[in_zone]
    first, second = balance(ledger, demand, narrowed)
    least = first == first.min()
    second = second[least]
    best = narrowed[least][second == second.min()]
    words = (_LOAD, _TASKS) if demand.resources.any() else (_TASKS, _LOAD)
    steps = (len(level), len(narrowed), int(least.sum()), len(best), 1)
    reasons = ("its zone has the fewest of them", *words, "first by name")
    found = [reason for reason, before, after in zip(reasons, steps, steps[1:], strict=False) if after < before]
    said = [f"{_LOAD} ({_most_used(ledger, demand, int(best[0]))})" if r == _LOAD else r for r in found]
    return best[:1], tuple(said)


def _most_used(ledger: Ledger, demand: Demand, row: int) -> str:
    """The most used resource of a node with the task on it: ``memory 35 %``."""
    kinds = of_load(demand)
    total = ledger.total[kinds, row]
    used = total - ledger.free[kinds, row] + demand.resources[kinds, 0]
    share = np.zeros(len(total))
    np.divide(used, total, out=share, where=total > 0)
    most = int(share.argmax())
    names = np.array((*_RESOURCES, *ledger.named))[kinds]
    return f"{names[most]} {100 * share[most]:.0f} %"


def balance(ledger: Ledger, demand: Demand, rows: IntArray) -> tuple[FloatArray | IntArray, FloatArray | IntArray]:
    """What makes a node less wanted among equals: the first key, and the second for where the first is equal."""
    load, tasks = kept_load(ledger, demand)[rows], ledger.tasks[rows]
    return (load, tasks) if demand.resources.any() else (tasks, load)


def of_load(demand: Demand) -> slice | list[int]:
    """The resources (rows) that say how full a node is: a named one only for tasks that ask for it."""
    if len(demand.asked) == len(_RESOURCES):
        return slice(None)
    return [row for row, amount in enumerate(demand.asked) if amount > 0 or row < len(_RESOURCES)]


def kept_load(ledger: Ledger, demand: Demand) -> FloatArray:
    """The same for all nodes, to be read and not changed."""
    return ledger.kept.array(("load", demand.shape), lambda rows: load_with(ledger, demand, rows))


def load_with(ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
    """The largest used share of any resource on each node, with one more task on it."""
    return load_of(ledger.use(rows), demand)


def load_of(use: Use, demand: Demand) -> FloatArray:
    """The same for nodes that are used so."""
    kinds = of_load(demand)
    total = use.total[kinds]
    used = total - use.free[kinds] + demand.resources[kinds]
    share = np.zeros(total.shape)
    np.divide(used, total, out=share, where=total > 0)
    largest: FloatArray = share.max(axis=0)
    return largest


def load_of_one(total: list[int], free: list[int], demand: Demand) -> float:
    """The same for one node."""
    asked: Sequence[int] = demand.asked
    if len(asked) > len(_RESOURCES):
        kinds = [kind for kind, amount in enumerate(asked) if amount > 0 or kind < len(_RESOURCES)]
        total, free, asked = ([each[kind] for kind in kinds] for each in (total, free, asked))
    rows = zip(total, free, asked, strict=True)
    return max([float(most - left + amount) / float(most) if most > 0 else 0.0 for most, left, amount in rows])


def _occurrences_before(values: IntArray) -> IntArray:
    """For each place, how often its value (a small number) came before."""
    counts = np.bincount(values)
    starts = np.cumsum(counts) - counts
    order = np.argsort(values, kind="stable")
    before = np.empty_like(values)
    before[order] = np.arange(len(values)) - starts[values[order]]
    return before
