"""What is wrong with this machine, for people and for the scheduler: found by looking at it now and then.

Thresholds. A disk is nearly full with less than a tenth of it available (20 GiB at most), and full with less than a
fiftieth (1 GiB at most), by bytes or by inodes; looked at are the disks of the agent's own folder and of the runtime's
data. Memory is low with less than a twentieth available (512 MiB at most). What is over must be over by a quarter more
than that, so that nothing flickers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

import msgspec

from okube.model.quantities import format_bytes
from okube.model.wire import NodeCondition
from okube.worker.runtime.base import Runtime, RuntimeUnavailable

__all__ = ["Checkup", "DiskState", "MachineState", "disk_level", "is_memory_low"]

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
LEFTOVERS_EVERY_S = 60.0
LEFTOVERS_AGAIN_S = 10.0  # while there are some
_NEARLY, _NEARLY_BYTES = 0.10, 20 << 30
_FULL, _FULL_BYTES = 0.02, 1 << 30
_LOW, _LOW_BYTES = 0.05, 512 << 20
_OVER = 1.25

Level = Literal["", "disk-nearly-full", "disk-full"]


class DiskState(msgspec.Struct, frozen=True):
    """One disk as it is now: bytes, and inodes (0 of 0 where it counts none)."""

    path: str
    total: int
    available: int
    inodes: int = 0
    inodes_free: int = 0


class MachineState(msgspec.Struct, frozen=True):
    """What is looked at: each disk once, and memory in bytes."""

    disks: tuple[DiskState, ...] = ()
    memory: int = 0
    memory_available: int = 0


class Checkup:
    """Looks at machine and engine, and knows what is wrong; ``told`` is None before the first look.

    Args:
        runtime: its engine's disks, and what others left there.
        engine_trouble: what is wrong with the engine; empty while it answers.
        look: the machine's state; may raise OSError.
        living: ids of the clusters that have a living agent on this machine.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        engine_trouble: Callable[[], str],
        look: Callable[[], Awaitable[MachineState]],
        living: Callable[[], Awaitable[set[str]]],
    ) -> None:
        self._runtime = runtime
        self._engine_trouble = engine_trouble
        self._look = look
        self._living = living
        self._machine: dict[str, str] | None = None  # kind → sentence
        self._levels: dict[str, Level] = {}
        self._memory_low = False
        self._leftovers = ""

    @property
    def told(self) -> tuple[NodeCondition, ...] | None:
        """All that is wrong now."""
        if self._machine is None:
            return None
        found = dict(self._machine)
        if trouble := self._engine_trouble():
            found["engine-unreachable"] = trouble
        if self._leftovers:
            found["leftovers"] = self._leftovers
        return tuple(NodeCondition(kind, found[kind][:500]) for kind in sorted(found))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_machine(), name="condition of the machine")
            group.create_task(self._watch_leftovers(), name="leftovers of other clusters")

    async def _watch_machine(self) -> None:
        while True:
            try:
                found = self._judge(await self._look())
                _log_changes(self._machine or {}, found)
                self._machine = found
            except OSError as error:
                logger.warning("The state of this machine cannot be read: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _watch_leftovers(self) -> None:
        while True:
            try:
                foreign = await self._runtime.foreign()
                self._leftovers = describe_leftovers(foreign, await self._living())
            except RuntimeUnavailable as error:
                logger.debug("Nobody can say what others left: %s", error.detail)
                await asyncio.sleep(LEFTOVERS_AGAIN_S)
                continue
            await asyncio.sleep(LEFTOVERS_AGAIN_S if self._leftovers else LEFTOVERS_EVERY_S)

    def _judge(self, state: MachineState) -> dict[str, str]:
        self._levels = {disk.path: disk_level(disk, self._levels.get(disk.path, "")) for disk in state.disks}
        self._memory_low = is_memory_low(state, self._memory_low)
        found: dict[str, str] = {}
        for kind in ("disk-full", "disk-nearly-full"):
            disks = [disk for disk in state.disks if self._levels[disk.path] == kind]
            if disks:
                found[kind] = "; ".join(_describe(disk) for disk in disks)
        if self._memory_low:
            share = 100 * state.memory_available // max(state.memory, 1)
            found["memory-low"] = f"{share} % of {format_bytes(state.memory)} of memory are available"
        return found


def _log_changes(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    for kind in sorted(now.keys() - before.keys()):
        logger.warning("Condition %s: %s", kind, now[kind])
    for kind in sorted(before.keys() - now.keys()):
        logger.info("Condition %s is over", kind)


def disk_level(disk: DiskState, before: Level) -> Level:
    """How full a disk is; ``before`` is what was said of it last."""

    def below(share: float, most: int, *, was: bool) -> bool:
        factor = _OVER if was else 1.0
        few_bytes = disk.available < min(disk.total * share, most) * factor
        return few_bytes or disk.inodes_free < disk.inodes * share * factor

    if below(_FULL, _FULL_BYTES, was=before == "disk-full"):
        return "disk-full"
    return "disk-nearly-full" if below(_NEARLY, _NEARLY_BYTES, was=before != "") else ""


def is_memory_low(state: MachineState, before: bool) -> bool:
    """Whether the machine has little memory left; ``before`` is what was said last."""
    return state.memory_available < min(state.memory * _LOW, _LOW_BYTES) * (_OVER if before else 1.0)


def describe_leftovers(foreign: Mapping[str, tuple[int, int]], living: set[str]) -> str:
    """A sentence on what clusters without an agent here have left; empty for nothing."""
    dead = {cluster_id: left for cluster_id, left in foreign.items() if cluster_id not in living}
    if not dead:
        return ""
    whose = ", ".join(f"{cluster_id[:12]} ({_count(*left)})" for cluster_id, left in list(dead.items())[:3])
    more = f" and {len(dead) - 3} more" if len(dead) > 3 else ""
    example = next(iter(dead))
    return (
        f"left by clusters that have no agent here: {whose}{more}; look with "
        f"docker ps -a --filter label=okube.cluster={example} and docker volume ls with the same filter, and "
        "remove what nobody needs"
    )


def _count(containers: int, volumes: int) -> str:
    words: Sequence[tuple[int, str]] = ((containers, "container"), (volumes, "volume"))
    return ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in words if number)


def _describe(disk: DiskState) -> str:
    """In whole percents, so that the sentence stays while nothing much happens."""
    if disk.total and disk.available / disk.total > _NEARLY:
        return f"{disk.path} has {100 * disk.inodes_free // max(disk.inodes, 1)} % of its inodes left"
    return f"{disk.path} has {100 * disk.available // max(disk.total, 1)} % of {format_bytes(disk.total)} left"
