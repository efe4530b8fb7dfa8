"""Agents that the leader's own process stands in for: every order is taken as read, and nothing runs."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import msgspec

from okube.bench.stalls import Stall, Stalls
from okube.manager.core import ManagerCore
from okube.manager.leader import Leader
from okube.manager.slices import slices
from okube.model.commands import Command, RegisterNode
from okube.model.errors import OkubeError
from okube.model.node import Node
from okube.model.wire import Assignment, AssignmentAnswer
from okube.state.queries import count_tasks

__all__ = ["Figures", "InLeader", "TakenAsRead", "read_figures"]

_AT_ONCE = 250
_TELL_S = 0.5
_ZONES = 20


class Figures(msgspec.Struct, frozen=True):
    """What a manager of the bench says of itself, now and then, in a file of its folder."""

    leads: bool
    term: int
    revision: int
    nodes: int
    tasks: dict[str, int]
    orders: int  # requests that agents would have got
    ordered: int  # tasks in them
    stalls: tuple[Stall, ...]


def read_figures(path: Path) -> Figures | None:
    """What was said last; None before it was for the first time."""
    return msgspec.json.decode(path.read_bytes(), type=Figures) if path.exists() else None


class TakenAsRead:
    """Calls to agents that nobody is called by: each takes what it is told, at once."""

    def __init__(self) -> None:
        self.orders = 0
        self.ordered = 0

    async def assign(self, node: Node, assignment: Assignment) -> AssignmentAnswer:
        """Accepted."""
        del node
        self.orders += 1
        self.ordered += len(assignment.tasks)
        return AssignmentAnswer(assignment.epoch, assignment.revision, True)

    async def probe(self, node: Node) -> bool:
        """It lives."""
        del node
        return True

    async def logs(self, node: Node, task_id: str, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
        """Nothing was written."""
        del node, task_id, query
        yield b""


class InLeader:
    """Stands in for the agents of so many nodes, and writes ``Figures`` to a file; see ``StandIn``."""

    def __init__(self, nodes: int, figures: Path) -> None:
        self.calls = TakenAsRead()
        self._nodes = nodes
        self._figures = figures
        self._stalls = Stalls()

    async def run(self, core: ManagerCore, leader: Callable[[], Leader | None]) -> None:
        """Register the nodes and keep them ready while this manager leads."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stalls.watch())
            group.create_task(self._tell(core))
            while True:
                leading = leader()
                if leading is not None:
                    await self._keep_ready(core, leading)
                await asyncio.sleep(_TELL_S)

    async def _keep_ready(self, core: ManagerCore, leading: Leader) -> None:
        numbers = [number for number in range(self._nodes) if _name(number) not in core.tables.nodes]
        try:
            for part in slices(numbers, _AT_ONCE):
                await core.propose([_register(number) for number in part])
        except OkubeError:
            return  # it leads no more, or will soon know
        for names in slices(list(core.tables.nodes), _AT_ONCE):
            for name in names:
                leading.liveness.heard(name)
            await asyncio.sleep(0)

    async def _tell(self, core: ManagerCore) -> None:
        while True:
            said = Figures(
                leads=core.leads,
                term=core.epoch.term,
                revision=core.tables.revision,
                nodes=len(core.tables.nodes),
                tasks=count_tasks(core.tables),
                orders=self.calls.orders,
                ordered=self.calls.ordered,
                stalls=self._stalls.longest,
            )
            new = self._figures.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(said))
            new.rename(self._figures)
            await asyncio.sleep(_TELL_S)


def _name(number: int) -> str:
    return f"node-{number:05}"


def _register(number: int) -> Command:
    return RegisterNode(
        name=_name(number),
        instance=f"i{number:011x}",
        address=f"198.51.100.{number % 250}:{10_000 + number // 250}",
        labels={"disk": "ssd" if number % 2 else "hdd"},
        zone=f"zone-{number % _ZONES:02}",
        cores=32.0,
        memory=64 << 30,
        disk=1 << 40,
        runtime="process",
        software="bench",
        knows=5,
    )
