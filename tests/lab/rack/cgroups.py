"""Control groups of the lab's hosts: one in each hierarchy of the machine, a host's own below it."""

from pathlib import Path

from tests.lab.leftovers import kill_all, pids_below, remove_cgroups

__all__ = ["end", "make"]

_TOP = "okube-rack"


def make(name: str) -> list[Path]:
    """Make a host's groups; answers them all."""
    made = []
    for hierarchy in _hierarchies():
        top = hierarchy / _TOP
        top.mkdir(exist_ok=True)
        if (top / "cpuset.mems").exists():  # a group of cpusets holds no process before it is told which cores it has
            for kind in ("cpuset.cpus", "cpuset.mems"):
                (top / kind).write_text((hierarchy / kind).read_text())
            (top / "cgroup.clone_children").write_text("1")
        (top / name).mkdir()
        made.append(top / name)
    return made


def end(name: str) -> None:
    """Kill what is in a host's groups and remove them."""
    for hierarchy in _hierarchies():
        group = hierarchy / _TOP / name
        if group.is_dir():
            kill_all(pids_below(group))
            remove_cgroups(group)


def _hierarchies() -> list[Path]:
    """Where control groups are mounted: one place for each of the first kind, else the one of the second."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    first = [Path(words[1]) for words in lines if words[2] == "cgroup"]
    return first or [Path(words[1]) for words in lines if words[2] == "cgroup2"]
