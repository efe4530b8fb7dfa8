"""What was worked out for every node and holds until a task comes to it: kept while tasks are placed.

Many services ask for the same: half a core here, a label there. What follows from that for 5,000 nodes is worked out
once, and after a task anew for its node alone. All nodes are looked at nevertheless.
"""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from okube.scheduler.nodes import IntArray

__all__ = ["Kept"]

_MOST_PARTS = 32
_MOST_ARRAYS = 256
"""So many are kept, the oldest go first: at 5,000 nodes 10 MB."""


class Kept:
    """Arrays with a value for each node, by a key that says all that the value depends on beside the node's use."""

    def __init__(self, nodes: int) -> None:
        self._all = np.arange(nodes)
        self._touched: list[IntArray] = []
        self._arrays: dict[Hashable, tuple[npt.NDArray[Any], int]] = {}

    def touch(self, rows: IntArray) -> None:
        """What these nodes have left has changed."""
        self._touched.append(rows)

    def array(self, key: Hashable, compute: Callable[[IntArray], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """What ``compute`` says of all nodes (it is given rows), asked again only for those that were touched since.

        The array is to be read, not changed, and changes itself with the next call.
        """
        found, seen = self._arrays.get(key, (None, 0))
        now = len(self._touched)
        if found is None:
            found = compute(self._all)
        elif seen < now:
            parts = self._touched[seen:]
            if now - seen > _MOST_PARTS:
                rows = np.unique(np.concatenate(parts))
            else:
                rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
            found[rows] = compute(rows)
        self._keep(key, found, now)
        return found

    def fixed(self, key: Hashable, compute: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """The same for what no task that is placed changes."""
        found, _ = self._arrays.get(key, (None, 0))
        if found is None:
            found = compute()
            self._keep(key, found, 0)
        return found

    def _keep(self, key: Hashable, found: npt.NDArray[Any], seen: int) -> None:
        if key not in self._arrays and len(self._arrays) >= _MOST_ARRAYS:
            del self._arrays[next(iter(self._arrays))]
        self._arrays[key] = (found, seen)
