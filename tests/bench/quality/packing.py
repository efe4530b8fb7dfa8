"""On how few machines a heap of tasks fits at all, found by trying."""

from collections import Counter

from tests.bench.quality.instances import Instance

__all__ = ["fewest_cores"]

_MOST_CORES, _MOST_MEMORY = 8, 2**35
Size = tuple[float, float]
"""Cores and bytes."""


def fewest_cores(instance: Instance, enough: int) -> int:
    """The least sum of the cores of machines on which all tasks fit together; they are known to fit on ``enough``.

    Where all machines are equal, that is how few they are. The largest tasks come first, each on a machine in use or on
    a new one of any size; what is left is given up where all the cores that may still be used are too few.
    """
    tasks = sorted(
        ((group.cpus, float(group.memory)) for group in instance.groups for _ in group.tasks),
        key=lambda task: (-task[0] / _MOST_CORES - task[1] / _MOST_MEMORY, task),
    )
    spare = Counter((node.cores, float(node.memory)) for node in instance.nodes)
    step = int(min(cores for cores, _ in spare))
    least = (range(step, enough, step)) if tasks else range(0)
    return next((cores for cores in least if _fit(tasks, [], spare, cores)), enough)


def _fit(tasks: list[Size], used: list[Size], spare: Counter[Size], cores: float) -> bool:
    """Whether the tasks fit on what is left of the machines in use, and on new ones with so many cores in all."""
    if not tasks:
        return True
    if sum(cpus for cpus, _ in tasks) > cores + sum(left for left, _ in used):
        return False
    (cpus, memory), rest = tasks[0], tasks[1:]
    for machine in sorted(set(used)):
        if machine[0] >= cpus and machine[1] >= memory:
            others = [*used]
            others.remove(machine)
            if _fit(rest, [*others, (machine[0] - cpus, machine[1] - memory)], spare, cores):
                return True
    for size in sorted(spare):
        if spare[size] and cpus <= size[0] <= cores and memory <= size[1]:
            fewer = spare - Counter([size])
            if _fit(rest, [*used, (size[0] - cpus, size[1] - memory)], fewer, cores - size[0]):
                return True
    return False
