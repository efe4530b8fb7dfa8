from collections.abc import Mapping
from pathlib import Path

import pytest

from okube.worker.runtime.process.cgroups import Cgroups, Limits


def make_groups(root: Path, files: Mapping[str, tuple[str, ...]]) -> Path:
    """Folders with the files that the kernel would put into a new group."""
    for folder, names in files.items():
        (root / folder / "okube" / "t1").mkdir(parents=True)
        for name in names:
            (root / folder / "okube" / "t1" / name).touch()
    return root


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    files = {
        "pids": ("cgroup.procs",),
        "memory": ("cgroup.procs", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control"),
        "cpu": ("cgroup.procs", "cpu.cfs_period_us", "cpu.cfs_quota_us"),
    }
    return make_groups(tmp_path, files)


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    files = {"": ("cgroup.procs", "memory.max", "memory.swap.max", "memory.events", "cpu.max")}
    root = make_groups(tmp_path, files)
    for file in ("cgroup.controllers", "cgroup.subtree_control", "okube/cgroup.subtree_control"):
        (root / file).touch()
    return root


def test_version_1_has_a_group_in_each_hierarchy_that_is_needed(version_1: Path) -> None:
    limits = Cgroups(version_1).create("t1", memory=64 << 20, cpus=0.5)
    assert limits == Limits(
        tuple(str(version_1 / name / "okube" / "t1" / "cgroup.procs") for name in ("pids", "memory", "cpu")),
        str(version_1 / "memory" / "okube" / "t1" / "memory.oom_control"),
    )
    assert (version_1 / "memory/okube/t1/memory.limit_in_bytes").read_text() == str(64 << 20)
    assert (version_1 / "memory/okube/t1/memory.memsw.limit_in_bytes").read_text() == str(64 << 20)
    assert (version_1 / "cpu/okube/t1/cpu.cfs_quota_us").read_text() == "50000"


def test_version_1_without_limits_has_a_group_that_holds_all_processes(version_1: Path) -> None:
    limits = Cgroups(version_1).create("t1", memory=0, cpus=0)
    assert limits == Limits((str(version_1 / "pids" / "okube" / "t1" / "cgroup.procs"),))


def test_version_2_has_one_group(version_2: Path) -> None:
    limits = Cgroups(version_2).create("t1", memory=64 << 20, cpus=1.5)
    group = version_2 / "okube" / "t1"
    assert limits == Limits((str(group / "cgroup.procs"),), str(group / "memory.events"))
    assert (group / "memory.max").read_text() == str(64 << 20)
    assert (group / "memory.swap.max").read_text() == "0"
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (version_2 / "cgroup.subtree_control").read_text() == "+pids +memory +cpu"


def test_a_kernel_that_does_not_account_swap_limits_memory_alone(version_1: Path) -> None:
    (version_1 / "memory/okube/t1/memory.memsw.limit_in_bytes").unlink()
    assert Cgroups(version_1).create("t1", memory=64 << 20, cpus=0).oom_file


def test_where_no_group_can_be_made_the_limit_is_left_to_others(tmp_path: Path) -> None:
    assert Cgroups(tmp_path).create("t1", memory=64 << 20, cpus=1) == Limits(data_bytes=64 << 20)


def test_a_group_that_cannot_keep_the_limit_is_not_used(version_1: Path) -> None:
    (version_1 / "memory/okube/t1/memory.limit_in_bytes").unlink()
    assert Cgroups(version_1).create("t1", memory=64 << 20, cpus=0) == Limits(data_bytes=64 << 20)


def test_the_processes_of_a_task_are_those_of_its_group(version_1: Path) -> None:
    (version_1 / "pids/okube/t1/cgroup.procs").write_text("12\n13\n")
    assert Cgroups(version_1).pids("t1") == [12, 13]
    assert Cgroups(version_1).pids("t2") == []


def test_a_cpu_limit_is_never_below_what_the_kernel_takes(version_1: Path) -> None:
    Cgroups(version_1).create("t1", memory=0, cpus=0.001)
    assert (version_1 / "cpu/okube/t1/cpu.cfs_quota_us").read_text() == "1000"
