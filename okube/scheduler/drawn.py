"""What the dependents of a service gain by each of its tasks, kept while these are placed one after another.

Each dependent uses the nearest task. So what a further task on a node is worth to it is how much nearer that is than
the nearest it has; and a task that was placed changes something for those dependents alone that it is nearer to. Round
trips are counted in whole nanoseconds: their sums are exact in any order, and so the same as if they were made anew.
"""

from collections.abc import Sequence

import numpy as np

from okube.scheduler.nodes import BoolArray, FloatArray, IntArray

__all__ = ["Drawn"]

_NANOSECONDS = 1e9


class Drawn:
    """Dependents on some nodes, a row each, and how far all nodes are from them.

    Args:
        latency: the round trip in seconds from each of them to each node, known or guessed.
        tasks: how many tasks are on each of their nodes.
        within: which nodes are near enough for each of them; None where it has no limits.
    """

    def __init__(self, latency: FloatArray, tasks: IntArray, within: BoolArray | None) -> None:
        self._best = np.rint(latency * _NANOSECONDS)
        self._tasks = tasks.astype(np.float64)
        self._within = within
        self._nearest = np.full(len(tasks), np.inf)
        self._unserved = np.ones(len(tasks), dtype=np.bool_)
        self._total: FloatArray = self._tasks @ self._best
        self.near: BoolArray | None = None
        self._look_for_unserved()

    @property
    def cost(self) -> FloatArray:
        """The sum of the round trips of all dependents in seconds, were there a task on the node as well."""
        return self._total / _NANOSECONDS

    def add(self, rows: Sequence[int]) -> bool:
        """Nodes that have a task of the service as well; whether that changes anything."""
        changed = False
        for row in rows:
            there = self._best[:, row].copy()
            closer = np.flatnonzero(there < self._nearest)
            if len(closer):
                before = self._best[closer]
                after = np.minimum(before, there[closer, None])
                self._total += self._tasks[closer] @ (after - before)
                self._best[closer], self._nearest[closer] = after, there[closer]
                changed = True
            if self._within is not None:
                changed = changed or bool(self._unserved.any())
                self._unserved &= ~self._within[:, row]
        if changed:
            self._look_for_unserved()
        return changed

    def _look_for_unserved(self) -> None:
        """``near``: the nodes near enough to a dependent that has no task near enough; None where each has one."""
        if self._within is not None:
            alone = self._within[self._unserved]
            self.near = np.asarray(alone.any(axis=0)) if len(alone) else None
