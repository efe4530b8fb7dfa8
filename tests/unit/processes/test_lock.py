import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from okube.model.errors import Conflict
from okube.processes.lock import Running, hold, one_at_a_time, runs_in, started_of, write_pid
from okube.security import ProcessFiles

HOLD_UNTIL_KILLED = """
import sys, signal
from pathlib import Path
from okube.processes.lock import hold
from okube.security import ProcessFiles
with hold(ProcessFiles(Path(sys.argv[1])), what="manager m1"):
    print("held", flush=True)
    signal.pause()
"""


def test_a_second_holder_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    files = ProcessFiles(tmp_path)
    with (
        hold(files, what="manager m1"),
        pytest.raises(Conflict, match=rf"manager m1 runs already \(pid {os.getpid()}\)"),
        hold(files, what="manager m1"),
    ):
        pass


def test_the_holder_is_found_by_others_until_it_lets_go(tmp_path: Path) -> None:
    files = ProcessFiles(tmp_path)
    with hold(files, what="manager m1") as mine:
        assert runs_in(files) == mine
    assert runs_in(files) is None


def test_a_killed_holder_leaves_the_folder_free(tmp_path: Path) -> None:
    files = ProcessFiles(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD_UNTIL_KILLED, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        found = runs_in(files)
        assert found is not None and found.pid == holder.pid
        holder.kill()
    assert files.pid.exists()
    assert runs_in(files) is None
    with hold(files, what="manager m1"):
        pass


def test_a_pid_that_was_used_again_is_another_process(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{os.getpid()}\nsome-boot/12345\n")
    assert runs_in(ProcessFiles(tmp_path)) is None


@pytest.mark.parametrize("text", ["", "12", "x y", "1 2 3"])
def test_a_damaged_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert runs_in(ProcessFiles(tmp_path)) is None


def test_a_process_that_ended_unwaited_for_does_not_live() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        running = Running(process.pid, started_of(process.pid) or "")
        assert running.lives
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table
        assert not running.lives


def test_the_pid_of_nobody_has_no_start() -> None:
    process = multiprocessing.get_context("spawn").Process(target=len, args=((),))
    process.start()
    process.join()
    assert process.pid is not None
    assert started_of(process.pid) is None


def test_a_pid_file_reads_as_a_pid_first(tmp_path: Path) -> None:
    write_pid(tmp_path / "pid", os.getpid())
    assert (tmp_path / "pid").read_text().splitlines()[0] == str(os.getpid())
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]


def test_two_ups_do_not_meet(tmp_path: Path) -> None:
    lock, what = tmp_path / "up.lock", "cluster lab"
    refused = pytest.raises(Conflict, match="at work on cluster lab")
    with one_at_a_time(lock, what=what), refused, one_at_a_time(lock, what=what):
        pass
    with one_at_a_time(lock, what=what):
        pass
