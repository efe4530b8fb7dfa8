"""Where the tasks of services are: those that were there before, and those placed since.

What is asked about the same service again and again is answered with the same object as long as nothing changes; so
what follows from it, such as how far every node is from the tasks of a database, can be kept by it.
"""

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from okube.scheduler.nodes import IntArray

__all__ = ["Census", "Whereabouts"]

_MOST_KEPT = 1024


class Whereabouts:
    """The nodes (rows, ascending) that have tasks of a service, and how many each."""

    __slots__ = ("_by_node", "rows", "tasks")

    def __init__(self, counts: Mapping[int, int]) -> None:
        found = sorted((row, count) for row, count in counts.items() if count)
        self.rows: IntArray = np.array([row for row, _ in found], dtype=np.int64)
        self.tasks: IntArray = np.array([count for _, count in found], dtype=np.int64)
        self._by_node: IntArray | None = None

    def by_node(self, nodes: int) -> IntArray:
        """The count of each node; to be read, not changed."""
        if self._by_node is None:
            self._by_node = np.zeros(nodes, dtype=np.int64)
            self._by_node[self.rows] = self.tasks
        return self._by_node


class Census:
    """The whereabouts of all services; ``row_of`` are the rows of the nodes by their names."""

    def __init__(self, row_of: Mapping[str, int]) -> None:
        self._row_of = row_of
        self._placed: dict[str, dict[int, int]] = {}
        self._changes: dict[str, int] = {}
        self._seen: OrderedDict[tuple[str, int], tuple[Mapping[str, int], int, Whereabouts]] = OrderedDict()
        self._alike: OrderedDict[frozenset[tuple[int, int]], Whereabouts] = OrderedDict()

    def add(self, service: str, rows: list[int]) -> None:
        """Tasks of the service were placed, one for each row."""
        if not rows:
            return
        placed = self._placed.setdefault(service, {})
        for row in rows:
            placed[row] = placed.get(row, 0) + 1
        self._changes[service] = self._changes.get(service, 0) + 1

    def counts(self, service: str, before: Mapping[str, int]) -> dict[int, int]:
        """How many tasks of the service nodes (rows) have, ``before`` telling of those that were there at first."""
        counts = {self._row_of[name]: count for name, count in before.items() if name in self._row_of}
        for row, count in self._placed.get(service, {}).items():
            counts[row] = counts.get(row, 0) + count
        return counts

    def has_none(self, service: str, before: Mapping[str, int]) -> bool:
        """Whether no node has a task of the service."""
        return service not in self._placed and not any(before[name] for name in before if name in self._row_of)

    def of(self, service: str, before: Mapping[str, int]) -> Whereabouts:
        """The same as ``counts``, and the same object for the same ``before`` or for equal counts.

        ``before`` must not change while the census is used.
        """
        key, changes = (service, id(before)), self._changes.get(service, 0)
        seen = self._seen.get(key)
        if seen is not None and seen[1] == changes:
            return seen[2]
        counts = self.counts(service, before)
        found = self._same(counts)
        self._seen[key] = before, changes, found  # holding ``before`` keeps its id from being given to another
        if len(self._seen) > _MOST_KEPT:
            self._seen.popitem(last=False)
        return found

    def _same(self, counts: Mapping[int, int]) -> Whereabouts:
        content = frozenset((row, count) for row, count in counts.items() if count)
        found = self._alike.get(content)
        if found is None:
            found = self._alike[content] = Whereabouts(counts)
            if len(self._alike) > _MOST_KEPT:
                self._alike.popitem(last=False)
        return found
