"""What was worked out for every node and holds until a task comes to it: kept while tasks are placed.

Many services ask for the same: half a core here, a label there. What follows from that for 5,000 nodes is worked out
once, and after a task anew for its node alone. All nodes are looked at nevertheless.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from okube.scheduler.nodes import IntArray

__all__ = ["Kept"]

_MOST_ARRAYS = 256
"""So many that were used since, and as many that were used before: at 5,000 nodes 20 MB in all."""
T = TypeVar("T")


class Kept:
    """Arrays with a value for each node, by a key that says all that the value depends on beside the node's use."""

    def __init__(self, nodes: int) -> None:
        self._all = np.arange(nodes)
        self._touched: list[int] = []
        self._found: dict[Hashable, tuple[Any, int]] = {}
        self._before: dict[Hashable, tuple[Any, int]] = {}

    def touch(self, rows: Sequence[int]) -> None:
        """What these nodes have left has changed."""
        self._touched += rows

    @property
    def now(self) -> int:
        """A moment between two touches, for ``touched_since``."""
        return len(self._touched)

    def touched_since(self, moment: int) -> list[int]:
        """The nodes that were touched since, each once, in the order in which they first were."""
        return list(dict.fromkeys(self._touched[moment:]))

    def array(self, key: Hashable, compute: Callable[[IntArray], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """What ``compute`` says of all nodes (it is given rows), asked again only for those that were touched since.

        The array is to be read, not changed, and changes itself with the next call.
        """
        found: npt.NDArray[Any] | None
        found, seen = self._look(key)
        if found is None:
            found = compute(self._all)
        elif seen < self.now:
            rows = np.array(self.touched_since(seen))
            found[rows] = compute(rows)
        self._keep(key, found, self.now)
        return found

    def fixed(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The same for what no task that is placed changes, or what sees to that itself."""
        kept = self._found.get(key)
        found: T | None = self._look(key)[0] if kept is None else kept[0]
        if found is None:
            found = compute()
            self._keep(key, found, 0)
        return found

    def _look(self, key: Hashable) -> tuple[Any, int]:
        found = self._found.get(key)
        if found is None:
            found = self._before.get(key, (None, 0))
            if found[0] is not None:
                self._keep(key, *found)
        return found

    def _keep(self, key: Hashable, found: object, seen: int) -> None:
        """Notes what was found; what nobody looked at while many others were is forgotten."""
        self._found[key] = found, seen
        if len(self._found) >= _MOST_ARRAYS:
            self._before, self._found = self._found, {}
