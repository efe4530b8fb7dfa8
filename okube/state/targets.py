"""Which nodes each global service is for: kept as nodes, services and tasks change, instead of looked up anew."""

from okube.model.constraints import Constraint, parse_constraint
from okube.model.node import Node
from okube.model.service import Service
from okube.model.task import Task
from okube.state.attributes import attributes_of

__all__ = ["GlobalTargets"]


class _Target:
    """One global service: what it asks of nodes, on which it has a task that should run, and the nodes it is for."""

    __slots__ = ("constraints", "held", "nodes")

    def __init__(self, constraints: tuple[str, ...]) -> None:
        self.constraints: tuple[Constraint, ...] = tuple(parse_constraint(text) for text in constraints)
        self.held: dict[str, int] = {}
        self.nodes: dict[str, None] = {}


class GlobalTargets:
    """A node counts where it meets the constraints and is active, down or not.

    A node that is cordoned, or held because it comes and goes, keeps the task that it has and gets no new one.
    """

    def __init__(self, nodes: dict[str, Node]) -> None:
        self._nodes = nodes
        self._targets: dict[str, _Target] = {}

    def names(self, service_id: str) -> list[str]:
        """The nodes that should have a task of a service, sorted."""
        target = self._targets.get(service_id)
        return [] if target is None else sorted(target.nodes)

    def count(self, service_id: str) -> int:
        """How many nodes should have a task of a service."""
        target = self._targets.get(service_id)
        return 0 if target is None else len(target.nodes)

    def count_for(self, constraints: tuple[str, ...]) -> int:
        """How many nodes should have a task of a service with these constraints, were it made now."""
        made = _Target(constraints)
        return sum(_is_for(made, node) for node in self._nodes.values())

    def put_service(self, old: Service | None, new: Service) -> None:
        """A service is there, or changed."""
        if new.spec.mode != "global":
            return
        if old is not None and old.spec.constraints == new.spec.constraints:
            return
        made = _Target(new.spec.constraints)
        known = self._targets.get(new.id)
        if known is not None:
            made.held = known.held
        self._targets[new.id] = made
        for name in self._nodes:
            self._look(made, name)

    def delete_service(self, service_id: str) -> None:
        """A service is gone."""
        self._targets.pop(service_id, None)

    def node_changed(self, name: str) -> list[str]:
        """A node came, changed or went; the ids, sorted, of services for which it counts now and did not, or did."""
        return sorted(service_id for service_id, target in self._targets.items() if self._look(target, name))

    def task_changed(self, old: Task | None, new: Task | None) -> None:
        """A task came, changed or went."""
        row = new if new is not None else old
        if row is None or row.pinned is None:
            return  # it is of no global service
        before, after = _holds(old), _holds(new)
        if before == after:
            return
        target = self._targets.get(row.service_id)
        name = after or before
        if target is None or name is None:
            return
        count = target.held.get(name, 0) + (1 if after else -1)
        if count:
            target.held[name] = count
        else:
            target.held.pop(name, None)
        self._look(target, name)

    def _look(self, target: _Target, name: str) -> bool:
        """Whether it changed that the node counts."""
        node = self._nodes.get(name)
        counts = node is not None and _is_for(target, node)
        if counts == (name in target.nodes):
            return False
        if counts:
            target.nodes[name] = None
        else:
            del target.nodes[name]
        return True


def _is_for(target: _Target, node: Node) -> bool:
    if not _takes_new(node) and not (node.availability in ("active", "cordoned") and node.name in target.held):
        return False
    if not target.constraints:
        return True
    attributes = attributes_of(node)
    return all(constraint.allows(attributes.get(constraint.attribute, "")) for constraint in target.constraints)


def _takes_new(node: Node) -> bool:
    return node.availability == "active" and not node.held_until_ms


def _holds(task: Task | None) -> str | None:
    """The node that a task of a global service should run on."""
    return None if task is None or task.ended or task.desired != "run" else task.pinned
