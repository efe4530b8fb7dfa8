"""What nodes have and what is left of it: what scores look at that mind nothing else."""

from dataclasses import dataclass

from okube.scheduler.demand import Demand
from okube.scheduler.nodes import IntArray

__all__ = ["Use"]


@dataclass(frozen=True, slots=True)
class Use:
    """Some nodes, a column each: ``total`` and ``free`` have a row for each resource, ``tasks`` counts all tasks.

    ``nodes`` is how many nodes there are in all.
    """

    total: IntArray
    free: IntArray
    tasks: IntArray
    nodes: int

    def after(self, demand: Demand, times: IntArray) -> "Use":
        """The same with so many more tasks of the demand on each of them."""
        return Use(self.total, self.free - demand.resources * times, self.tasks + times, self.nodes)
