"""What a process tells the supervisor that started it: that it serves, that its loop turns, that it ends.

The protocol is that of sd_notify(3): datagrams to the socket that ``NOTIFY_SOCKET`` names. Without one, nobody asked,
and all of this does nothing.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, MutableMapping

__all__ = ["Supervisor"]

_log = logging.getLogger(__name__)
_SIGNS_IN_TIME = 3  # how many signs of life fall into the time after which the supervisor takes it for dead


class Supervisor:
    """Who started this process, and wants to hear from it.

    Args:
        address: of its socket; None where there is none. One that begins with ``@`` is abstract.
        watchdog_s: seconds without a sign of life after which it ends the process; None: never.
    """

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = address
        self._watchdog_s = watchdog_s if address else None

    @classmethod
    def of(cls, environ: MutableMapping[str, str], pid: int) -> "Supervisor":
        """The one that the environment names; its variables are taken out, for they are not for those we start."""
        address = environ.pop("NOTIFY_SOCKET", None)
        micros, meant_for = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        watches = micros.isdigit() and int(micros) > 0 and meant_for in ("", str(pid))
        return cls(address or None, int(micros) / 1e6 if watches else None)

    @property
    def is_there(self) -> bool:
        """Whether anybody listens."""
        return self._address is not None

    def ready(self) -> None:
        """We serve."""
        self._tell("READY=1")

    def ending(self) -> None:
        """We were asked to end, or have to."""
        self._tell("STOPPING=1")

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Give signs of life from the loop that runs this, for as long as it turns."""
        if self._watchdog_s is None:
            yield
            return
        async with asyncio.TaskGroup() as group:
            living = group.create_task(self._live(self._watchdog_s / _SIGNS_IN_TIME), name="signs of life")
            try:
                yield
            finally:
                living.cancel()

    async def _live(self, every_s: float) -> None:
        while True:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(every_s)

    def _tell(self, what: str) -> None:
        """A datagram, or nothing: a supervisor that does not take it is no reason to stop."""
        if self._address is None:
            return
        path = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
                out.sendto(what.encode(), path)
        except OSError as error:
            _log.debug("the supervisor did not hear %s: %s", what, error)
