from pathlib import Path

import pytest

from okube.worker.runtime.docker.kernel_log import killed_for_memory

ID = "cf40afd4b22ac45f3318d5963ae89fd99b7adca73fafbf44c1e6f9c0e18ce563"
OTHER = "e067845289ab3c5ad6af18bed38aa00aa9199f4954275d72bc3712049950613f"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A kernel's log with one kill in the container, 100 s after the machine began."""
    group = f"/docker/{ID}"
    path = tmp_path / "kmsg"
    path.write_text(
        "6,1,1000,-;Linux began\n"
        f"6,2,100000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg={group},task_memcg={group},task=sh,pid=7,uid=0\n"
        " SUBSYSTEM=none\n"
        "3,3,100000100,-;Memory cgroup out of memory: Killed process 7 (sh)\n"
    )
    return path


def test_a_kill_since_the_start_is_found(log: Path) -> None:
    assert killed_for_memory(ID, 5.0, log=log, uptime_s=103.0)


def test_a_kill_of_a_run_before_this_one_does_not_count(log: Path) -> None:
    assert not killed_for_memory(ID, 5.0, log=log, uptime_s=130.0)


def test_a_kill_in_another_container_does_not_count(log: Path) -> None:
    assert not killed_for_memory(OTHER, 5.0, log=log, uptime_s=103.0)


def test_a_log_that_cannot_be_read_shows_nothing(tmp_path: Path) -> None:
    assert not killed_for_memory(ID, 5.0, log=tmp_path / "none", uptime_s=103.0)
