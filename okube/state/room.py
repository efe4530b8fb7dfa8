"""What nodes have left for more tasks, as the log itself knows it: whoever plans may be late, or wrong.

Counted as whoever plans counts: a node's capacity times how much of it may be promised, less what it has promised;
cores in billionths. What a task does not ask for is no matter, however little of it there is.
"""

from collections.abc import Mapping

import msgspec

from okube.model.node import Node
from okube.model.resources import Resources
from okube.model.scheduling import Overcommit
from okube.state.tables import Tables

__all__ = ["Rooms"]

_NANOCORES = 1_000_000_000


class Rooms:
    """The nodes, while one command places tasks on them: made anew for each, for what is promised changes."""

    def __init__(self, tables: Tables) -> None:
        said = tables.settings.scheduling
        self._tables = tables
        self._most = Overcommit() if said is msgspec.UNSET else said.overcommit
        self._free: dict[str, list[int]] = {}  # node → nanocores, bytes of memory, bytes of disk
        self._named: dict[str, dict[str, int]] = {}  # node → named resources

    def take(self, node: Node, asked: Resources) -> bool:
        """Take what a task asks for from a node; nothing is taken, and the answer is no, where it has not so much."""
        free = self._free.get(node.name)
        if free is None:
            free = self._free[node.name] = self._left(node)
        cores, memory, disk = round(asked.cpus * _NANOCORES), asked.memory, asked.disk
        if (cores and cores > free[0]) or (memory and memory > free[1]) or (disk and disk > free[2]):
            return False
        if asked.counts and not self._take_named(node, asked.counts):
            return False
        free[0] -= cores
        free[1] -= memory
        free[2] -= disk
        return True

    def _take_named(self, node: Node, counts: Mapping[str, int]) -> bool:
        free = self._named.get(node.name)
        if free is None:
            held = self._tables.allocation_of(node.name).named
            free = self._named[node.name] = {name: most - held.get(name, 0) for name, most in node.named.items()}
        if any(count > free.get(name, 0) for name, count in counts.items()):
            return False
        for name, count in counts.items():
            free[name] -= count
        return True

    def _left(self, node: Node) -> list[int]:
        held, most = self._tables.allocation_of(node.name), self._most
        return [
            round((node.cores * most.cpus - held.cores) * _NANOCORES),
            int(node.memory * most.memory) - held.memory,
            int(node.disk * most.disk) - held.disk,
        ]
