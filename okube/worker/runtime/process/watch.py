"""Knowing at once when a shim has ended, without looking again and again."""

import asyncio
import logging
import os
from collections.abc import Callable

from okube.worker.runtime.pids import Identity, open_pidfd

__all__ = ["ShimWatch", "has_ended"]

log = logging.getLogger(__name__)


class ShimWatch:
    """Calls ``on_end(container id)`` when a shim that it watches ends; holds one file descriptor for each."""

    def __init__(self, on_end: Callable[[str], None]) -> None:
        self._on_end = on_end
        self._watched: dict[str, tuple[Identity, int]] = {}

    def watch(self, container_id: str, shim: Identity) -> bool:
        """From now on, once; False if it has ended already."""
        known = self._watched.get(container_id)
        if known is not None and known[0] == shim:
            return True
        try:
            fd = open_pidfd(shim)
        except OSError as error:
            log.warning("the end of %s will be seen late: it cannot be watched (%s)", container_id, error)
            return True
        if fd is None:
            return False
        self._drop(container_id)
        self._watched[container_id] = (shim, fd)
        asyncio.get_running_loop().add_reader(fd, self._ended, container_id)
        return True

    def close(self) -> None:
        """Watch nothing any more."""
        for container_id in list(self._watched):
            self._drop(container_id)

    def _ended(self, container_id: str) -> None:
        self._drop(container_id)
        self._on_end(container_id)

    def _drop(self, container_id: str) -> None:
        known = self._watched.pop(container_id, None)
        if known is not None:
            asyncio.get_running_loop().remove_reader(known[1])
            os.close(known[1])


async def has_ended(process: Identity, *, within_s: float) -> bool:
    """Whether a process has ended, or does so in time."""
    fd = open_pidfd(process)
    if fd is None:
        return True
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        async with asyncio.timeout(within_s):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(fd)
        os.close(fd)
    return True
