"""What must hold at every moment: the books are kept from what managers apply and agents do."""

from collections.abc import Callable, Iterable, Mapping

from okube.model.epoch import Epoch
from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task, is_forward
from okube.model.wire import Assignment
from okube.state import Tables
from okube.state.tables import Row
from okube.worker.runtime.base import Container
from tests.simulation.whole.machine import CORES, Machine

__all__ = ["Checks"]


class Checks:
    """Satisfies the watchers of managers and machines. ``violate`` is called with each thing that must not be.

    ``tasks``, ``nodes`` and ``services`` are the rows of the newest revision that any manager has applied.
    """

    def __init__(self, violate: Callable[[str], None], note: Callable[[str], None]) -> None:
        self.machines: Mapping[str, Machine] = {}
        self.tasks: dict[str, Task] = {}
        self.gone_tasks: dict[str, None] = {}
        self.nodes: dict[str, Node] = {}
        self.services: dict[str, Service] = {}
        self.starts: dict[str, int] = {}  # task → how often a container of it began to run
        self.epoch = Epoch()
        self.epochs: dict[Epoch, None] = {}
        self.dispatches = 0
        self.taken_for_down: Callable[[str], None] = lambda node: None
        self._violate = violate
        self._note = note
        self._digests: dict[int, str] = {}
        self._revision = 0  # of the newest row that was seen
        self._contact: dict[str, Epoch] = {}
        self._specs: dict[tuple[str, int], ServiceSpec] = {}
        self._started_first: dict[str, None] = {}  # services whose new tasks were ever to come before the old ones go

    # Managers.

    def watch(self, manager: str, tables: Tables) -> None:
        """Follow the rows of a manager's new life."""

        def observe(table: str, old: Row | None, new: Row | None) -> None:
            self._changed(manager, tables, old, new)

        tables.observers.append(observe)

    def applied(self, manager: str, tables: Tables) -> None:
        """Equal revisions have equal digests."""
        self.epoch = max(self.epoch, tables.epoch)
        self.epochs[tables.epoch] = None
        digest = tables.digest.hex()
        known = self._digests.setdefault(tables.revision, digest)
        if known != digest:
            self._violate(f"{manager} has another digest at revision {tables.revision}")
        for name, allocation in tables.allocations.items():
            if allocation.cores > CORES:
                self._violate(f"{allocation.cores} cores are promised on {name}")

    def dispatched(self, manager: str, assignment: Assignment) -> None:
        """Only what is committed is sent, and only by somebody whose epoch is committed."""
        self.dispatches += 1
        if assignment.revision not in self._digests or assignment.epoch > self.epoch:
            self._violate(f"{manager} sends revision {assignment.revision} of {assignment.epoch}: nobody applied that")
        for task in assignment.tasks:
            known = self.tasks.get(task.id)
            if known is None or known.node != assignment.node:
                self._violate(f"{manager} sends task {task.id} to {assignment.node}, where it never was placed")

    def _changed(self, manager: str, tables: Tables, old: Row | None, new: Row | None) -> None:
        if isinstance(old, Task) and isinstance(new, Task):
            self._task_changed(manager, old, new)
        if isinstance(new, Task) and new.ready and tables.nodes[new.node or ""].state == "down":
            self._violate(f"{manager} calls {_title(new)} ready on {new.node}, which is down")
        if tables.revision <= self._revision:
            return
        self._revision = tables.revision
        self._keep(old, new)

    def _keep(self, old: Row | None, new: Row | None) -> None:
        if isinstance(new, Task):
            self._note_task(old, new)
            self.tasks[new.id] = new
        elif isinstance(new, Node):
            self._note(f"node {new.name} {new.state} {new.availability}")
            if new.state == "down" and isinstance(old, Node) and old.state == "ready":
                self.taken_for_down(new.name)
            self.nodes[new.name] = new
        elif isinstance(new, Service):
            self.services[new.name] = new
            self._specs[new.id, new.version] = new.spec
            if new.spec.update.order == "start-first" and not any(port.host for port in new.spec.ports):
                self._started_first[new.id] = None
        elif isinstance(old, Task):
            self.gone_tasks[old.id] = None
        elif isinstance(old, Service):
            self.services.pop(old.name, None)
        elif isinstance(old, Node):
            self.nodes.pop(old.name, None)

    def _note_task(self, old: Row | None, new: Task) -> None:
        before = old if isinstance(old, Task) else None
        if before is None or (before.state, before.desired, before.ready) != (new.state, new.desired, new.ready):
            ready = "ready" if new.ready else ""
            self._note(
                f"task {_title(new)} v{new.version} {new.state} {new.desired} {ready} on {new.node} "
                f"{new.reason or ''} {f'replaces {new.replaces}' if new.replaces else ''} revision {new.revision}"
            )

    def _task_changed(self, manager: str, old: Task, new: Task) -> None:
        if old.state != new.state and not is_forward(old.state, new.state):
            self._violate(f"{manager} takes {_title(new)} from {old.state} to {new.state}")
        if old.desired == "stop" and new.desired == "run":
            self._violate(f"{manager} wants {_title(new)} to run again")
        if old.node is not None and (old.node, old.node_id) != (new.node, new.node_id):
            self._violate(f"{manager} moves {_title(new)} from {old.node} to {new.node}")

    # Machines.

    def started(self, machine: str, container: Container) -> None:
        """A slot has one container that counts, and nothing runs that nobody has decided."""
        self._note(f"container of {container.task_id} starts on {machine}")
        self.starts[container.task_id] = self.starts.get(container.task_id, 0) + 1
        task = self.tasks.get(container.task_id)
        if task is None or task.node != machine:
            self._violate(f"{machine} starts a container of {container.task_id}, which was never placed there")
            return
        spec = self._specs[task.service_id, task.version]
        if spec.restart.policy == "never" and self.starts[task.id] > 1:
            self._violate(f"{_title(task)} runs again on {machine}, and its policy says never")
        for other_machine, other in self._running():
            twin = self.tasks.get(other.task_id)
            if other is container or twin is None or (other.id == container.id and other_machine == machine):
                continue
            self._check_pair(machine, task, other_machine, twin)

    def _check_pair(self, machine: str, task: Task, other_machine: str, other: Task) -> None:
        if is_given_up(task) or is_given_up(other):
            return
        ports = set(zip(task.host_ports, ["tcp"] * len(task.host_ports), strict=True))
        others = set(zip(other.host_ports, ["tcp"] * len(other.host_ports), strict=True))
        if machine == other_machine and ports & others:
            self._violate(f"{_title(task)} and {_title(other)} share a port of {machine}")
        if (task.service_id, task.slot) != (other.service_id, other.slot):
            return
        # Where the new one starts first, the old one may still be stopping when the new one is itself replaced.
        takes_over = task.replaces == other.id or other.replaces == task.id or "stop" in (task.desired, other.desired)
        if task.id != other.id and takes_over and task.service_id in self._started_first:
            return
        self._violate(
            f"slot {task.name} has two containers: {_title(task)} on {machine}, {_title(other)} on {other_machine}"
        )

    def stopped(self, machine: str, container: Container) -> None:
        """An agent ends only what the cluster has given up or wants to end."""
        self._note(f"container of {container.task_id} is stopped on {machine}")
        task = self.tasks.get(container.task_id)
        if task is None or task.id in self.gone_tasks or task.ended or task.desired == "stop":
            return
        self._violate(f"{machine} stops a container of {_title(task)}, which should run")

    def in_contact(self, machine: str, epoch: Epoch) -> None:
        """From now on this agent must obey nothing older."""
        self._contact[machine] = max(epoch, self._contact.get(machine, Epoch()))

    def obeyed(self, machine: str, assignment: Assignment) -> None:
        """An agent obeys no epoch that is older than one it had contact with."""
        if assignment.epoch < self._contact.get(machine, Epoch()):
            self._violate(f"{machine} obeys {assignment.epoch} after contact with {self._contact[machine]}")
        self.in_contact(machine, assignment.epoch)

    def made_anew(self, machine: str) -> None:
        """Another agent has had contact with nobody."""
        self._contact.pop(machine, None)

    def agent_failed(self, machine: str, error: BaseException) -> None:
        """An agent never ends by an exception."""
        self._violate(f"the agent of {machine} ended: {error!r}")

    def _running(self) -> Iterable[tuple[str, Container]]:
        for name, machine in self.machines.items():
            for container in machine.running:
                yield name, container


def is_given_up(task: Task) -> bool:
    """Whether the cluster expects nothing of it any more, though it may still run somewhere."""
    return task.ended and task.reason == "node-lost"


def _title(task: Task) -> str:
    return f"{task.name} ({task.id})"
