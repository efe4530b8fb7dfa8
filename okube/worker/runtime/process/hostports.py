"""Host ports of process tasks: each belongs to one task, and to nobody else on the machine."""

import socket

from okube.model.spec import Port, Protocol
from okube.worker.runtime.refusals import port_taken

__all__ = ["HostPorts", "PortKey", "free_port", "variables"]

PortKey = tuple[int, Protocol]


class HostPorts:
    """Who holds which port: a task holds its ports from the moment it is started, whether or not it has bound them."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._holders: dict[PortKey, str] = {}

    def reserve(self, holder: str, ports: tuple[PortKey, ...]) -> None:
        """All of ``ports`` for ``holder``, or none.

        Raises:
            RuntimeFailure: ``port-conflict``: another task has one, or some program of the host is bound to it.
        """
        for key in ports:
            if self._holders.get(key, holder) != holder or _is_bound(key):
                raise port_taken(key[0], self._node)
        self.adopt(holder, ports)

    def adopt(self, holder: str, ports: tuple[PortKey, ...]) -> None:
        """As `reserve`, of a task that runs already."""
        self._holders.update(dict.fromkeys(ports, holder))

    def release(self, holder: str) -> None:
        """Give back all that ``holder`` has."""
        self._holders = {key: other for key, other in self._holders.items() if other != holder}


def variables(ports: tuple[Port, ...], host_ports: tuple[int, ...]) -> dict[str, str]:
    """``PORT_<container port>``: where a task has to listen; of several host ports, the first."""
    told: dict[str, str] = {}
    for port, host in zip(ports, host_ports, strict=True):
        told.setdefault(f"PORT_{port.container}", str(host))
    return told


def free_port(protocol: Protocol) -> int:
    """A port that nobody is bound to now."""
    with _socket(protocol) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_bound(key: PortKey) -> bool:
    port, protocol = key
    with _socket(protocol) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def _socket(protocol: Protocol) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    if protocol == "tcp":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger hold no port
    return made
