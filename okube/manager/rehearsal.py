"""What the cluster would do: the leader's own planners on tables of their own, with agents that obey at once. Pure.

Nothing here decides where a task goes or when: reconcile, placement and preemption are those of the leader. Only what
the world does between their steps is made up: a task that is placed runs and is ready, one that is to stop has
stopped, and time passes when nothing else happens.
"""

import itertools
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import msgspec

from okube.manager.placement import next_start_ms, plan_placement_in_slices
from okube.manager.preempting import plan_preemption_in_slices
from okube.manager.reconcile import plan_orphans, plan_service_in_slices
from okube.manager.rollout import is_emptied, is_out_of_place
from okube.manager.survey import Survey
from okube.manager.topology import topology_in
from okube.model.commands import Command, StopTasks
from okube.model.service import Service
from okube.model.task import Reason, Task, TaskState
from okube.scheduler import SPREAD, Policy
from okube.scheduler.rules import Filter
from okube.scheduler.topology import Topology
from okube.state import Tables, carry_out
from okube.state.readiness import services_awaited
from okube.state.tables import Row
from okube.state.tasks import end_task, is_lost

__all__ = ["Rehearsal", "Surroundings"]

_MOST_ROUNDS = 1000
_HORIZON_MS = 3_600_000
_ONE_BY_ONE = 24
_TASKS_AT_ONCE = 2000
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the leader decides by beside the tables; without a survey only declared round trips are known.

    ``unsure`` are nodes that are silent, as for ``plan_placement``.
    """

    policy: Policy = SPREAD
    filters: Sequence[Filter] = ()
    survey: Survey | None = None
    unsure: Mapping[str, str] = field(default_factory=lambda: _NONE)


class Rehearsal:
    """One course of events on ``tables``, which are its own: see ``okube.state.fork``.

    ``first`` and ``last`` have the rows of every task that changed since ``begin``: as it was then (None: it was not
    there), and as it was seen last.
    """

    def __init__(self, tables: Tables, now_ms: int, around: Surroundings) -> None:
        self.tables = tables
        self.now_ms = now_ms
        self.around = around
        self.first: dict[str, Task | None] = {}
        self.last: dict[str, Task] = {}
        self.settled = True
        self.stand_ins: dict[str, str] = {}  # nodes that are but thought of, and others in whose place they would be
        self._marked: dict[str, None] = {}  # services to be planned
        self._unsettled: dict[str, None] = {}  # tasks for whose agents there is something to do
        self._again_ms: dict[str, int] = {}
        self._numbers = itertools.count(1)
        tables.observers.append(self._changed)

    def network(self) -> Topology:
        """What is known between the nodes, in the order of their names."""
        return topology_in(self.tables, self.around.survey, self.stand_ins)

    def begin(self) -> Generator[None, None, None]:
        """Let what is under way come to its end; what changes from here on is told."""
        for count, task in enumerate(list(self.tables.tasks.values())):
            if count % _TASKS_AT_ONCE == _TASKS_AT_ONCE - 1:
                yield
            if task.state in ("pending", "scheduled") or (task.desired == "stop" and not task.ended):
                self._note(task)
        for service in self.tables.services.values():
            sums = self.tables.sums_of(service)
            if sums.done != sums.total:
                self._marked[service.id] = None
        yield from self.settle()
        self.first.clear()
        self.last.clear()

    def carry_out(self, *commands: Command) -> None:
        """Do what somebody might ask for. Raises OkubeError where the cluster would refuse it."""
        for command in commands:
            carry_out(self.tables, command, self.now_ms)
            self.tables.changes.clear()

    def settle(self) -> Generator[None, None, None]:
        """Until nothing changes any more by itself; ``settled`` is False where that takes too long."""
        until_ms = self.now_ms + _HORIZON_MS
        for _ in range(_MOST_ROUNDS):
            before = self.tables.revision
            yield from self._reconcile()
            yield from self._place()
            self._obey()
            if self.tables.revision == before and not self._time_passes(until_ms):
                return
        self.settled = False

    def _reconcile(self) -> Generator[None, None, None]:
        marked, self._marked = self._marked, {}
        for service_id in marked:
            service = self.tables.services.get(service_id)
            if service is None:
                continue
            self._hurry(service)
            plan = yield from plan_service_in_slices(self.tables, service, self.now_ms, self._new_id)
            self.carry_out(*plan.commands)
            if plan.again_in_ms is not None:
                self._again_ms[service_id] = self.now_ms + plan.again_in_ms
            yield
        self.carry_out(*plan_orphans(self.tables))

    def _place(self) -> Generator[None, None, None]:
        around, network = self.around, self.network
        commands = yield from plan_placement_in_slices(
            self.tables,
            self.now_ms,
            around.unsure,
            policy=around.policy,
            filters=around.filters,
            network=network,
        )
        self.carry_out(*commands)
        preempting = yield from plan_preemption_in_slices(self.tables, self.now_ms, around.filters, network)
        self.carry_out(*preempting)

    def _hurry(self, service: Service) -> None:
        """Of a service that has many tasks to replace, a share goes at once: one by one would take for ever."""
        running = (task for task in self.tables.tasks_of(service.id) if task.desired == "run" and not task.ended)
        leaving = [t for t in running if t.state != "pending" and is_out_of_place(self.tables, service, t, self.now_ms)]
        if len(leaving) <= _ONE_BY_ONE:
            return
        reasons: dict[Reason, list[str]] = {}
        for task in leaving[: len(leaving) // _ONE_BY_ONE + 1]:
            emptied = is_emptied(self.tables.nodes[task.node or ""]) and task.version == service.version
            if not is_lost(self.tables, task):
                reasons.setdefault("drained" if emptied else "superseded", []).append(task.id)
        self.carry_out(*(StopTasks(tuple(ids), reason) for reason, ids in reasons.items()))

    def _obey(self) -> None:
        """Agents start what they should run and end what they should not, where they live."""
        unsettled, self._unsettled = self._unsettled, {}
        for task_id in unsettled:
            task = self.tables.tasks.get(task_id)
            if task is None or task.ended or task.node is None or is_lost(self.tables, task):
                continue
            if task.desired == "stop":
                state: TaskState = "failed" if task.stop_reason == "preempted" else "completed"
                said = task.gave_way if isinstance(task.gave_way, str) else ""
                end_task(self.tables, task, state, task.stop_reason or "stopped", said, self.now_ms)
            elif task.state == "scheduled":
                runs = partial(msgspec.structs.replace, task, state="running", ready=True)
                self.tables.put_task(runs(started_ms=self.now_ms, ready_ms=self.now_ms))
            elif task.state == "running" and self._is_awaited_job(task):
                end_task(self.tables, task, "completed", "exit-code", "", self.now_ms)
        self.tables.changes.clear()

    def _is_awaited_job(self, task: Task) -> bool:
        """Whether others start when this one has come to its end, which jobs do and nothing else."""
        return self.tables.spec_of(task).mode == "job" and task.service_id in services_awaited(self.tables)

    def _time_passes(self, until_ms: int) -> bool:
        """On to the next moment at which something happens although nothing has changed, if there is one."""
        next_ms = min(
            (when for when in (next_start_ms(self.tables, self.now_ms), *self._again_ms.values()) if when is not None),
            default=None,
        )
        if next_ms is None or next_ms > until_ms:
            return False
        self.now_ms = max(self.now_ms, next_ms)
        due = [service_id for service_id, when in self._again_ms.items() if when <= self.now_ms]
        for service_id in due:
            del self._again_ms[service_id]
            self._marked[service_id] = None
        return True

    def _new_id(self) -> str:
        return f"~{next(self._numbers)}"

    def _changed(self, table: str, old: Row | None, new: Row | None) -> None:
        if table == "nodes":
            self._marked.update(dict.fromkeys(self.tables.services))
        elif isinstance(new, Service):
            self._marked[new.id] = None
        elif isinstance(new, Task) or isinstance(old, Task):
            was, now = (row if isinstance(row, Task) else None for row in (old, new))
            self._keep(was, now)
            if now is not None:
                self._note(now)
            elif was is not None:
                self._marked[was.service_id] = None

    def _keep(self, was: Task | None, now: Task | None) -> None:
        row = now or was
        assert row is not None
        self.first.setdefault(row.id, was)
        self.last[row.id] = row

    def _note(self, task: Task) -> None:
        self._marked[task.service_id] = None
        if task.node is not None and not task.ended:
            self._unsettled[task.id] = None
