"""Host ports: which are taken on each node, and which one a task gets."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from okube.scheduler.groups import PortRequest
from okube.scheduler.nodes import BoolArray, IntArray

__all__ = ["UNLIMITED", "HostPorts"]

UNLIMITED = np.iinfo(np.int64).max
"""Room for any number of tasks."""


class HostPorts:
    """The host ports taken on each node, by (port, protocol); tcp and udp do not meet.

    A request for port 0 gets the lowest free port of the range. No port is given back while this lives, so the lowest
    free one of a node only rises, and is looked for from where it was last found.
    """

    def __init__(self, used: Sequence[AbstractSet[tuple[int, str]]], port_range: tuple[int, int]) -> None:
        self.first, self.last = port_range
        if not 0 < self.first <= self.last <= 65535:
            raise ValueError(f"the range of host ports {self.first}-{self.last} is not within 1-65535, lowest first")
        self._used = list(used)
        self._own: set[int] = set()  # the nodes whose set of ports is ours to change
        self._lowest: dict[tuple[int, str], int] = {}
        self._free: dict[str, IntArray] = {}

    def taken(self, port: int, protocol: str) -> BoolArray:
        """The nodes on which somebody has this port."""
        wanted = (port, protocol)
        return np.fromiter((wanted in used for used in self._used), np.bool_, len(self._used))

    def free_in_range(self, protocol: str) -> IntArray:
        """How many ports of the range are free on each node; to be read, not changed."""
        if protocol not in self._free:
            size = self.last - self.first + 1
            counts = (size - sum(self._ranges(*pair, protocol) for pair in used) for used in self._used)
            self._free[protocol] = np.fromiter(counts, np.int64, len(self._used))
        return self._free[protocol]

    def room(self, requests: Sequence[PortRequest]) -> IntArray:
        """How many tasks with these requests each node has ports for."""
        fixed = fixed_ports(requests)
        if len(set(fixed)) < len(fixed):
            return np.zeros(len(self._used), dtype=np.int64)
        room = np.full(len(self._used), 1 if fixed else UNLIMITED, dtype=np.int64)
        for port, protocol in fixed:
            room[self.taken(port, protocol)] = 0
        for protocol, each in Counter(request.protocol for request in requests if request.host == 0).items():
            ours = sum(self._ranges(*pair, protocol) for pair in fixed)
            np.minimum(room, (self.free_in_range(protocol) - ours) // each, out=room)
        return np.maximum(room, 0)

    def take(self, node: int, requests: Sequence[PortRequest]) -> tuple[int, ...]:
        """Takes the ports of one task on a node that has room for it, and tells the host port of each request."""
        if node not in self._own:
            self._used[node] = set(self._used[node])
            self._own.add(node)
        for port, protocol in fixed_ports(requests):
            self._mark(node, port, protocol)
        return tuple(request.host or self._take_lowest(node, request.protocol) for request in requests)

    def _take_lowest(self, node: int, protocol: str) -> int:
        used = self._used[node]
        port = self._lowest.get((node, protocol), self.first)
        while (port, protocol) in used:
            port += 1
        self._mark(node, port, protocol)
        self._lowest[node, protocol] = port + 1
        return port

    def _mark(self, node: int, port: int, protocol: str) -> None:
        used = self._used[node]
        assert isinstance(used, set)
        used.add((port, protocol))
        if protocol in self._free and self._ranges(port, protocol, protocol):
            self._free[protocol][node] -= 1

    def _ranges(self, port: int, protocol: str, wanted: str) -> bool:
        return protocol == wanted and self.first <= port <= self.last


def fixed_ports(requests: Sequence[PortRequest]) -> list[tuple[int, str]]:
    """The (port, protocol) pairs that are asked for by number."""
    return [(request.host, request.protocol) for request in requests if request.host]
