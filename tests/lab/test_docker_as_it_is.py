"""An engine that is stopped, restarted, hung or out of disk under an agent, and people who use docker beside it."""

import asyncio
import contextlib
import functools
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import docker
import pytest

from okube.model.spec import Restart
from okube.model.wire import AssignedTask
from okube.seams.clock import SystemClock
from okube.worker.runtime.docker import DockerRuntime
from okube.worker.runtime.docker.transport import connect
from tests.lab.agent import LabAgent, an_agent
from tests.lab.conftest import DockerEngine
from tests.lab.engine import Engine
from tests.lab.runtime.site import DockerSite, until

pytestmark = pytest.mark.xdist_group("docker")

FOREVER = "trap 'exit 0' TERM; while true; do sleep 0.05; done"
_FAILS_AT_ITS_END = "trap 'exit 3' TERM; while true; do sleep 0.05; done"
T = TypeVar("T")


class Place:
    """An agent on an engine, and the engine as somebody with docker at hand sees it."""

    def __init__(self, lab: LabAgent, site: DockerSite) -> None:
        self.lab = lab
        self.site = site

    def task(self, script: str = FOREVER, *, restart: Restart | None = None, **spec: Any) -> AssignedTask:
        """A task of any service."""
        return self.site.task(script, restart=restart or Restart("always"), **spec)

    async def by_hand(self, what: Callable[[docker.APIClient], T]) -> T:
        """Something that a person does with docker."""

        def do() -> T:
            with contextlib.closing(connect(self.site.base_url, timeout_s=30)) as client:
                return what(client)

        return await asyncio.to_thread(do)

    async def containers(self, *, everything: bool = True) -> list[dict[str, Any]]:
        """What the engine has of this cluster."""
        label = {"label": f"okube.cluster={self.site.cluster_id}"}
        return await self.by_hand(lambda client: list(client.containers(all=everything, filters=label)))

    async def runtime_foreign(self) -> list[str]:
        """The other clusters of which the engine has something."""
        return list(await self.lab.runtime.foreign())

    async def container_of(self, task: AssignedTask) -> str:
        """The id of the one container of a task."""
        (found,) = [c for c in await self.containers() if c["Labels"]["okube.task"] == task.id]
        return str(found["Id"])


@contextlib.asynccontextmanager
async def _place(base_url: str, image: str, tmp_path: Path, *, timeout_s: float = 30.0) -> AsyncIterator[Place]:
    site = DockerSite(base_url, image)
    await site.runtime()  # so that the site removes what the agent leaves
    runtime = DockerRuntime(site.cluster_id, "w1", base_url, SystemClock(), timeout_s=timeout_s)
    try:
        async with an_agent(runtime, site.cluster_id, tmp_path / "w1") as lab:
            yield Place(lab, site)
    finally:
        await runtime.close()
        await site.close()


@pytest.fixture
async def place(docker_engine: DockerEngine, tmp_path: Path) -> AsyncIterator[Place]:
    """On the engine of all tests."""
    async with _place(docker_engine.base_url, docker_engine.image, tmp_path) as made:
        yield made


# By hand.


@pytest.mark.parametrize(
    "what",
    [
        lambda client, container: client.stop(container, timeout=5),
        lambda client, container: client.kill(container),
        lambda client, container: client.remove_container(container, force=True),
    ],
    ids=["stopped", "killed", "removed"],
)
async def test_a_container_that_somebody_ends_by_hand_is_started_again_and_counted(
    place: Place, what: Callable[[docker.APIClient, str], None]
) -> None:
    task, other = place.task(), place.task()
    await place.lab.hold(task, other)
    await place.lab.until(task, "running")
    await place.lab.until(other, "running")
    container = await place.container_of(task)
    await place.by_hand(lambda client: what(client, container))
    assert (await place.lab.until(task, "running", restarts=1)).restarts == 1
    assert len(await place.containers()) == 2
    assert place.lab.reports[other.id].restarts == 0


async def test_a_task_that_is_never_restarted_fails_when_somebody_removes_its_container(place: Place) -> None:
    task = place.task(restart=Restart("never"))
    await place.lab.hold(task)
    await place.lab.until(task, "running")
    container = await place.container_of(task)
    await place.by_hand(lambda client: client.remove_container(container, force=True))
    report = await place.lab.until(task, "failed")
    assert report.message in (
        "its container was gone, removed outside of Okube",
        "killed by SIGKILL",
    )  # what is seen first
    assert await place.containers() == []


async def test_a_container_that_somebody_restarts_pauses_or_renames_stays_the_tasks_own(place: Place) -> None:
    task = place.task()
    await place.lab.hold(task)
    await place.lab.until(task, "running")
    container = await place.container_of(task)
    await place.by_hand(lambda client: client.rename(container, "mine"))
    await place.by_hand(lambda client: client.pause(container))
    await place.by_hand(lambda client: client.unpause(container))
    await place.by_hand(lambda client: client.restart(container, timeout=5))
    await place.lab.until(task, "running")
    assert [c["Id"] for c in await place.containers()] == [container]
    await place.by_hand(lambda client: client.pause(container))

    async def is_told() -> bool:
        report = place.lab.reports[task.id]
        return not report.ready and report.message.startswith("paused outside of Okube")

    await until(is_told, "the pause is told")
    await place.lab.hold()  # also a paused one ends when it is not wanted any more

    async def is_gone() -> bool:
        return await place.containers() == []

    await until(is_gone, "the container is removed")


async def test_a_renamed_container_of_a_task_is_not_made_a_second_time(place: Place, tmp_path: Path) -> None:
    task = place.task()
    await place.lab.hold(task)
    await place.lab.until(task, "running")
    container = await place.container_of(task)
    await place.by_hand(lambda client: client.rename(container, "mine"))
    runtime = DockerRuntime(place.site.cluster_id, "w1", place.site.base_url, SystemClock())
    try:
        async with an_agent(runtime, place.site.cluster_id, tmp_path / "another") as second:  # it remembers nothing
            await second.hold(task)
            assert (await second.until(task, "running")).container_id == container
        assert [c["Id"] for c in await place.containers()] == [container]
    finally:
        await runtime.close()


async def test_what_is_not_of_okube_is_never_touched(place: Place) -> None:
    def make(client: docker.APIClient) -> list[str]:
        labels: tuple[dict[str, str], ...] = (
            {},
            {"okube.cluster": place.site.cluster_id, "okube.node": "w2"},
            {"okube.node": "w1"},
        )
        made = [client.create_container(place.site.image, ["sleep", "1000"], labels=each)["Id"] for each in labels]
        for container in made:
            client.start(container)
        return made

    strangers = await place.by_hand(make)
    try:
        task = place.task()
        await place.lab.hold(task)
        await place.lab.until(task, "running")
        await place.lab.hold()

        async def only_strangers() -> bool:
            mine = [c for c in await place.containers() if c["Labels"]["okube.node"] == "w1"]
            return mine == []

        await until(only_strangers, "the task's container is removed")
        states = await place.by_hand(lambda client: [client.inspect_container(c)["State"] for c in strangers])
        assert all(state["Running"] for state in states)
    finally:
        for stranger in strangers:
            await place.by_hand(functools.partial(_remove, container=stranger))


async def test_leftovers_of_clusters_without_an_agent_are_told_and_left_alone(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    label = {"okube.cluster": "d" * 32}
    with contextlib.closing(connect(docker_engine.base_url, timeout_s=30)) as client:
        made = client.create_container(docker_engine.image, ["true"], labels=label)["Id"]
        client.create_volume("okube-leftover", labels=label)
        try:
            async with _place(docker_engine.base_url, docker_engine.image, tmp_path) as place:
                said = await place.lab.until_condition("leftovers")
                assert "dddddddddddd (1 container, 1 volume)" in said
                place.lab.living = set(await place.runtime_foreign())
                await place.lab.until_condition("leftovers", holds=False)
            assert client.inspect_container(made)["Id"] == made
        finally:
            client.remove_container(made)
            client.remove_volume("okube-leftover")


def _remove(client: docker.APIClient, container: str) -> None:
    client.remove_container(container, force=True)


# The engine.


async def test_an_engine_that_is_restarted_leaves_every_task_as_its_policy_says(
    own_engine: Engine, tmp_path: Path
) -> None:
    async with _place(own_engine.base_url, own_engine.image, tmp_path) as place:
        always, never = place.task(), place.task(_FAILS_AT_ITS_END, restart=Restart("never"))
        failing = place.task(_FAILS_AT_ITS_END, restart=Restart("on-failure"))
        done = place.task("exit 0", restart=Restart("on-failure"))
        await place.lab.hold(always, never, failing, done)
        for task in (always, never, failing):
            await place.lab.until(task, "running")
        await place.lab.until(done, "completed")
        before = {c["Id"] for c in await place.containers()}
        await asyncio.to_thread(own_engine.kill)
        said = await place.lab.until_condition("engine-unreachable")
        assert "does not answer" in said
        assert place.lab.reports[always.id].state == "running"  # nothing is known, so nothing is decided
        assert "does not answer" in place.lab.reports[always.id].message
        await asyncio.to_thread(own_engine.start)  # it ends what it finds: live-restore is off
        assert (await place.lab.until(always, "running", restarts=1)).restarts == 1
        assert (await place.lab.until(failing, "running", restarts=1)).restarts == 1
        assert (await place.lab.until(never, "failed")).reason in ("signal", "exit-code")
        await place.lab.until_condition("engine-unreachable", holds=False)
        assert {c["Id"] for c in await place.containers()} == before
        assert place.lab.reports[done.id].state == "completed"
        assert "does not answer" not in place.lab.reports[always.id].message


async def test_an_engine_that_is_stopped_and_started_in_order_is_no_different(
    own_engine: Engine, tmp_path: Path
) -> None:
    async with _place(own_engine.base_url, own_engine.image, tmp_path) as place:
        always, never = place.task(), place.task(_FAILS_AT_ITS_END, restart=Restart("never"))
        await place.lab.hold(always, never)
        await place.lab.until(always, "running")
        await place.lab.until(never, "running")
        await asyncio.to_thread(own_engine.stop)
        await place.lab.until_condition("engine-unreachable")
        await asyncio.to_thread(own_engine.start)
        await place.lab.until(always, "running", restarts=1)
        assert await place.lab.until(never, "failed" if place.lab.reports[never.id].exit_code else "completed")
        assert len(await place.containers()) == 2


async def test_an_engine_that_hangs_while_tasks_start_makes_none_twice(own_engine: Engine, tmp_path: Path) -> None:
    async with _place(own_engine.base_url, own_engine.image, tmp_path, timeout_s=2.0) as place:
        first = place.task()
        await place.lab.hold(first)
        await place.lab.until(first, "running")
        tasks = [place.task() for _ in range(5)]
        await place.lab.hold(first, *tasks)
        await asyncio.to_thread(own_engine.hang)
        said = await place.lab.until_condition("engine-unreachable")
        assert "hangs" in said or "does not answer" in said
        await asyncio.sleep(3)  # long enough for starts to time out
        await asyncio.to_thread(own_engine.resume)
        for task in (first, *tasks):
            await place.lab.until(task, "running")
        await place.lab.until_condition("engine-unreachable", holds=False)
        containers = await place.containers()
        assert sorted(c["Labels"]["okube.task"] for c in containers) == sorted(t.id for t in (first, *tasks))
        assert place.lab.reports[first.id].restarts == 0
        assert all(c["State"] == "running" for c in containers)


# Disks.


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_disk_that_fills_up_is_told_before_it_is_full_and_the_agent_goes_on(
    place: Place, small_disk: Path
) -> None:
    place.lab.watched.append(small_disk)
    task = place.task()
    await place.lab.hold(task)
    await place.lab.until(task, "running")
    (small_disk / "most").write_bytes(bytes(60 << 20))
    assert f"{small_disk} has 6 % of 64.0 MiB left" in await place.lab.until_condition("disk-nearly-full")
    (small_disk / "rest").write_bytes(bytes((4 << 20) - 100_000))
    await place.lab.until_condition("disk-full")
    assert place.lab.reports[task.id].state == "running"
    (small_disk / "most").unlink()
    (small_disk / "rest").unlink()
    await place.lab.until_condition("disk-full", holds=False)
    await place.lab.until_condition("disk-nearly-full", holds=False)


async def test_an_agent_whose_own_disk_is_full_tells_what_runs_and_what_is_not_wanted_is_removed(
    docker_engine: DockerEngine, small_disk: Path
) -> None:
    async with _place(docker_engine.base_url, docker_engine.image, small_disk) as place:
        wanted, unwanted, ending = place.task(), place.task(), place.task("sleep 3; exit 3")
        await place.lab.hold(wanted, unwanted, ending)
        await place.lab.until(wanted, "running")
        with contextlib.suppress(OSError), (small_disk / "all").open("wb") as file:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        await place.lab.until_condition("disk-full")
        await place.lab.hold(wanted, ending)  # it is accepted: the agent had kept room for that

        async def is_gone() -> bool:
            return unwanted.id not in [c["Labels"]["okube.task"] for c in await place.containers()]

        await until(is_gone, "what is not wanted is stopped and removed")
        assert place.lab.reports[wanted.id].ready
        (small_disk / "all").unlink()
        await place.lab.until(ending, "running", restarts=1)
        await place.lab.until_condition("disk-full", holds=False)


async def test_an_engine_out_of_disk_is_told_and_its_tasks_are_told_as_they_are(tmp_path: Path) -> None:
    def make() -> Engine:
        return Engine.create(data_bytes=96 << 20)

    engine = await asyncio.to_thread(make)
    try:
        async with _place(engine.base_url, engine.image, tmp_path) as place:
            first = place.task()
            await place.lab.hold(first)
            await place.lab.until(first, "running")
            filler = place.task("cat /dev/zero > /fill; sleep 1000", restart=Restart("never"))
            await place.lab.hold(first, filler)
            assert str(engine.folder) in await place.lab.until_condition("disk-full")
            late = place.task()
            await place.lab.hold(first, filler, late)
            assert place.lab.reports[first.id].state == "running"
            await place.lab.hold(first, late)  # the filler goes, and with it what it wrote
            await place.lab.until_condition("disk-full", holds=False)
            assert place.lab.reports[first.id].state == "running"
            assert place.lab.reports[first.id].restarts == 0
    finally:
        await asyncio.to_thread(engine.destroy)
