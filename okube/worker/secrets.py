"""Fetching what tasks are given, when they start and when it was rotated: from the managers into files in memory."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from okube.model.errors import OkubeError, Unreachable
from okube.model.mounts import MountKind
from okube.model.wire import AssignedTask
from okube.worker.calls import ManagerCalls
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.provided import NOTHING, Provided
from okube.worker.secretfiles import SecretFiles
from okube.worker.secretplace import NoPlace

__all__ = ["InThread", "NotGiven", "Secrets"]

logger = logging.getLogger(__name__)

_AT_ONCE = 8
P = ParamSpec("P")
T = TypeVar("T")


class InThread(Protocol):
    """``asyncio.to_thread``, or what stands for it."""

    def __call__(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """What ``func`` returns or raises."""


class NotGiven(OkubeError):
    """A value cannot be had now, so its task waits: that is no fault of the task."""

    kind = "not-given"


class Secrets:
    """What lies ready for the tasks of one agent.

    A value is held in memory from its fetch until its file is written, and never logged.

    Args:
        calls: to the managers.
        place: names the folder for the files; raises NoPlace where the machine has none.
        in_thread: runs what blocks.
    """

    def __init__(self, calls: ManagerCalls, place: Callable[[], Path], in_thread: InThread = asyncio.to_thread) -> None:
        self._calls = calls
        self._in_thread = in_thread
        self._place = place
        self._opened: SecretFiles | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._locks: dict[str, asyncio.Lock] = {}
        self.laid: set[str] = set()

    async def load(self) -> None:
        """See what the agent before this one laid ready: those tasks need nothing fetched, or are to be cleared."""
        try:
            self.laid = await self._run(self._files().laid)
        except NoPlace as error:
            logger.info("%s; until then no task that needs one can run here", error.detail)

    async def ready(self, task: AssignedTask) -> Provided:
        """Everything that the task is given lies ready when this returns; what lies ready already is not fetched.

        Raises:
            NotGiven: no manager gives a value now, or there is no room for it.
            RuntimeFailure: ``start-failed``: this node, or this value, can never do.
        """
        if not task.spec.all_mounts:
            return NOTHING
        async with self._locks.setdefault(task.id, asyncio.Lock()), self._turns:
            try:
                files = self._files()
                found = await self._run(files.provided, task)
                if found is not None:
                    return found
                self.laid.add(task.id)
                return await self._run(files.lay, task, await self._fetch(task))
            except NoPlace as error:
                raise RuntimeFailure("start-failed", error.detail) from error
            except OSError as error:
                raise NotGiven(f"waits, for its secrets cannot be kept in memory: {error.strerror}") from error

    async def drop(self, task_id: str) -> None:
        """Remove what a task was given: it has ended for good, or is none of this node's any more."""
        async with self._locks.setdefault(task_id, asyncio.Lock()):
            await self._run(self._files().drop, task_id)
            self.laid.discard(task_id)
        self._locks.pop(task_id, None)

    async def _fetch(self, task: AssignedTask) -> dict[tuple[MountKind, str], bytes]:
        given = task.spec.given(task.mounted)
        if len(given) < len(task.spec.all_mounts):
            raise NotGiven("the leader has not said which versions of its secrets and configs it gets")
        return {(one.kind, one.mount.name): await self._value(one.kind, one.mount.name, one.version) for one in given}

    async def _value(self, kind: MountKind, name: str, version: int) -> bytes:
        try:
            return await self._calls.value(kind, name, version)
        except Unreachable as error:
            raise NotGiven(f"waits for {kind} {name}, version {version}: {error.detail}") from error

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` returns or raises, from a thread; who is cancelled meanwhile waits until it has ended.

        Else its files would appear after those who were told to remove them had looked.
        """
        call = asyncio.ensure_future(self._in_thread(function, *args, **kwargs))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            await asyncio.wait([call])
            raise

    def _files(self) -> SecretFiles:
        if self._opened is None:
            self._opened = SecretFiles(self._place())
        return self._opened
