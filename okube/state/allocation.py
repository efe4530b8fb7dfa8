"""What a node has promised to its tasks: sums that are kept as tasks come and go."""

from collections.abc import Mapping

from okube.model.spec import ServiceSpec
from okube.model.task import Task

__all__ = ["NO_ALLOCATION", "Allocation"]


class Allocation:
    """Sums over the placed, not ended tasks of one node. Cores are counted in thousandths: sums of floats drift."""

    __slots__ = ("changes", "disk", "memory", "millicores", "named", "ports", "tasks")

    def __init__(self) -> None:
        self.millicores = 0
        self.memory = 0  # bytes
        self.disk = 0  # bytes
        self.named: dict[str, int] = {}  # whoever has it keeps it as it was: a change is a new one
        self.tasks = 0
        self.changes = 0  # how often a task was counted in or out: what is derived from it is good as long as that
        self.ports: dict[tuple[int, str], str] = {}  # (host port, protocol) → task

    @property
    def cores(self) -> float:
        """Cores promised."""
        return self.millicores / 1000

    def add(self, task: Task, spec: ServiceSpec) -> None:
        """Count a task in."""
        self.millicores += round(spec.resources.cpus * 1000)
        self.memory += spec.resources.memory
        self.disk += spec.resources.disk
        if spec.resources.counts:
            self.named = _sum(self.named, spec.resources.counts, 1)
        self.tasks += 1
        self.changes += 1
        for port, wanted in zip(task.host_ports, spec.ports, strict=False):
            self.ports[port, wanted.protocol] = task.id

    def remove(self, task: Task, spec: ServiceSpec) -> None:
        """Count a task out."""
        self.millicores -= round(spec.resources.cpus * 1000)
        self.memory -= spec.resources.memory
        self.disk -= spec.resources.disk
        if spec.resources.counts:
            self.named = _sum(self.named, spec.resources.counts, -1)
        self.tasks -= 1
        self.changes += 1
        for port, wanted in zip(task.host_ports, spec.ports, strict=False):
            if self.ports.get((port, wanted.protocol)) == task.id:
                del self.ports[port, wanted.protocol]


def _sum(named: Mapping[str, int], counts: Mapping[str, int], sign: int) -> dict[str, int]:
    made = {**named, **{name: named.get(name, 0) + sign * count for name, count in counts.items()}}
    return {name: count for name, count in made.items() if count}


NO_ALLOCATION = Allocation()
