import subprocess
import sys

from okube.processes.end import end
from okube.processes.lock import Running, running_as

DEAF = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
OBEDIENT = "import signal; print('here', flush=True); signal.pause()"


def started(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_process_that_listens_is_not_killed() -> None:
    with started(OBEDIENT) as process:
        assert end([running_as(process.pid)], grace_s=30) == []
    assert process.returncode == -15


def test_a_process_that_does_not_listen_is_killed() -> None:
    with started(DEAF) as process:
        running = running_as(process.pid)
        assert end([running], grace_s=0.1) == [running]
    assert process.returncode == -9


def test_a_later_process_with_the_same_pid_is_left_alone() -> None:
    with started(OBEDIENT) as process:
        assert end([Running(process.pid, "another-boot/1")], grace_s=0.1) == []
        assert process.poll() is None
        process.kill()


def test_one_that_ended_already_is_no_error() -> None:
    with started(OBEDIENT) as process:
        running = running_as(process.pid)
        process.kill()
    assert end([running], grace_s=0.1) == []
