"""What users hold open (watches, logs, commands in tasks): it ends when its user is gone, or may do something else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from okube.manager.api.caller import Caller, of_user
from okube.manager.core import ManagerCore

__all__ = ["Held"]


class Held:
    """The reads of users that are under way at one manager, each with what ends it."""

    def __init__(self, core: ManagerCore) -> None:
        self._core = core
        self._open: dict[asyncio.Timeout, Caller] = {}
        self._seen = 0
        core.raft.subscribe_applied(lambda _: self._look())
        core.machine.restored.append(self._end_what_should)

    @contextmanager
    def holding(self, caller: Caller, scope: asyncio.Timeout) -> Iterator[None]:
        """End ``scope`` when the caller is not any more who they were."""
        self._open[scope] = caller
        try:
            yield
        finally:
            del self._open[scope]

    def _look(self) -> None:
        """After each entry that was applied: most change no users."""
        changes = self._core.tables.users.changes
        if changes != self._seen:
            self._seen = changes
            self._end_what_should()

    def _end_what_should(self) -> None:
        users = self._core.tables.users
        for scope, caller in self._open.items():
            user = users.get(caller.name)
            if user is None or of_user(user) != caller:
                scope.reschedule(asyncio.get_running_loop().time())
