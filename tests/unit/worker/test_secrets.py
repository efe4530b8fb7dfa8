"""What an agent's tasks are given, from the assignment to the container, with an engine and a disk in memory."""

import asyncio
import errno
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from okube.model.wire import AssignedTask
from okube.worker.secretfiles import SecretFiles
from tests.builders import a_spec
from tests.simulation.loop import run_virtual
from tests.unit.worker.machine import Machine, a_machine

DB = b"hunter2"
SIGNALLED: dict[str, Any] = {"secrets": [{"name": "db", "on_rotate": "SIGHUP"}]}


def given_task(mounted: tuple[int, ...] = (1,), *, desired: str = "run", **fields: Any) -> AssignedTask:
    spec = a_spec(**{"secrets": ["db"], **fields})
    return AssignedTask("t1", "web", 1, spec, mounted=mounted, desired=desired)  # type: ignore[arg-type]  # run or stop


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir(mode=0o700)
    return tmp_path / "memory" / "w1"


@pytest.fixture
def lives(place: Path) -> Callable[[Callable[[Machine], Awaitable[None]]], None]:
    """Runs a test on a machine with a place in memory, whose managers have the secret ``db`` in two versions."""

    def run(test: Callable[[Machine], Awaitable[None]]) -> None:
        async def main() -> None:
            async with a_machine() as machine:
                machine.place = place
                machine.managers.values = {("secret", "db", 1): DB, ("secret", "db", 2): b"other"}
                await test(machine)

        run_virtual(main())

    return run


Lives = Callable[[Callable[[Machine], Awaitable[None]]], None]


def test_a_value_lies_ready_before_its_container_is_made(lives: Lives, place: Path) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task())
        await machine.until(lambda: machine.reports.get("t1") and machine.reports["t1"].ready)
        assert machine.engine.provided["t1"].links == ((place / "t1" / "secrets", "/run/secrets"),)
        assert (place / "t1" / "secrets" / "db").read_bytes() == DB

    lives(test)


def test_a_task_waits_for_a_value_that_no_manager_gives_and_tells_of_it(lives: Lives) -> None:
    async def test(machine: Machine) -> None:
        machine.managers.values.clear()
        await machine.assign(given_task())
        await machine.until(lambda: machine.reports.get("t1") and machine.reports["t1"].message)
        assert machine.reports["t1"].state == "scheduled"
        assert machine.reports["t1"].message.startswith("waits for secret db, version 1: no manager answers")
        assert machine.engine.containers == {}
        machine.managers.values["secret", "db", 1] = DB
        await machine.until(lambda: machine.reports["t1"].ready)
        assert machine.reports["t1"].message == ""

    lives(test)


def test_without_memory_that_is_a_file_system_the_task_fails_and_says_what_to_do(lives: Lives) -> None:
    async def test(machine: Machine) -> None:
        machine.place = None
        await machine.assign(given_task())
        await machine.until(lambda: machine.reports.get("t1") and machine.reports["t1"].state == "failed")
        assert (machine.reports["t1"].reason, machine.reports["t1"].message) == (
            "start-failed",
            "this machine has no file system in memory",
        )

    lives(test)


def test_a_task_waits_while_there_is_no_room_in_memory(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SecretFiles.lay

    def full(*args: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def test(machine: Machine) -> None:
        monkeypatch.setattr(SecretFiles, "lay", full)
        await machine.assign(given_task())
        await machine.until(lambda: machine.reports.get("t1") and machine.reports["t1"].message)
        assert (
            machine.reports["t1"].message == "waits, for its secrets cannot be kept in memory: No space left on device"
        )
        monkeypatch.setattr(SecretFiles, "lay", real)
        await machine.until(lambda: machine.reports["t1"].ready)

    lives(test)


def test_a_program_that_ends_is_started_again_without_a_manager(lives: Lives) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task())
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        machine.managers.up = False
        machine.engine.end("t1", 1)
        await machine.until(lambda: machine.engine.runs.get("t1") == 2)

    lives(test)


def test_an_agent_that_starts_anew_fetches_nothing_again(lives: Lives) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task())
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        machine.crash()
        await machine.boot()
        machine.engine.end("t1", 1)
        await machine.until(lambda: machine.engine.runs.get("t1") == 2)
        assert machine.managers.asked == [("db", 1)]

    lives(test)


def test_after_a_boot_of_the_machine_a_value_is_fetched_again_before_its_container_runs(
    lives: Lives, place: Path
) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task())
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        machine.crash()
        machine.engine.end("t1", 137)
        shutil.rmtree(place)
        machine.managers.up = False
        await machine.boot()
        await asyncio.sleep(30)
        assert machine.engine.runs["t1"] == 1
        machine.managers.up = True
        await machine.until(lambda: machine.engine.runs.get("t1") == 2)
        assert (place / "t1" / "secrets" / "db").read_bytes() == DB

    lives(test)


def test_another_version_is_written_and_then_told_of_once(lives: Lives, place: Path) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task((1,), **SIGNALLED))
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        await machine.assign(given_task((2,), **SIGNALLED))
        await machine.until(lambda: machine.engine.told)
        assert (place / "t1" / "secrets" / "db").read_bytes() == b"other"
        await asyncio.sleep(30)
        assert machine.engine.told == [("t1", "SIGHUP")]
        assert machine.engine.runs["t1"] == 1

    lives(test)


def test_an_agent_that_dies_between_the_file_and_the_signal_sends_it_after_all(lives: Lives, place: Path) -> None:
    async def test(machine: Machine) -> None:
        def die(call: str) -> None:
            if call == "signal":
                machine.crash()
                raise asyncio.CancelledError

        machine.crash()
        await machine.boot(die)
        await machine.assign(given_task((1,), **SIGNALLED))
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        await machine.assign(given_task((2,), **SIGNALLED))
        await machine.until(lambda: machine.crashed)
        assert (place / "t1" / "secrets" / "db").read_bytes() == b"other"
        await machine.boot()
        await machine.until(lambda: machine.engine.told == [("t1", "SIGHUP")])

    lives(test)


def test_the_old_value_stays_while_no_manager_gives_the_new_one(lives: Lives, place: Path) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task((1,), **SIGNALLED))
        await machine.until(lambda: machine.reports.get("t1") and machine.reports["t1"].ready)
        await machine.assign(given_task((3,), **SIGNALLED))
        await machine.until(lambda: "waits for secret db, version 3" in machine.reports["t1"].message)
        assert machine.reports["t1"].ready
        assert (place / "t1" / "secrets" / "db").read_bytes() == DB
        assert machine.engine.told == []

    lives(test)


@pytest.mark.parametrize("end", ["stopped", "unheld", "finished"])
def test_nothing_stays_in_memory_of_a_task_that_has_ended(lives: Lives, place: Path, end: str) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task(restart="never"))
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        if end == "stopped":
            await machine.assign(given_task(desired="stop", restart="never"))
        elif end == "unheld":
            await machine.assign()
        else:
            machine.engine.end("t1", 0)
        await machine.until(lambda: not (place / "t1").exists())
        assert not machine.engine.tasks("running")

    lives(test)


def test_what_an_agent_before_left_of_tasks_that_are_gone_is_removed(lives: Lives, place: Path) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task())
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        (place / "t9" / "secrets").mkdir(parents=True)
        (place / "t9" / "secrets" / "db").write_bytes(DB)
        machine.crash()
        await machine.boot()
        await machine.until(lambda: not (place / "t9").exists())
        assert (place / "t1" / "secrets" / "db").exists()

    lives(test)


def test_no_log_line_shows_a_value(lives: Lives, caplog: pytest.LogCaptureFixture) -> None:
    async def test(machine: Machine) -> None:
        await machine.assign(given_task(secrets=[{"name": "db", "env": "A"}]))
        await machine.until(lambda: machine.engine.runs.get("t1") == 1)
        assert machine.engine.provided["t1"].environ() == {"A": "hunter2"}

    caplog.set_level("DEBUG")
    lives(test)
    assert DB.decode() not in caplog.text
    assert not any(DB.decode() in repr(record.__dict__) for record in caplog.records)
