"""Whatever happens in whatever order, the agent ends with exactly what the newest assignment holds."""

import asyncio
from typing import Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.epoch import Epoch
from okube.model.wire import AssignedTask, Assignment
from tests.simulation.loop import run_virtual
from tests.unit.worker.machine import Machine, a_task

POLICIES = ("always", "on-failure", "on-failure:1", "never", "always")
TASKS = tuple(f"t{n}" for n in range(len(POLICIES)))
Stage = Literal["new", "run", "stop", "ended", "gone"]
NEXT: dict[Stage, Stage] = {"new": "run", "run": "stop", "stop": "ended", "ended": "gone", "gone": "gone"}

tasks = st.sampled_from(TASKS)
event = st.one_of(
    st.tuples(st.just("advance"), tasks),
    st.tuples(st.just("drop"), tasks),
    st.tuples(st.just("die"), tasks, st.sampled_from([0, 1, 137, None])),
    st.tuples(st.just("vanish"), tasks),
    st.tuples(st.just("elect")),
    st.tuples(st.just("send old"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.004, 0.02, 0.3, 12.0])),
    st.tuples(st.just("crash")),
    st.tuples(st.just("crash at"), st.integers(1, 30)),
    st.tuples(st.just("engine"), st.booleans()),
    st.tuples(st.just("deaf"), st.booleans()),
    st.tuples(st.just("managers"), st.booleans()),
    st.tuples(st.just("disk full"), st.booleans()),
)


class World:
    """A machine, and a leader that knows what it wants of it."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.stages: dict[str, Stage] = dict.fromkeys(TASKS, "new")
        self.deaths = dict.fromkeys(TASKS, 0)
        self.epoch = Epoch(1, 1)
        self.contact = Epoch()
        self.revision = 0
        self.agreed: int | None = None
        self.sent: list[Assignment] = []
        self._fuse = 0

    async def boot(self) -> None:
        self._fuse = 0
        await self.machine.boot(self._gate)

    def _gate(self, call: str) -> None:
        """Kills the agent at the n-th call, whether it is before or after the call's effect."""
        if self._fuse:
            self._fuse -= 1
            if not self._fuse:
                self.machine.crash()
                raise asyncio.CancelledError

    async def happen(self, name: str, *args: object) -> None:
        if self.machine.crashed:
            await self.boot()
        machine, engine = self.machine, self.machine.engine
        match name, *args:
            case "advance", str(task_id):
                self.stages[task_id] = NEXT[self.stages[task_id]]
                await self.send()
            case "drop", str(task_id) if self.stages[task_id] != "new":
                self.stages[task_id] = "gone"
                await self.send()
            case "die", str(task_id), code if task_id in engine.tasks("running"):
                self.deaths[task_id] += 1
                engine.end(task_id, code)  # type: ignore[arg-type]  # an exit code or None
            case "vanish", str(task_id) if task_id in engine.tasks():
                self.deaths[task_id] += 1
                engine.vanish(task_id)
            case ("elect",):
                self.epoch = Epoch(1, self.epoch.term + 1)
                self.agreed = None
                machine.managers.epoch = self.epoch
            case "send old", int(back) if self.sent:
                await self.send_old(self.sent[-1 - back % len(self.sent)])
            case "wait", float(seconds):
                await asyncio.sleep(seconds)
            case ("crash",):
                machine.crash()
            case "crash at", int(count):
                self._fuse = count
            case "engine", bool(up):
                engine.up = up
            case "deaf", bool(deaf):
                engine.deaf = deaf
            case "managers", bool(up):
                machine.managers.up = up
            case "disk full", bool(full):
                machine.disk.full = full

    async def send(self) -> None:
        """The newest assignment: a delta where the agent is known to have its base, else whole."""
        self.revision += 1
        whole = Assignment("w1", "i1", self.epoch, self.revision, None, self.tasks(), (), self.ended())
        self.sent.append(whole)
        if self.agreed is None:
            await self.put(whole)
            return
        dropped = tuple(t for t, stage in self.stages.items() if stage in ("ended", "gone"))
        await self.put(msgspec.structs.replace(whole, base=self.agreed, dropped=dropped))

    async def send_whole(self) -> None:
        """The whole assignment, to an agent that must take it."""
        self.agreed = None
        await self.send()
        assert self.agreed == self.revision

    async def send_old(self, old: Assignment) -> None:
        """A deposed leader, or a delayed packet."""
        before = self.machine.agent.holdings
        known = max(self.contact, before.fence or Epoch())
        answer = await self._accept(old)
        if answer is not None and answer[0]:
            assert old.epoch >= known
            assert old.revision >= before.revision or old.epoch > before.epoch

    async def put(self, assignment: Assignment) -> None:
        answer = await self._accept(assignment)
        accepted = answer is not None and answer[0]
        self.agreed = assignment.revision if accepted else None
        if accepted:
            self.contact = max(self.contact, assignment.epoch)

    async def _accept(self, assignment: Assignment) -> tuple[bool, str] | None:
        """What the agent answers; None if it died over it."""
        call = asyncio.ensure_future(self.machine.agent.accept(assignment))
        try:
            answer = await call
        except asyncio.CancelledError:
            if not self.machine.crashed:
                raise
            return None
        return answer.accepted, answer.message

    def tasks(self) -> tuple[AssignedTask, ...]:
        return tuple(
            a_task(task_id, restart=policy, desired=self.stages[task_id], stop_reason="stopped")
            for task_id, policy in zip(TASKS, POLICIES, strict=True)
            if self.stages[task_id] in ("run", "stop")
        )

    def ended(self) -> tuple[str, ...]:
        return tuple(task_id for task_id, stage in self.stages.items() if stage == "ended")

    def at_rest(self) -> bool:
        return all(self._is_right(task_id, policy) for task_id, policy in zip(TASKS, POLICIES, strict=True))

    def _is_right(self, task_id: str, policy: str) -> bool:
        engine = self.machine.engine
        running, there = task_id in engine.tasks("running"), task_id in engine.tasks()
        report = self.machine.reports.get(task_id)
        match self.stages[task_id]:
            case "new" | "gone":
                return not there
            case "ended":
                return not running
            case "stop":
                return not running and report is not None and report.state in ("completed", "failed")
            case "run":
                over = not running and report is not None and report.state in ("completed", "failed")
                ready = running and report is not None and report.ready
                return ready or (over and policy != "always")


async def converges(events: list[tuple[object, ...]]) -> None:
    world = World()
    machine, engine = world.machine, world.machine.engine
    await world.boot()
    for name, *args in events:
        await world.happen(str(name), *args)
        held = [container.task_id for container in engine.containers.values()]
        assert len(held) == len(set(held)), "a task has two containers"
    machine.disk.full, engine.up, engine.deaf, machine.managers.up = False, True, False, True
    if machine.crashed:
        await world.boot()
    world._fuse = 0
    await asyncio.sleep(2)
    await world.send_whole()
    await machine.until(world.at_rest, within_s=900)
    for task_id, runs in engine.runs.items():
        assert runs <= 1 + world.deaths[task_id], "a container was restarted that had not ended"
        report = machine.reports.get(task_id)
        assert report is None or report.restarts <= world.deaths[task_id], "a restart was counted that was none"
        assert runs == 1 or POLICIES[TASKS.index(task_id)] != "never", "what should never restart did"
    await asyncio.sleep(30)
    before = len(engine.calls)
    await asyncio.sleep(30)
    assert {name for name, _ in engine.calls[before:]} == {"list"}, "an agent at rest does something"
    machine.crash()


@settings(max_examples=300, deadline=None)
@given(st.lists(event, max_size=40))
def test_the_agent_converges_to_the_newest_assignment(events: list[tuple[object, ...]]) -> None:
    run_virtual(converges(events))
