"""Nodes that were lost together tend to come back together: what is not replaced yet waits a moment for them. Pure.

Where a link breaks that many nodes are behind, they go down within moments of each other, and none may be left to take
their tasks. When the link is whole again, one of them is heard first. Placing the tasks of all the others there at once
would move what runs well and is about to be heard of. So from the moment at which the first of them is back, the tasks
of those that went down with it wait for a while. What can be placed without it is placed at once, as ever.
"""

from okube.model.node import Node
from okube.model.task import Task
from okube.state import Tables

__all__ = ["Returns"]

_LEAST_GRACE_MS = 6000  # an agent that reaches nobody tries each manager in turn, which takes seconds


class Returns:
    """How long to wait for lost nodes, found once for each of them; good as long as the tables do not change."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._together_ms = tables.settings.node_down_after_ms
        self._until_ms: dict[str, int] = {}

    def until_ms(self, task: Task) -> int:
        """When a pending task may take over from one on a lost node, as far as that node may be back soon; 0: now."""
        before = None if task.replaces is None else self._tables.tasks.get(task.replaces)
        lost = None if before is None else self._tables.nodes.get(before.node or "")
        if lost is None or lost.state == "ready":
            return 0
        if lost.name not in self._until_ms:
            self._until_ms[lost.name] = self._until_of(lost)
        return self._until_ms[lost.name]

    def _until_of(self, lost: Node) -> int:
        nodes = self._tables.nodes.values()
        returns = (n.returned_ms for n in nodes if n.state == "ready" and self._went_down_together(n, lost))
        first_ms = min(returns, default=None)
        return 0 if first_ms is None else first_ms + max(_LEAST_GRACE_MS, 2 * self._together_ms)

    def _went_down_together(self, back: Node, lost: Node) -> bool:
        return back.returned_ms > lost.down_ms > 0 and abs(back.down_ms - lost.down_ms) <= self._together_ms
