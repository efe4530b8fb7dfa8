"""A connection of TCP to another manager, by whichever of its addresses it is reached."""

import asyncio
import contextlib
import socket
from typing import Any

__all__ = ["connect"]


async def connect(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connection without TLS; where a packet of it is lost, beginning anew is quicker than waiting for TCP.

    Raises:
        OSError, TimeoutError: there is none.
        ValueError: the host is one that no resolver takes.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout_s):
        *others, last = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, _, _, address in others:
            with contextlib.suppress(OSError):
                return await _connect_to(family, kind, address)
        return await _connect_to(last[0], last[1], last[4])


async def _connect_to(family: int, kind: int, address: Any) -> socket.socket:
    """A connection to one of the addresses that a host has."""
    plain = socket.socket(family, kind)
    plain.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(plain, address)
    except BaseException:
        plain.close()
        raise
    return plain
