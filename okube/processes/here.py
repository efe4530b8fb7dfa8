"""Which addresses of cluster.yaml are this machine's."""

import socket

__all__ = ["is_here"]


def is_here(host: str) -> bool:
    """Whether ``host`` (a name or an address) is one of this machine; a name that nobody knows is not.

    The kernel is asked by binding a UDP socket, which sends nothing: only own addresses can be bound.
    """
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    return any(_binds(family, address) for family, _, _, _, address in found)


def _binds(family: int, address: tuple[object, ...]) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address)
        except OSError:
            return False
    return True
