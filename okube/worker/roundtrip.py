"""How long a packet takes to another node and back: the handshake of a TCP connection to its agent's port.

The other machine's kernel answers, so that it does not matter how busy the agent there is; and this machine's kernel
takes the time (``TCP_INFO``), so that it does not matter how busy this one is. Nothing is sent on the connection, and
it ends before TLS begins: nobody is let in, nothing is opened that was not open, and no certificate is needed.
"""

import asyncio
import contextlib
import socket
import struct
from typing import Protocol

from okube.model.errors import Unreachable
from okube.seams.clock import Clock, SystemClock
from okube.seams.plainly import plainly

__all__ = ["Handshake", "RoundTripMeter"]

_TIMEOUT_S = 2.0
_INFO_BYTES = 104
_RTT_US = struct.Struct("=68xI")  # tcpi_rtt of Linux's struct tcp_info
_RETRANSMITTED = struct.Struct("=100xI")  # tcpi_total_retrans: a packet was lost, and the time is that of its loss
_RESET = struct.pack("=ii", 1, 0)


class RoundTripMeter(Protocol):
    """Measures round trips."""

    async def measure(self, address: str) -> float:
        """Seconds to ``host:port`` and back; raises Unreachable where nothing was measured."""


class Handshake:
    """The real one."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    async def measure(self, address: str) -> float:
        """Seconds to ``host:port`` and back; raises Unreachable where nobody answers, or a packet was lost."""
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._handshake(host.strip("[]"), int(port))
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise Unreachable(f"no round trip to {address} was measured: {plainly(error)}") from error

    async def _handshake(self, host: str, port: int) -> float:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = found[0]
        with socket.socket(family, kind, protocol) as connection:
            connection.setblocking(False)
            began = self._clock.monotonic()
            await loop.sock_connect(connection, place)
            elapsed_s = self._clock.monotonic() - began
            with contextlib.suppress(OSError):  # reset rather than closed, or the port stays taken for a minute
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return _kernels_s(connection) or elapsed_s


def _kernels_s(connection: socket.socket) -> float | None:
    """The handshake's round trip as the kernel took it; None where it does not say. OSError: a packet was lost."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return None
    info = connection.getsockopt(socket.IPPROTO_TCP, option, _INFO_BYTES)
    if len(info) < _INFO_BYTES:
        return None
    if _RETRANSMITTED.unpack_from(info)[0]:
        raise OSError("a packet was lost")
    (rtt_us,) = _RTT_US.unpack_from(info)
    return rtt_us / 1e6 if rtt_us else None
