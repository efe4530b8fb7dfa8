"""What an agent finds wrong with its machine, and what it says of it."""

import asyncio

import pytest

from okube.model.wire import NodeCondition
from okube.worker.conditions import DiskState, Level, MachineState, describe_leftovers, disk_level, is_memory_low
from tests.unit.worker.machine import Machine, a_task, with_machine

GIB = 1 << 30


def a_disk(available: float, *, total: float = 100.0, inodes: int = 0, inodes_free: int = 0) -> DiskState:
    return DiskState("/data", int(total * GIB), int(available * GIB), inodes, inodes_free)


@pytest.mark.parametrize(
    ("disk", "before", "level"),
    [
        (a_disk(50), "", ""),
        (a_disk(9.9), "", "disk-nearly-full"),
        (a_disk(11), "", ""),
        (a_disk(11), "disk-nearly-full", "disk-nearly-full"),
        (a_disk(12.6), "disk-nearly-full", ""),
        (a_disk(0.9), "", "disk-full"),
        (a_disk(1.1), "", "disk-nearly-full"),
        (a_disk(1.1), "disk-full", "disk-full"),
        (a_disk(1.3), "disk-full", "disk-nearly-full"),
        (a_disk(19, total=1000), "", "disk-nearly-full"),
        (a_disk(21, total=1000), "", ""),
        (a_disk(0.001, total=0.03), "", "disk-nearly-full"),
        (a_disk(0.0005, total=0.03), "", "disk-full"),
        (a_disk(50, inodes=1000, inodes_free=90), "", "disk-nearly-full"),
        (a_disk(50, inodes=1000, inodes_free=10), "", "disk-full"),
        (a_disk(50, inodes=1000, inodes_free=500), "", ""),
    ],
)
def test_a_disk_is_judged_by_bytes_and_inodes_and_does_not_flicker(
    disk: DiskState, before: Level, level: Level
) -> None:
    assert disk_level(disk, before) == level


def test_memory_is_low_with_little_available_and_does_not_flicker() -> None:
    def low(available_mib: int, *, before: bool = False) -> bool:
        return is_memory_low(MachineState((), 8 * GIB, available_mib << 20), before)

    assert (low(300), low(600), low(500, before=True), low(600, before=True)) == (True, False, True, False)


def test_leftovers_are_those_of_clusters_without_an_agent_here() -> None:
    foreign = {"a" * 32: (2, 1), "b" * 32: (0, 1), "c" * 32: (1, 0)}
    said = describe_leftovers(foreign, {"c" * 32})
    assert "aaaaaaaaaaaa (2 containers, 1 volume), bbbbbbbbbbbb (1 volume);" in said
    assert f"docker ps -a --filter label=okube.cluster={'a' * 32}" in said
    assert "cccc" not in said
    assert describe_leftovers(foreign, set(foreign)) == ""


@with_machine
async def test_what_is_wrong_goes_with_the_next_heartbeat_and_so_does_its_end(machine: Machine) -> None:
    await asyncio.sleep(10)
    assert _told(machine) == {}
    machine.state = MachineState((a_disk(0.5),), 8 * GIB, 4 * GIB)
    machine.engine.foreign = {"d" * 32: (1, 0)}
    await asyncio.sleep(70)
    assert set(_told(machine)) == {"disk-full", "leftovers"}
    assert _told(machine)["disk-full"] == "/data has 0 % of 100.0 GiB left"
    machine.state = MachineState((a_disk(50),), 8 * GIB, 4 * GIB)
    machine.engine.foreign = {}
    await asyncio.sleep(15)
    assert _told(machine) == {}


@with_machine
async def test_an_engine_that_hangs_is_known_within_seconds_and_so_is_its_return(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await asyncio.sleep(5)
    machine.engine.silent_calls = {"ping", "list"}
    machine.engine.latency_by_call |= {"ping": 4.0, "list": 30.0}
    await asyncio.sleep(14)
    assert "does not answer" in _told(machine)["engine-unreachable"]
    assert "does not answer" in machine.reports["t1"].message
    machine.engine.silent_calls = set()
    machine.engine.latency_by_call.clear()
    await asyncio.sleep(40)  # until the calls that hang are over
    assert _told(machine) == {}
    assert machine.reports["t1"].message == ""
    assert machine.engine.runs == {"t1": 1}


def _told(machine: Machine) -> dict[str, str]:
    conditions: tuple[NodeCondition, ...] | None = machine.managers.heartbeats[-1][1].conditions
    return {condition.kind: condition.message for condition in conditions or ()}
