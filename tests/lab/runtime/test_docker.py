"""What only an engine has: limits that kill, labels, an engine that hangs, dies and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okube.model.resources import Resources
from okube.model.spec import Port, Volume
from okube.seams.clock import SystemClock
from okube.worker.runtime.base import Container, Runtime, RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.docker import DockerRuntime
from okube.worker.runtime.docker.transport import connect
from okube.worker.runtime.lines import LogBounds
from tests.lab.engine import Engine
from tests.lab.runtime.site import DockerSite, end_of, ended, lines_of, running, until

pytestmark = pytest.mark.xdist_group("docker")

FOREVER = "while true; do sleep 0.05; done"


@pytest.fixture(params=["docker"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[DockerSite]:
    """On Docker alone."""
    engine = request.getfixturevalue("docker_engine")
    made = DockerSite(engine.base_url, engine.image)
    yield made
    await made.close()


async def test_docker_alone_kills_what_takes_more_memory_than_its_limit(site: DockerSite, runtime: Runtime) -> None:
    task = site.task("head -c 100000000 /dev/zero | tail -c 90000000 > /dev/null", resources=Resources(memory=8 << 20))
    container = await ended(runtime, task)
    assert container.oom_killed
    assert container.exit_code != 0


async def test_docker_alone_keeps_a_read_only_volume_from_being_written(site: DockerSite, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("echo x > /data/file", volumes=(Volume("data", "/data", True),)))
    assert container.exit_code == 1


async def test_the_engine_is_told_limits_labels_and_bounds(site: DockerSite, runtime: Runtime) -> None:
    task = site.task(
        "true",
        resources=Resources(cpus=0.5, memory=64 << 20),
        ports=(Port(80, 0), Port(53, 0, "udp")),
        host_ports=(20080, 20053),
        volumes=(Volume("data", "/data"),),
    )
    container = await runtime.create(task)
    with contextlib.closing(connect(site.base_url, timeout_s=30)) as client:
        told = client.inspect_container(container.id)
        volume = client.inspect_volume(site.volume_name("data"))
    host = told["HostConfig"]
    assert told["Name"] == f"/okube-{site.cluster_id[:8]}-{task.id}"
    assert told["Config"]["Labels"] == {
        "okube.cluster": site.cluster_id,
        "okube.node": "w1",
        "okube.task": task.id,
        "okube.service": "web",
        "okube.slot": "1",
        "okube.app": "shop",
    }
    assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (500_000_000, 64 << 20, 64 << 20)
    assert host["RestartPolicy"]["Name"] in ("", "no")
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": str(10 << 20), "max-file": "3"}}
    assert host["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "20080"}],
        "53/udp": [{"HostIp": "", "HostPort": "20053"}],
    }
    assert volume["Labels"] == {"okube.cluster": site.cluster_id}


async def test_more_cores_than_the_machine_has_are_no_obstacle(site: DockerSite, runtime: Runtime) -> None:
    assert (await ended(runtime, site.task("true", resources=Resources(cpus=4096.0)))).exit_code == 0


async def test_containers_without_our_labels_are_not_ours(site: DockerSite, runtime: Runtime) -> None:
    with contextlib.closing(connect(site.base_url, timeout_s=30)) as client:
        foreign = client.create_container(site.image, ["sleep", "1000"])["Id"]
        try:
            client.start(foreign)
            assert await runtime.list() == []
            assert await runtime.inspect(foreign) is None
            await runtime.stop(foreign, signal="SIGKILL", grace_s=0)
            await runtime.remove(foreign)
            assert client.inspect_container(foreign)["State"]["Running"]
        finally:
            client.remove_container(foreign, force=True)


async def test_a_foreign_container_that_has_our_name_is_told_and_left_alone(site: DockerSite, runtime: Runtime) -> None:
    task = site.task("true")
    name = f"okube-{site.cluster_id[:8]}-{task.id}"
    with contextlib.closing(connect(site.base_url, timeout_s=30)) as client:
        foreign = client.create_container(site.image, ["true"], name=name)["Id"]
        try:
            with pytest.raises(RuntimeFailure, match=f"remove it there with docker rm {name}") as failure:
                await runtime.create(task)
        finally:
            client.remove_container(foreign)
    assert failure.value.reason == "start-failed"


async def test_output_beyond_its_bounds_is_let_go(site: DockerSite) -> None:
    small = DockerRuntime(site.cluster_id, "w1", site.base_url, SystemClock(), logs=LogBounds(bytes=10_000, files=2))
    await small.start()
    try:
        container = await ended(small, site.task("n=0; while [ $n -lt 2000 ]; do echo line $n; n=$((n+1)); done"))
        texts = [line.text for line in await lines_of(small, container.id)]
        await small.remove(container.id)
    finally:
        await small.close()
    assert texts[-1] == "line 1999"
    assert texts[0] != "line 0"
    assert texts == [f"line {n}" for n in range(2000 - len(texts), 2000)]


async def test_a_container_removed_by_hand_is_told_and_gone(site: DockerSite, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    assert await runtime.list() == [container]
    changes = runtime.changes()
    with contextlib.closing(connect(site.base_url, timeout_s=30)) as client:
        client.remove_container(container.id, force=True)
    async with asyncio.timeout(30):
        while await runtime.list():
            assert await anext(changes) == container.task_id
    assert await runtime.inspect(container.id) is None


async def test_an_engine_that_dies_is_told_as_such_and_its_containers_are_found_again(own_engine: Engine) -> None:
    site = DockerSite(own_engine.base_url, own_engine.image)
    runtime = await site.runtime()
    tasks = [site.task(f"trap 'exit 0' TERM; {FOREVER}") for _ in range(2)]
    containers = [await running(runtime, task) for task in tasks]
    follower = asyncio.create_task(lines_of(runtime, containers[0].id, follow=True))
    changes = runtime.changes()
    own_engine.kill()
    for call in (runtime.list(), runtime.inspect(containers[0].id), runtime.run(containers[0].id)):
        with pytest.raises(RuntimeUnavailable, match=r"does not answer.*systemctl status docker"):
            await call
    with pytest.raises(RuntimeUnavailable):
        await follower
    await asyncio.to_thread(own_engine.start)  # which ends what it finds running, as live-restore is off
    told: set[str] = set()
    async with asyncio.timeout(60):
        while told != {task.id for task in tasks}:
            told.add(await anext(changes))
    assert {container.id for container in await runtime.list()} == {container.id for container in containers}
    assert (await end_of(runtime, containers[0].id)).state == "exited"
    assert (await runtime.run(containers[0].id)).state == "running"
    await site.close()


async def test_an_engine_that_hangs_is_told_as_such(own_engine: Engine) -> None:
    runtime = DockerRuntime("c" * 32, "w1", own_engine.base_url, SystemClock(), timeout_s=1)
    await runtime.start()
    own_engine.hang()
    try:
        with pytest.raises(RuntimeUnavailable, match="does not answer"):
            await runtime.list()
    finally:
        own_engine.resume()
    assert await _listed(runtime) == []
    await runtime.close()


async def test_an_engine_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    runtime = DockerRuntime("c" * 32, "w1", f"unix://{tmp_path}/docker.sock", SystemClock())
    with pytest.raises(RuntimeUnavailable, match=r"docker.sock does not answer"):
        await runtime.start()
    await runtime.close()


async def test_something_else_that_listens_is_no_engine(tmp_path: Path) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    path = tmp_path / "docker.sock"
    async with await asyncio.start_unix_server(hang_up, path):
        runtime = DockerRuntime("c" * 32, "w1", f"unix://{path}", SystemClock())
        with pytest.raises(RuntimeUnavailable):
            await runtime.start()
        await runtime.close()


async def _listed(runtime: Runtime) -> list[Container]:
    """The list, once the engine gives one."""
    found: list[list[Container]] = []

    async def answers() -> bool:
        with contextlib.suppress(RuntimeUnavailable):
            found.append(await runtime.list())
        return bool(found)

    await until(answers, "the engine answers")
    return found[0]
