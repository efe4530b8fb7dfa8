"""What became of tasks: columns, for there are many."""

from dataclasses import dataclass, field

__all__ = ["PlacedTask", "Placement", "Rejection"]


@dataclass(frozen=True, slots=True)
class PlacedTask:
    """A task with its node and a host port for each port it asked for, in the order it asked.

    ``why`` follows the node's name in a sentence: ``of 3 nodes that fit: fewest tasks of web``. Tasks that were placed
    for the same reason share one.
    """

    task: str
    node: str
    host_ports: tuple[int, ...] = ()
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Tasks of one group that no node can take, and a sentence that says why."""

    tasks: tuple[str, ...]
    message: str


@dataclass(slots=True)
class Placement:
    """What became of every task, in the order the tasks were given.

    The columns ``tasks``, ``nodes``, ``host_ports`` and ``reasons`` have a row for each task that is placed, with what
    a ``PlacedTask`` says of it.
    """

    tasks: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    host_ports: list[tuple[int, ...]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list, compare=False)
    rejected: list[Rejection] = field(default_factory=list)

    @property
    def placed(self) -> list[PlacedTask]:
        """The tasks that are placed, one by one: made when asked for."""
        return list(map(PlacedTask, self.tasks, self.nodes, self.host_ports, self.reasons))
