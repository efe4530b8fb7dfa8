"""What a task is given in memory; each test runs on a real Docker Engine and on real processes."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from okube.model.exec import ExecRequest
from okube.model.mounts import Mount
from okube.model.wire import AssignedTask
from okube.worker.runtime.base import Container, Runtime
from okube.worker.secretfiles import SecretFiles, Values
from okube.worker.secretplace import find_place
from tests.lab.runtime.conftest import ON_DOCKER
from tests.lab.runtime.site import Site, ended, lines_of, until

FOREVER = "while true; do sleep 0.05; done"
VALUES: Values = {("secret", "db"): b"hunter2", ("config", "page"): b"page 1"}


@pytest.fixture
def files(site: Site) -> Iterator[SecretFiles]:
    place = find_place(site.cluster_id, "w1", os.environ)
    yield SecretFiles(place)
    shutil.rmtree(place, ignore_errors=True)
    with contextlib.suppress(OSError):
        place.parent.rmdir()


def _given(task: AssignedTask, *versions: int) -> AssignedTask:
    return msgspec.structs.replace(task, mounted=versions)


async def _running(runtime: Runtime, files: SecretFiles, task: AssignedTask, values: Values = VALUES) -> Container:
    await runtime.prepare(task)
    made = await runtime.create(task, files.lay(task, values))
    return await runtime.run(made.id)


async def _output(runtime: Runtime, container_id: str) -> list[str]:
    return [line.text for line in await lines_of(runtime, container_id)]


async def _says(runtime: Runtime, container_id: str, text: str) -> None:
    async def found() -> bool:
        return text in await _output(runtime, container_id)

    await until(found, f"it says {text}")


async def test_a_task_finds_its_files_where_its_service_wants_them(
    site: Site, runtime: Runtime, files: SecretFiles
) -> None:
    script = f"cat {site.inside('/run/secrets/db')}; echo; cat {site.inside('/srv/page')}; echo"
    task = site.task(script, secrets=(Mount("db"),), configs=(Mount("page", target="/srv/page"),))
    container = await _running(runtime, files, _given(task, 1, 1))
    await _says(runtime, container.id, "hunter2")
    await _says(runtime, container.id, "page 1")


async def test_a_variable_is_the_tasks_and_that_of_commands_beside_it(
    site: Site, runtime: Runtime, files: SecretFiles
) -> None:
    task = _given(site.task(f"echo got $PASSWORD; {FOREVER}", secrets=(Mount("db", env="PASSWORD"),)), 1)
    container = await _running(runtime, files, task)
    await _says(runtime, container.id, "got hunter2")
    session = await runtime.exec(container.id, ExecRequest(command=("sh", "-c", "echo $PASSWORD")))
    try:
        assert await session.read() == ("stdout", b"hunter2\n")
    finally:
        await session.close()


async def test_a_new_value_is_seen_by_a_task_that_runs_and_a_signal_tells_it(
    site: Site, runtime: Runtime, files: SecretFiles
) -> None:
    paths = f"{site.inside('/run/secrets/db')} {site.inside('/srv/page')}"
    task = site.task(
        f"trap 'cat {paths}; echo' HUP; echo ready; {FOREVER}",
        secrets=(Mount("db", on_rotate="SIGHUP"),),
        configs=(Mount("page", target="/srv/page", on_rotate="SIGHUP"),),
    )
    container = await _running(runtime, files, _given(task, 1, 1))
    await _says(runtime, container.id, "ready")
    files.lay(_given(task, 2, 2), {("secret", "db"): b"new ", ("config", "page"): b"pages"})
    await runtime.signal(container.id, "SIGHUP")
    await _says(runtime, container.id, "new pages")
    assert (await runtime.inspect(container.id)) == container


async def test_a_signal_to_what_has_ended_or_is_gone_is_no_error(site: Site, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("exit 0"))
    await runtime.signal(container.id, "SIGHUP")
    await runtime.remove(container.id)
    await runtime.signal(container.id, "SIGHUP")


async def test_who_is_given_a_secret_leaves_no_core(site: Site, runtime: Runtime, files: SecretFiles) -> None:
    task = _given(site.task(f"ulimit -c; {FOREVER}", secrets=(Mount("db"),)), 1)
    container = await _running(runtime, files, task)
    await _says(runtime, container.id, "0")


async def test_it_is_started_again_once_its_files_were_laid_again(
    site: Site, runtime: Runtime, files: SecretFiles
) -> None:
    task = _given(site.task(f"cat {site.inside('/run/secrets/db')}; echo; {FOREVER}", secrets=(Mount("db"),)), 1)
    container = await _running(runtime, files, task)
    await _says(runtime, container.id, "hunter2")
    await runtime.stop(container.id, signal="SIGKILL", grace_s=10)
    files.drop(task.id)
    files.lay(task, VALUES)
    await runtime.run(container.id)

    async def twice() -> bool:
        return (await _output(runtime, container.id)).count("hunter2") == 2

    await until(twice, "it reads its secret again")


@pytest.mark.parametrize("site", [ON_DOCKER], indirect=True)
async def test_in_a_container_a_file_can_only_be_read_and_by_whom_its_service_says(
    site: Site, runtime: Runtime, files: SecretFiles
) -> None:
    """Processes run as the agent's own user, which may do what it may."""
    secrets: Any = (Mount("db", mode="0400", uid=1234, gid=77),)
    script = (
        "stat -c '%a %u %g' /run/secrets/db; touch /run/secrets/db || echo refused; touch /run/secrets/x || echo no"
    )
    container = await _running(runtime, files, _given(site.task(f"{script}; {FOREVER}", secrets=secrets), 1))
    for line in ("400 1234 77", "refused", "no"):
        await _says(runtime, container.id, line)
