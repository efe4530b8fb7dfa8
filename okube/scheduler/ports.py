"""Host ports: which are taken on each node, and which one a task gets."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from okube.scheduler.groups import PortRequest
from okube.scheduler.nodes import BoolArray, IntArray

__all__ = ["HOST_PORTS", "UNLIMITED", "HostPorts"]

HOST_PORTS = (30000, 32767)
"""Out of which host port 0 is given: the first and the last."""

UNLIMITED = np.iinfo(np.int64).max
"""Room for any number of tasks."""


class HostPorts:
    """The host ports taken on each node, by (port, protocol); tcp and udp do not meet. Nodes of one host share them.

    A request for port 0 gets the lowest free port of the range. No port is given back while this lives, so the lowest
    free one of a node only rises, and is looked for from where it was last found.
    """

    def __init__(
        self, used: Sequence[AbstractSet[tuple[int, str]]], port_range: tuple[int, int], hosts: Sequence[str] = ()
    ) -> None:
        self.first, self.last = port_range
        if not 0 < self.first <= self.last <= 65535:
            raise ValueError(f"the range of host ports {self.first}-{self.last} is not within 1-65535, lowest first")
        names = list(hosts) or [str(row) for row in range(len(used))]
        number = {name: each for each, name in enumerate(dict.fromkeys(names))}
        self.shared = len(number) < len(names)
        self._host = np.array([number[name] for name in names], dtype=np.int64)
        self._used: list[AbstractSet[tuple[int, str]]] = _joined(used, self._host, len(number))
        self._own: set[int] = set()  # the hosts whose set of ports is ours to change
        self._lowest: dict[tuple[int, str], int] = {}
        self._free: dict[str, IntArray] = {}

    def taken(self, port: int, protocol: str) -> BoolArray:
        """The nodes on whose host somebody has this port."""
        wanted = (port, protocol)
        by_host = np.fromiter((wanted in used for used in self._used), np.bool_, len(self._used))
        return np.asarray(by_host[self._host], dtype=np.bool_)

    def free_in_range(self, protocol: str) -> IntArray:
        """How many ports of the range are free for each node."""
        if protocol not in self._free:
            size = self.last - self.first + 1
            counts = (size - sum(self._ranges(*pair, protocol) for pair in used) for used in self._used)
            self._free[protocol] = np.fromiter(counts, np.int64, len(self._used))
        return np.asarray(self._free[protocol][self._host], dtype=np.int64)

    def room(self, requests: Sequence[PortRequest]) -> IntArray:
        """How many tasks with these requests each node has ports for."""
        fixed = fixed_ports(requests)
        if len(set(fixed)) < len(fixed):
            return np.zeros(len(self._host), dtype=np.int64)
        room = np.full(len(self._host), 1 if fixed else UNLIMITED, dtype=np.int64)
        for port, protocol in fixed:
            room[self.taken(port, protocol)] = 0
        for protocol, each in Counter(request.protocol for request in requests if request.host == 0).items():
            ours = sum(self._ranges(*pair, protocol) for pair in fixed)
            np.minimum(room, (self.free_in_range(protocol) - ours) // each, out=room)
        return np.maximum(room, 0)

    def hold_back(self, node: int, requests: Sequence[PortRequest]) -> None:
        """Keeps the ports that are asked for by number from whoever comes later; whoever has one of them keeps it."""
        wanted = [pair for pair in fixed_ports(requests) if pair not in self._used[int(self._host[node])]]
        if wanted:
            host = self._ours(node)
            for port, protocol in wanted:
                self._mark(host, port, protocol)

    def take(self, node: int, requests: Sequence[PortRequest]) -> tuple[int, ...]:
        """Takes the ports of one task on a node that has room for it, and tells the host port of each request."""
        host = self._ours(node)
        for port, protocol in fixed_ports(requests):
            self._mark(host, port, protocol)
        return tuple(request.host or self._take_lowest(host, request.protocol) for request in requests)

    def _ours(self, node: int) -> int:
        """The host of a node, whose set of ports may be changed from now on."""
        host = int(self._host[node])
        if host not in self._own:
            self._used[host] = set(self._used[host])
            self._own.add(host)
        return host

    def _take_lowest(self, host: int, protocol: str) -> int:
        used = self._used[host]
        port = self._lowest.get((host, protocol), self.first)
        while (port, protocol) in used:
            port += 1
        self._mark(host, port, protocol)
        self._lowest[host, protocol] = port + 1
        return port

    def _mark(self, host: int, port: int, protocol: str) -> None:
        used = self._used[host]
        assert isinstance(used, set)
        used.add((port, protocol))
        if protocol in self._free and self._ranges(port, protocol, protocol):
            self._free[protocol][host] -= 1

    def _ranges(self, port: int, protocol: str, wanted: str) -> bool:
        return protocol == wanted and self.first <= port <= self.last


def _joined(
    used: Sequence[AbstractSet[tuple[int, str]]], host_of: IntArray, hosts: int
) -> list[AbstractSet[tuple[int, str]]]:
    """The ports taken on each host."""
    if hosts == len(used):
        return list(used)
    joined: list[AbstractSet[tuple[int, str]]] = [frozenset() for _ in range(hosts)]
    for row, ports in enumerate(used):
        joined[host_of[row]] = joined[host_of[row]] | ports
    return joined


def fixed_ports(requests: Sequence[PortRequest]) -> list[tuple[int, str]]:
    """The (port, protocol) pairs that are asked for by number."""
    return [(request.host, request.protocol) for request in requests if request.host]
