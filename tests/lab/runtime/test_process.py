"""What only processes have: shims, process groups, directories as images, and the death of those who watch."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from okube.model.resources import Limits, Resources
from okube.model.spec import Port, Volume
from okube.seams.clock import SystemClock
from okube.worker.runtime.base import Runtime, RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.process import ProcessRuntime
from okube.worker.runtime.process.cgroups import Cgroups
from okube.worker.runtime.process.folder import Run, TaskFolder
from tests.lab.runtime.site import ProcessSite, end_of, ended, lines_of, running, until

FOREVER = "while true; do sleep 0.05; done"


@pytest.fixture(params=["process"])
async def site(tmp_path: Path) -> AsyncIterator[ProcessSite]:
    """As processes alone."""
    made = ProcessSite(tmp_path / "node")
    yield made
    await made.close()


async def test_a_directory_of_the_node_is_an_image_and_each_task_has_a_copy(
    site: ProcessSite, runtime: Runtime
) -> None:
    image = site.directory / "images" / "shop" / "web:1"
    image.mkdir(parents=True)
    (image / "greeting").write_text("hello\n")
    (image / "run").write_text("#!/bin/sh\ncat greeting\necho spoiled > greeting\n")
    (image / "run").chmod(0o755)
    for _ in range(2):
        container = await ended(runtime, site.command_task(image="shop/web:1"))
        assert [line.text for line in await lines_of(runtime, container.id)] == ["hello"]


@pytest.mark.parametrize("image", ["../secret", "/etc", "a/../../secret"])
async def test_an_image_leads_nowhere_else(site: ProcessSite, runtime: Runtime, image: str) -> None:
    (site.directory / "secret").mkdir()
    with pytest.raises(RuntimeFailure, match="is not on node w1") as failure:
        await runtime.prepare(site.task("true", image=image))
    assert failure.value.reason == "image-pull"


async def test_a_task_is_told_its_host_ports(site: ProcessSite, runtime: Runtime) -> None:
    ports = (Port(80, 0), Port(443, 0))
    container = await ended(runtime, site.task("echo $PORT_80 $PORT_443", ports=ports, host_ports=(20081, 20444)))
    assert [line.text for line in await lines_of(runtime, container.id)] == ["20081 20444"]


async def test_a_volume_takes_the_place_of_what_the_image_has_there(site: ProcessSite, runtime: Runtime) -> None:
    image = site.directory / "images" / "web"
    (image / "data").mkdir(parents=True)
    (image / "data" / "of-the-image").touch()
    container = await ended(runtime, site.task("ls data", image="web", volumes=(Volume("data", "/data"),)))
    assert await lines_of(runtime, container.id) == []


async def test_a_volume_cannot_lead_out_of_the_working_directory(
    site: ProcessSite, runtime: Runtime, tmp_path: Path
) -> None:
    image = site.directory / "images" / "web"
    image.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (image / "var").symlink_to(tmp_path / "outside")
    with pytest.raises(RuntimeFailure, match="leads out of it"):
        await runtime.create(site.task("true", image="web", volumes=(Volume("data", "/var/data"),)))
    assert list((tmp_path / "outside").iterdir()) == []


async def test_processes_that_a_task_leaves_behind_end_with_it(site: ProcessSite, runtime: Runtime) -> None:
    script = "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; sleep 0.2; exit 3"
    container = await ended(runtime, site.task(script))
    assert container.exit_code == 3
    pids = [int(line.text) for line in await lines_of(runtime, container.id)]
    await until(lambda: _all_gone(pids), "both are gone")


async def test_a_task_outlives_its_agent_and_loses_nothing(site: ProcessSite, tmp_path: Path) -> None:
    task = site.task(
        "echo before; while [ ! -e go/now ]; do sleep 0.05; done; echo after; exit 5", volumes=_go(tmp_path)
    )
    agent = textwrap.dedent(
        """
        import asyncio, os, sys
        from pathlib import Path
        import msgspec
        from okube.model.wire import AssignedTask
        from okube.seams.clock import SystemClock
        from okube.worker.runtime.process import ProcessRuntime

        async def main():
            runtime = ProcessRuntime(sys.argv[1], "w1", Path(sys.argv[2]), SystemClock())
            await runtime.start()
            task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=AssignedTask)
            await runtime.run((await runtime.create(task)).id)
            os.kill(os.getpid(), 9)

        asyncio.run(main())
        """
    )
    command = [sys.executable, "-c", agent, site.cluster_id, str(site.directory)]
    died = await asyncio.to_thread(
        subprocess.run, command, input=msgspec.msgpack.encode(task), capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    runtime = await site.runtime()
    (alive,) = await runtime.list()
    assert (alive.task_id, alive.state) == (task.id, "running")
    (tmp_path / "go" / "now").touch()
    assert (await end_of(runtime, alive.id)).exit_code == 5
    assert [line.text for line in await lines_of(runtime, alive.id)] == ["before", "after"]


async def test_an_end_that_no_agent_saw_is_told_to_the_next(
    site: ProcessSite, runtime: Runtime, tmp_path: Path
) -> None:
    task = site.task("while [ ! -e go/now ]; do sleep 0.05; done; exit 5", volumes=_go(tmp_path))
    container = await running(runtime, task)
    shim = _run_of(site, container.id).shim
    await runtime.close()
    (tmp_path / "go" / "now").touch()
    await until(lambda: _all_gone([shim.pid]), "the shim is gone")
    (found,) = await (await site.runtime()).list()
    assert (found.id, found.state, found.exit_code) == (container.id, "exited", 5)


async def test_a_task_whose_shim_is_killed_has_ended_and_nothing_of_it_is_left(
    site: ProcessSite, runtime: Runtime
) -> None:
    container = await running(runtime, site.task(f"sleep 1000 & echo $!; {FOREVER}"))
    await until(lambda: _has_output(runtime, container.id), "it runs")
    (child,) = [int(line.text) for line in await lines_of(runtime, container.id)]
    run = _run_of(site, container.id)
    changes = runtime.changes()
    os.kill(run.shim.pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        assert await anext(changes) == container.task_id
    lost = await runtime.inspect(container.id)
    assert lost is not None
    assert (lost.state, lost.exit_code) == ("exited", 137)
    assert "its supervisor ended before it" in lost.error
    await until(lambda: _all_gone([child, run.leader.pid]), "its processes are gone")
    assert (await runtime.run(container.id)).state == "running"


async def test_a_task_that_leaves_its_leader_dead_and_its_shim_killed_is_cleaned_up(site: ProcessSite) -> None:
    runtime = ProcessRuntime(site.cluster_id, "w1", site.directory, SystemClock(), cgroups=Cgroups(Path("/nowhere")))
    await runtime.start()
    container = await running(runtime, site.task(f"sh -c '{FOREVER}' & echo $!; {FOREVER}"))
    await until(lambda: _has_output(runtime, container.id), "it runs")
    (child,) = [int(line.text) for line in await lines_of(runtime, container.id)]
    run = _run_of(site, container.id)
    os.kill(run.shim.pid, signal.SIGSTOP)
    os.kill(run.leader.pid, signal.SIGKILL)
    os.kill(run.shim.pid, signal.SIGKILL)
    assert (await end_of(runtime, container.id)).exit_code == 137
    await until(lambda: _all_gone([child]), "its other process is gone")
    await runtime.remove(container.id)
    await runtime.close()


async def test_a_process_that_has_the_pid_of_one_of_ours_is_never_touched(site: ProcessSite, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("true"))
    folder = TaskFolder(site.directory / "containers" / container.id)
    other = await asyncio.create_subprocess_exec("sleep", "1000", start_new_session=True)
    try:
        boot = _run_of(site, container.id).leader.boot
        (folder.path / "run").write_text(f"{boot} {other.pid} 1 {other.pid} 1 1\n")
        (folder.path / "exit").unlink()
        found = await runtime.inspect(container.id)
        assert found is not None
        assert (found.state, found.exit_code) == ("exited", 137)
        await runtime.stop(container.id, signal="SIGKILL", grace_s=0)
        await runtime.remove(container.id)
        assert other.returncode is None
        os.kill(other.pid, 0)
    finally:
        other.kill()
        await other.wait()


async def test_after_a_reboot_what_ran_has_ended(site: ProcessSite, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("true"))
    folder = TaskFolder(site.directory / "containers" / container.id)
    (folder.path / "run").write_text(f"another-boot {os.getpid()} 1 {os.getpid()} 1 1\n")
    (folder.path / "exit").unlink()
    (found,) = await runtime.list()
    assert (found.state, found.exit_code) == ("exited", 137)


async def test_output_is_kept_within_its_bounds(site: ProcessSite) -> None:
    bounds = LogBounds(bytes=20_000, files=3)
    runtime = ProcessRuntime(site.cluster_id, "w1", site.directory, SystemClock(), logs=bounds)
    await runtime.start()
    container = await ended(runtime, site.task("n=0; while [ $n -lt 9000 ]; do echo line $n; n=$((n+1)); done"))
    texts = [line.text for line in await lines_of(runtime, container.id)]
    assert texts == [f"line {n}" for n in range(9000 - len(texts), 9000)]
    assert 1000 < len(texts) < 9000
    folder = site.directory / "containers" / container.id
    assert {path.name for path in folder.glob("log*")} == {"log", "log.1", "log.2"}
    assert sum(path.stat().st_size for path in folder.glob("log*")) <= 3 * 20_000
    await runtime.remove(container.id)
    await runtime.close()


async def test_the_kernel_kills_what_takes_more_memory_than_its_limit(site: ProcessSite, runtime: Runtime) -> None:
    task = site.command_task("python3", "-c", "x = bytearray(300 << 20)", resources=Resources(memory=64 << 20))
    container = await ended(runtime, task)
    assert (container.exit_code, container.oom_killed) == (137, True)


async def test_a_limit_above_what_is_promised_is_what_a_task_may_take(site: ProcessSite, runtime: Runtime) -> None:
    resources = Resources(memory=64 << 20, limits=Limits(memory=600 << 20))
    task = site.command_task("python3", "-c", "x = bytearray(300 << 20)", resources=resources)
    container = await ended(runtime, task)
    assert (container.exit_code, container.oom_killed) == (0, False)


async def test_where_there_are_no_cgroups_memory_is_limited_for_each_process(site: ProcessSite) -> None:
    runtime = ProcessRuntime(site.cluster_id, "w1", site.directory, SystemClock(), cgroups=Cgroups(Path("/nowhere")))
    await runtime.start()
    task = site.command_task("python3", "-c", "x = bytearray(300 << 20)", resources=Resources(memory=64 << 20))
    container = await ended(runtime, task)
    assert (container.exit_code, container.oom_killed) == (1, False)
    assert "MemoryError" in [line.text for line in await lines_of(runtime, container.id)]
    await runtime.remove(container.id)
    await runtime.close()


async def test_removing_leaves_neither_folder_nor_cgroup(site: ProcessSite, runtime: Runtime) -> None:
    task = site.task(f"setsid sleep 1000 & {FOREVER}", resources=Resources(cpus=0.5, memory=64 << 20))
    container = await running(runtime, task)
    assert _cgroups(container.id)
    await runtime.remove(container.id)
    assert not _cgroups(container.id)
    assert [list((site.directory / name).iterdir()) for name in ("containers", "making", "trash")] == [[], [], []]


async def test_a_shim_costs_little_memory(site: ProcessSite, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    assert _private_kib(_run_of(site, container.id).shim.pid) < 6 << 10


async def test_a_shim_that_does_not_do_its_work_holds_up_no_removal(
    site: ProcessSite, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okube.worker.runtime.process.runtime._DYING_S", 0.3)
    container = await running(runtime, site.task(FOREVER))
    run = _run_of(site, container.id)
    os.kill(run.shim.pid, signal.SIGSTOP)
    await runtime.remove(container.id)
    await until(lambda: _all_gone([run.shim.pid, run.leader.pid]), "both are gone")
    assert await runtime.list() == []


async def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    runtime = ProcessRuntime("c" * 32, "w1", tmp_path / "file", SystemClock())
    with pytest.raises(RuntimeUnavailable, match="make that directory writable"):
        await runtime.start()
    await runtime.close()


async def test_a_folder_that_makes_no_sense_is_passed_over(site: ProcessSite, runtime: Runtime) -> None:
    container = await runtime.create(site.task("true"))
    (site.directory / "containers" / container.id / "task.json").write_text("{")
    assert await runtime.list() == []


async def test_what_a_crash_left_half_made_goes_at_the_next_start(site: ProcessSite, runtime: Runtime) -> None:
    for name in ("making", "trash"):
        (site.directory / name / f"okube-{site.cluster_id[:8]}-half" / "work").mkdir(parents=True)
    await site.runtime()
    assert [list((site.directory / name).iterdir()) for name in ("making", "trash")] == [[], []]


def _go(tmp_path: Path) -> tuple[Volume, ...]:
    (tmp_path / "go").mkdir()
    return (Volume(str(tmp_path / "go"), "/go"),)


def _run_of(site: ProcessSite, container_id: str) -> Run:
    run = TaskFolder(site.directory / "containers" / container_id).run()
    assert run is not None
    return run


async def _has_output(runtime: Runtime, container_id: str) -> bool:
    return bool(await lines_of(runtime, container_id))


async def _all_gone(pids: list[int]) -> bool:
    return not any(_is_there(pid) for pid in pids)


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _private_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in status if line.startswith("RssAnon:")]
    return int(line.split()[1])


def _cgroups(container_id: str) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/okube/{container_id}"))
