"""`run_worker` as its own process: real sockets, real certificates, the embedded runtime, a manager of the test."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from okube.model.epoch import Epoch
from okube.model.wire import AssignedTask, Assignment
from okube.seams.daemon import LEAVE
from okube.worker.main import run_worker
from okube.worker.settings import WorkerSettings
from tests.unit.security.conftest import CLUSTER_ID, Cluster
from tests.unit.worker.machine import a_task, settings
from tests.unit.worker.manager_stub import ManagerStub
from tests.unit.worker.test_calls import closed_port

RUN = """
import sys, msgspec
from okube.worker.main import run_worker
from okube.worker.settings import WorkerSettings
sys.exit(run_worker(msgspec.json.decode(sys.argv[1], type=WorkerSettings, dec_hook=lambda kind, text: kind(text))))
"""


class Worker:
    """One agent's process."""

    def __init__(self, told: WorkerSettings) -> None:
        self.told = told
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        text = msgspec.json.encode(self.told, enc_hook=str).decode()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN, text, stderr=asyncio.subprocess.PIPE
        )

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        assert self.process is not None
        self.process.send_signal(number)
        _, log = await asyncio.wait_for(self.process.communicate(), 30)
        status = self.process.returncode
        assert status is not None
        return status, log.decode()


class Site:
    """A manager, and a worker that runs tasks as processes."""

    def __init__(self, manager: ManagerStub, worker: Worker) -> None:
        self.manager = manager
        self.worker = worker
        self.revision = 0

    async def assign(self, *tasks: AssignedTask) -> None:
        self.revision += 1
        assignment = Assignment("w1", "i1", Epoch(1, 1), self.revision, None, tasks)
        status, answer = await self.manager.assign(self.worker.told.address, assignment)
        assert (status, answer.accepted) == (200, True), answer.message

    def is_empty(self) -> bool:
        """Whether the runtime has no task left, running or not."""
        return not any((self.worker.told.state_directory / "containers").iterdir())

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                assert self.worker.process is not None
                assert self.worker.process.returncode is None
                await asyncio.sleep(0.01)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    cluster = Cluster(tmp_path / "cluster")
    port = closed_port()
    async with ManagerStub(cluster.party("manager", "m1", "127.0.0.1"), CLUSTER_ID) as manager:
        told = settings(
            cluster_id=CLUSTER_ID,
            directory=cluster.party("worker", "w1").parent,
            port=port,
            address=f"127.0.0.1:{port}",
            managers=(f"127.0.0.1:{closed_port()}", manager.address),
            runtime="process",
        )
        made = Site(manager, Worker(told))
        await made.worker.start()
        yield made
        process = made.worker.process
        if process is not None and process.returncode is None:
            process.kill()
            await process.communicate()


def a_sleeper() -> AssignedTask:
    return a_task("t1", image="host", command=["sleep", "600"], stop={"grace": "1s"})


async def test_a_worker_that_is_asked_to_leave_says_nothing_of_a_return(site: Site) -> None:
    await site.until(lambda: site.manager.heartbeats)
    status, log = await site.worker.end(LEAVE)
    assert status == 0, log
    assert site.manager.heartbeats[-1].absence_s == 0.0
    assert "okube.worker.agent: Node w1 leaves" in log


async def test_a_worker_runs_tasks_stops_in_order_and_finds_them_again(site: Site) -> None:
    manager, worker = site.manager, site.worker
    await site.until(lambda: manager.heartbeats)
    registration = manager.registrations[0]
    assert (registration.node, registration.instance, registration.runtime) == ("w1", "i1", "process")
    assert registration.cores == os.cpu_count()

    await site.assign(a_sleeper())
    await site.until(lambda: "t1" in manager.reports and manager.reports["t1"].ready)

    status, log = await worker.end(signal.SIGTERM)
    assert status == 0, log
    before = manager.reports.pop("t1")  # the last word: a first report may come before all is known of a start
    assert manager.heartbeats[-1].absence_s == 60.0
    assert "okube.worker.agent: Node w1 stops in order" in log

    await worker.start()
    await site.until(lambda: "t1" in manager.reports)
    assert manager.reports["t1"] == before

    await site.assign(msgspec.structs.replace(a_sleeper(), desired="stop", stop_reason="stopped"))
    await site.until(lambda: manager.reports["t1"].state == "completed")
    await site.assign()
    await site.until(site.is_empty)
    assert (await worker.end(signal.SIGINT))[0] == 0


async def test_a_killed_worker_loses_nothing(site: Site) -> None:
    manager, worker = site.manager, site.worker
    await site.until(lambda: manager.heartbeats)
    await site.assign(a_sleeper())
    await site.until(lambda: "t1" in manager.reports and manager.reports["t1"].ready)
    before = manager.reports.pop("t1")
    await worker.end(signal.SIGKILL)
    await worker.start()
    await site.until(lambda: "t1" in manager.reports)
    assert manager.reports["t1"] == before
    await site.assign()
    await site.until(site.is_empty)
    await worker.end(signal.SIGTERM)


def test_a_worker_without_a_certificate_says_so_and_exits_with_1(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run_worker(settings(directory=tmp_path / "w1", runtime="process")) == 1
    assert "worker w1 cannot run:" in caplog.text
