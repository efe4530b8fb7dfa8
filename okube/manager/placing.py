"""The leader's loop that gives pending tasks their nodes, a few thousand at a time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from okube.manager.changes import Changes
from okube.manager.core import ManagerCore
from okube.manager.fencing import in_epoch
from okube.manager.liveness import Liveness
from okube.manager.nodetable import NodeRows
from okube.manager.placement import plan_placement_in_slices
from okube.manager.preempting import plan_preemption_in_slices
from okube.manager.scheduling import policy_in
from okube.manager.slices import in_turns
from okube.manager.survey import Survey
from okube.manager.topology import topology_in
from okube.manager.waiting import Waiting
from okube.model.commands import Command, PlaceTasks, WithdrawTasks
from okube.model.task import Task

__all__ = ["Placing"]

_AT_ONCE = 3000
"""Tasks in one plan: the more, the less what is worked out for all nodes costs each; the fewer, the sooner the first
have their nodes. While so many were not tried yet no more are made: they would only wait."""
_GATHERED_S = 0.25  # for so long a plan waits until so many are there, while more are being made
_FULL_PASS_S = 10.0
_REJECTED_S = 0.05
_LONGEST_HELD_UP_S = 0.5


class Placing:
    """Plans for what waits whenever there is a reason, and proposes what was planned."""

    def __init__(
        self,
        core: ManagerCore,
        changes: Changes,
        liveness: Liveness,
        survey: Survey,
        propose: Callable[[list[Command]], Awaitable[None]],
    ) -> None:
        self._core = core
        self._changes = changes
        self._liveness = liveness
        self._survey = survey
        self._propose = propose
        self._fewer = asyncio.Event()
        self._enough = asyncio.Event()
        self._more_come = False
        self._waiting = Waiting(core.tables)
        self._rows = NodeRows(core.tables)
        self.plans = 0  # how often nodes were looked through for tasks

    def close(self) -> None:
        """Follow the tables no more."""
        self._waiting.close()

    def look_again(self) -> None:
        """There may be room that the tables do not tell of: a node is heard again, or settings changed."""
        self._waiting.look_again()
        self._changes.placement_changed.set()

    async def keep_up(self) -> None:
        """Wait, though not for long, while many tasks that were just made wait for their first try."""
        if self._waiting.backlog < _AT_ONCE:
            return
        self._fewer.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_HELD_UP_S):
                await self._fewer.wait()

    def more_come(self, *, more: bool) -> None:
        """Whether tasks of further services may be made in a moment."""
        self._more_come = more
        if not more or self._waiting.backlog >= _AT_ONCE:
            self._enough.set()

    async def run(self) -> None:
        """Place until cancelled."""
        clock, changed = self._core.clock, self._changes.placement_changed
        await in_turns(self._waiting.begin())
        full_pass_at = clock.monotonic() + _FULL_PASS_S
        while True:
            changed.clear()
            measured = clock.monotonic() >= full_pass_at
            if measured:
                full_pass_at = clock.monotonic() + _FULL_PASS_S
                if self._core.extensions.filters:
                    self._waiting.look_again()  # nobody knows what somebody else's filter goes by
            await self._gather()
            tasks = self._waiting.take(clock.time_ms(), most=_AT_ONCE, measured=measured)
            self._fewer.set()
            rejected = await self._place(tasks) if tasks else 0
            if rejected:
                await asyncio.sleep(_REJECTED_S)  # what fits nowhere is not tried anew for each of many changes
            if not self._waiting.is_any_due:
                await self._wait(full_pass_at)

    async def _gather(self) -> None:
        """Wait a moment for more tasks, while more of them are made: what is worked out for all nodes is for all."""
        if not self._more_come or not 0 < self._waiting.backlog < _AT_ONCE:
            return
        self._enough.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHERED_S):
                await self._enough.wait()

    async def _place(self, tasks: list[Task]) -> int:
        """Plan for these and have it done; how many fit nowhere."""
        core, tables = self._core, self._core.tables
        filters, network = core.extensions.filters, partial(topology_in, tables, self._survey)
        began, unsure = core.clock.monotonic(), self._liveness.unsure()
        self.plans += 1
        try:
            nodes = await in_turns(self._rows.table_in_slices(unsure))
            await asyncio.sleep(0)
            planned = await in_turns(
                plan_placement_in_slices(
                    tables,
                    core.clock.time_ms(),
                    unsure,
                    policy=policy_in(tables, core.extensions),
                    filters=filters,
                    network=network,
                    waiting=tasks,
                    nodes=nodes,
                )
            )
            self._note(planned, core.clock.monotonic() - began)
            await self._propose(in_epoch(planned, core.epoch, tables.settings.command_version))
        except BaseException:
            self._waiting.try_again(task.id for task in tasks)
            raise
        for command in planned:
            if isinstance(command, PlaceTasks):
                self._waiting.try_again(command.ids)  # what was passed over, for it was not true any more
        await self._propose(
            [*await in_turns(plan_preemption_in_slices(tables, core.clock.time_ms(), filters, network))]
        )
        left = (tables.tasks.get(task.id) for task in tasks)
        return sum(task is not None and task.state == "pending" for task in left)

    def _note(self, commands: list[Command], seconds: float) -> None:
        metrics = self._core.metrics
        metrics.placement_seconds.observe(seconds)
        metrics.placed.inc(sum(len(c.ids) for c in commands if isinstance(c, PlaceTasks)))
        metrics.rejected.inc(sum(len(c.ids) for c in commands if isinstance(c, WithdrawTasks)))

    async def _wait(self, full_pass_at: float) -> None:
        """Until something changes that may make room, or a moment comes."""
        now_ms = self._core.clock.time_ms()
        next_ms = self._waiting.next_start_ms(now_ms)
        pause_s = full_pass_at - self._core.clock.monotonic()
        if next_ms is not None:
            pause_s = min(pause_s, (next_ms - now_ms) / 1000 + 0.001)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, pause_s)):
                await self._changes.placement_changed.wait()
