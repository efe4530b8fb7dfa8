import os
from pathlib import Path

import msgspec
import pytest

from okube.worker.runtime.pids import boot_id
from okube.worker.runtime.process.folder import Exit, Record, TaskFolder


@pytest.fixture
def folder(tmp_path: Path) -> TaskFolder:
    record = Record("c1", "w1", "t1", "host", ("true",), stop_signal="SIGINT", ports=((8080, "tcp"),))
    (tmp_path / "task.json").write_bytes(msgspec.json.encode(record))
    return TaskFolder(tmp_path)


def run_under(folder: TaskFolder, pid: int) -> None:
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    (folder.path / "run").write_text(f"{boot_id()} {pid} {start} {pid} {start} 1000\n")


def test_a_task_that_never_ran_is_created(folder: TaskFolder) -> None:
    seen = folder.see()
    assert seen is not None
    assert (seen.container.state, seen.container.stop_signal, seen.ports) == ("created", "SIGINT", ((8080, "tcp"),))


def test_a_task_whose_shim_lives_runs(folder: TaskFolder) -> None:
    run_under(folder, os.getpid())
    seen = folder.see()
    assert seen is not None
    assert (seen.container.state, seen.container.started_ms) == ("running", 1000)
    assert not folder.is_orphan()


def test_a_task_that_ended_has_its_code(folder: TaskFolder) -> None:
    run_under(folder, os.getpid())
    folder.write_exit(Exit(7, 2000, oom_killed=True), "why")
    seen = folder.see()
    assert seen is not None
    assert (seen.container.state, seen.container.exit_code, seen.container.ended_ms) == ("exited", 7, 2000)
    assert (seen.container.oom_killed, seen.container.error) == (True, "why")


def test_a_task_whose_shim_is_gone_without_a_word_is_an_orphan(folder: TaskFolder) -> None:
    (folder.path / "run").write_text(f"another-boot {os.getpid()} 1 {os.getpid()} 1 1000\n")
    assert folder.see() is None
    assert folder.is_orphan()


def test_a_run_that_is_forgotten_is_as_if_it_never_was(folder: TaskFolder) -> None:
    run_under(folder, os.getpid())
    folder.write_exit(Exit(7, 2000, oom_killed=False), "why")
    folder.forget_run()
    seen = folder.see()
    assert seen is not None
    assert (seen.container.state, seen.container.error) == ("created", "")


@pytest.mark.parametrize("text", ["", "{", '{"cluster_id": 1}'])
def test_a_record_that_is_damaged_is_no_task(folder: TaskFolder, text: str) -> None:
    (folder.path / "task.json").write_text(text)
    assert folder.see() is None


def test_a_run_half_written_is_none(folder: TaskFolder) -> None:
    (folder.path / "run").write_text("boot 1 2")
    assert folder.run() is None
