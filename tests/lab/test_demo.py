"""``make demo`` and ``make down`` as on a fresh machine, with either runtime."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.lab.engine import wait_until
from tests.lab.machine import Machine

_REPOSITORY = Path(__file__).parents[2]
_OKUBE = Path(sys.executable).with_name("okube")


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    try:
        yield made
    finally:
        made.destroy()


def lay_out(folder: Path, runtime: str) -> None:
    """What the demo needs of the repository, with a runtime."""
    described = yaml.safe_load((_REPOSITORY / "cluster.yaml").read_text())
    described["runtime"] = runtime
    (folder / "cluster.yaml").write_text(yaml.safe_dump(described))
    (folder / "examples").symlink_to(_REPOSITORY / "examples")


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        ("auto", ["started the distribution's Docker Engine", "6 started", "3 managers and 3 nodes", "docker ps"]),
        ("process", ["processes of this machine", "6 started", "3 managers and 3 nodes"]),
    ],
)
def test_the_demo_brings_a_cluster_with_an_app_a_second_finds_it_and_down_ends_it(
    machine: Machine, tmp_path: Path, runtime: str, said: list[str]
) -> None:
    lay_out(tmp_path, runtime)
    first = machine.run(sys.executable, "-m", "okube.processes.demo", cwd=tmp_path)
    assert first.returncode == 0, first
    assert all(words in first.stdout for words in said), first.stdout
    pages = re.findall(r"http://\S+", first.stdout)
    assert len(set(pages)) == 3, first.stdout
    for page in pages:  # its task runs, which does not say that it listens already
        fetch = ("busybox", "wget", "-q", "-O", "-", page)
        wait_until(lambda: "Hello from" in machine.run(*fetch, cwd=tmp_path).stdout, page)  # noqa: B023  # awaited here
    before = tasks(machine, tmp_path)
    assert len(before) == 5

    second = machine.run(sys.executable, "-m", "okube.processes.demo", cwd=tmp_path)
    assert second.returncode == 0, second
    assert "started" not in second.stdout
    assert tasks(machine, tmp_path) == before

    down = machine.run(_OKUBE, "down", "--purge", cwd=tmp_path)
    assert down.returncode == 0, down
    assert machine.processes() == []
    assert not (tmp_path / ".okube").exists()


def test_what_the_demo_started_comes_back_with_up(machine: Machine, tmp_path: Path) -> None:
    lay_out(tmp_path, "auto")
    assert machine.run(sys.executable, "-m", "okube.processes.demo", cwd=tmp_path).returncode == 0
    assert machine.run(_OKUBE, "down", cwd=tmp_path).returncode == 0
    assert machine.run(_OKUBE, "down", cwd=tmp_path).returncode == 0
    assert machine.processes() == []
    up = machine.run(_OKUBE, "up", "-d", cwd=tmp_path)
    assert up.returncode == 0, up
    again = machine.run(_OKUBE, "apply", "-f", "examples/demo.yaml", cwd=tmp_path)
    assert again.returncode == 0, again
    assert len(tasks(machine, tmp_path)) == 5
    assert machine.run(_OKUBE, "down", "--purge", cwd=tmp_path).returncode == 0


def test_down_finds_the_containers_of_an_engine_that_was_killed(machine: Machine, tmp_path: Path) -> None:
    lay_out(tmp_path, "auto")
    assert machine.run(sys.executable, "-m", "okube.processes.demo", cwd=tmp_path).returncode == 0
    pid = (tmp_path / ".okube" / ".engine" / "pid").read_text().split()[0]
    assert machine.run("kill", "-9", pid, cwd=tmp_path).returncode == 0
    down = machine.run(_OKUBE, "down", cwd=tmp_path)
    assert down.returncode == 0, down
    assert machine.processes() == []


def tasks(machine: Machine, folder: Path) -> set[str]:
    """The ids of the tasks that run and are ready."""
    shown = machine.run(_OKUBE, "ps", "-o", "json", cwd=folder)
    return {task["id"] for task in json.loads(shown.stdout) if task["ready"]}
