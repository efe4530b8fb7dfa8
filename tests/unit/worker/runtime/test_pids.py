import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from okube.worker.runtime.pids import Identity, boot_id, is_alive, kill_group, open_pidfd, processes_of
from tests.lab.engine import wait_until


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-S", "-c", "import time; time.sleep(1000)"]
    with subprocess.Popen(command, start_new_session=True, env={"MARK": "x y"}) as process:
        wait_until(lambda: b"MARK" in Path(f"/proc/{process.pid}/environ").read_bytes(), "its environment is laid out")
        yield process
        process.kill()


def identity(process: "subprocess.Popen[bytes]") -> Identity:
    start = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    return Identity(boot_id(), process.pid, int(start))


def test_a_process_is_alive_until_it_ends(sleeper: "subprocess.Popen[bytes]") -> None:
    known = identity(sleeper)
    assert is_alive(known)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(known)  # a zombie
    sleeper.wait()
    assert not is_alive(known)


@pytest.mark.parametrize("change", [{"start": 1}, {"boot": "another"}])
def test_a_process_with_the_same_pid_is_another(sleeper: "subprocess.Popen[bytes]", change: dict[str, object]) -> None:
    other = msgspec.structs.replace(identity(sleeper), **change)
    assert not is_alive(other)
    assert open_pidfd(other) is None
    assert not kill_group(other, signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_group_gets_the_signal(sleeper: "subprocess.Popen[bytes]") -> None:
    assert kill_group(identity(sleeper), signal.SIGTERM)
    assert sleeper.wait(30) == -signal.SIGTERM


def test_a_session_is_known_by_a_mark(sleeper: "subprocess.Popen[bytes]") -> None:
    assert processes_of(sleeper.pid, "MARK=x y") == [sleeper.pid]
    assert processes_of(sleeper.pid, "MARK=x") == []
    assert processes_of(os.getpid(), "MARK=x y") == []
