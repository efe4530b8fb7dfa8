"""The tasks of one service by node and by zone."""

import numpy as np

from okube.scheduler.nodes import IntArray

__all__ = ["Spread"]


class Spread:
    """How many tasks of one service each node has, and each zone; ``zones`` numbers the zone of each node.

    ``most`` is how many there will be when ``coming`` more are placed, one at least.
    """

    def __init__(self, by_node: IntArray, zones: IntArray, zone_count: int, coming: int = 0) -> None:
        self.by_node = by_node
        self.most = max(1, int(by_node.sum()) + coming)
        self._zones = zones
        self._zone_count = zone_count
        self.by_zone = np.zeros(zone_count, dtype=np.int64)
        if by_node.any():
            np.add.at(self.by_zone, zones, by_node)  # bincount with weights would count in floats

    def add(self, rows: IntArray, times: int = 1) -> None:
        """Counts so many new tasks on each of these nodes, every one named once."""
        self.by_node[rows] += times
        self.by_zone += np.bincount(self._zones[rows], minlength=self._zone_count) * times
