"""What a node keeps of tasks that have ended, and of what they said, is bounded; on both runtimes."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okube.model.spec import Restart
from okube.seams.clock import SystemClock
from okube.worker.runtime.base import Runtime
from okube.worker.runtime.docker import DockerRuntime
from okube.worker.runtime.docker.transport import connect
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.process import ProcessRuntime
from tests.lab.agent import LabAgent, an_agent
from tests.lab.runtime.site import DockerSite, ProcessSite, Site, lines_of, until

LOGS = LogBounds(bytes=20_000, files=2)


class Place:
    """An agent whose runtime keeps little output."""

    def __init__(self, site: Site, runtime: Runtime, lab: LabAgent) -> None:
        self.site = site
        self.runtime = runtime
        self.lab = lab

    def log_bytes(self, container_id: str) -> int:
        """What the output of a container takes on disk."""
        if isinstance(self.site, ProcessSite):
            folder, pattern = self.site.directory / "containers" / container_id, "log*"
        else:
            assert isinstance(self.site, DockerSite)
            with contextlib.closing(connect(self.site.base_url, timeout_s=30)) as client:
                log = Path(client.inspect_container(container_id)["LogPath"])
            folder, pattern = log.parent, f"{log.name}*"
        return sum(path.stat().st_size for path in folder.glob(pattern))


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.xdist_group("docker")), "process"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    site: Site
    runtime: Runtime
    if request.param == "docker":
        engine = request.getfixturevalue("docker_engine")
        site = DockerSite(engine.base_url, engine.image)
        runtime = DockerRuntime(site.cluster_id, "w1", engine.base_url, SystemClock(), logs=LOGS)
    else:
        site = ProcessSite(tmp_path / "node")
        runtime = ProcessRuntime(site.cluster_id, "w1", tmp_path / "node", SystemClock(), logs=LOGS)
    await site.runtime()  # so that the site removes what the agent leaves
    try:
        async with an_agent(runtime, site.cluster_id, tmp_path / "agent") as lab:
            yield Place(site, runtime, lab)
    finally:
        await runtime.close()
        await site.close()


async def test_a_crash_loop_fills_no_disk(place: Place) -> None:
    script = "n=0; while [ $n -lt 200 ]; do echo a line of output that is long enough $n; n=$((n+1)); done; exit 1"
    task = place.site.task(script, restart=Restart("always"))
    await place.lab.hold(task)

    async def has_crashed_often() -> bool:
        report = place.lab.reports.get(task.id)
        return report is not None and report.restarts >= 5

    await until(has_crashed_often, "it has crashed five times")
    (container,) = [c for c in await place.runtime.list() if c.task_id == task.id]
    assert place.log_bytes(container.id) <= LOGS.bytes * LOGS.files + 4_000
    last = (await lines_of(place.runtime, container.id))[-1]
    assert last.text.startswith("a line of output")


async def test_ended_containers_stay_for_their_logs_until_the_cluster_forgets_them(place: Place) -> None:
    tasks = [place.site.task(f"echo output {n}", restart=Restart("never")) for n in range(7)]
    await place.lab.hold(*tasks)
    for task in tasks:
        await place.lab.until(task, "completed")
    kept, forgotten = tasks[2:], tasks[:2]
    await place.lab.hold(ended=[task.id for task in kept])

    async def only_kept() -> bool:
        return {c.task_id for c in await place.runtime.list()} == {task.id for task in kept}

    await until(only_kept, f"the containers of {[task.id for task in forgotten]} are removed")
    (container,) = [c for c in await place.runtime.list() if c.task_id == kept[0].id]
    assert [line.text for line in await lines_of(place.runtime, container.id)] == ["output 2"]
    await place.lab.hold()

    async def nothing() -> bool:
        return await place.runtime.list() == []

    await until(nothing, "all are removed")


async def test_what_could_not_start_leaves_nothing_once_it_is_forgotten(place: Place) -> None:
    task = place.site.command_task("no-such-command", restart=Restart("always"))
    await place.lab.hold(task)
    report = await place.lab.until(task, "failed")
    assert report.reason == "start-failed"
    await place.lab.hold()

    async def nothing() -> bool:
        return await place.runtime.list() == []

    await until(nothing, "it is removed")
