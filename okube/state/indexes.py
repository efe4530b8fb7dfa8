"""Services, tasks and nodes with what is derived from them: who is where, sums over tasks, specs in use.

Only ``Tables`` changes them, which calls what is here whenever a row comes, changes or goes.
"""

from collections.abc import Container
from itertools import islice

from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.state.allocation import NO_ALLOCATION, Allocation
from okube.state.progress import Progress, ServiceSums
from okube.state.targets import GlobalTargets

__all__ = ["IndexedRows", "counts_alike"]


def counts_alike(old: Task, new: Task) -> bool:
    """Whether no index and no sum can tell two rows of one task apart: most reports change a message or a time."""
    return (
        old.state == new.state
        and old.ready == new.ready
        and old.desired == new.desired
        and old.reason == new.reason
        and old.node == new.node
        and old.host_ports == new.host_ports
    )


class IndexedRows:
    """The rows, by id (nodes: by name), and their indexes. Read them; a change goes through ``Tables``."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.nodes: dict[str, Node] = {}
        self.specs: dict[tuple[str, int], ServiceSpec] = {}
        self.service_ids: dict[str, str] = {}  # name → id
        self.tasks_of_service: dict[str, dict[str, None]] = {}
        self.tasks_on_node: dict[str, dict[str, None]] = {}  # placed there, ended ones too
        self.tasks_in_state: dict[str, dict[str, None]] = {}
        self.allocations: dict[str, Allocation] = {}
        self.progress: dict[str, Progress] = {}  # of each service
        self.targets = GlobalTargets(self.nodes)
        self.living_in_slot: dict[tuple[str, int], dict[str, None]] = {}  # not ended
        self.ended_in_slot: dict[tuple[str, int], tuple[str, ...]] = {}  # in the order in which they ended
        self._tasks_of_spec: dict[tuple[str, int], int] = {}

    # Reading

    def service_named(self, name: str) -> Service | None:
        """The service of that name."""
        service_id = self.service_ids.get(name)
        return None if service_id is None else self.services[service_id]

    def spec_of(self, task: Task) -> ServiceSpec:
        """The spec that a task was made from."""
        return self.specs[task.service_id, task.version]

    def allocation_of(self, node: str) -> Allocation:
        """What the placed, not ended tasks of a node were promised."""
        return self.allocations.get(node, NO_ALLOCATION)

    def sums_of(self, service: Service) -> ServiceSums:
        """How many tasks of a service serve; how many slots are done with its newest version, and of how many."""
        progress = self.progress[service.id]
        total = service.wanted
        if service.spec.mode == "global":
            total = 0 if service.stopped else self.targets.count(service.id)
        return ServiceSums(progress.running, min(progress.done, total), min(progress.failed, total), total)

    def tasks_of(self, service_id: str, *, most: int | None = None) -> list[Task]:
        """All tasks of a service, ended ones too, oldest first; or the first of them."""
        return [self.tasks[task_id] for task_id in islice(self.tasks_of_service.get(service_id, ()), most)]

    # Keeping

    def _add_task(self, task: Task) -> None:
        key = (task.service_id, task.version)
        self._tasks_of_spec[key] = self._tasks_of_spec.get(key, 0) + 1
        self.tasks_of_service.setdefault(task.service_id, {})[task.id] = None
        self.tasks[task.id] = task
        self._index_task(task)
        self.targets.task_changed(None, task)

    def _index_service(self, old: Service | None, new: Service) -> None:
        progress = self.progress.get(new.id)
        if progress is None:
            self.progress[new.id] = Progress(new.version)
        elif progress.version != new.version:
            progress.new_version(new.version)
        self.targets.put_service(old, new)

    def _index_task(self, task: Task) -> None:
        self.tasks_in_state.setdefault(task.state, {})[task.id] = None
        if not task.ended:
            self.living_in_slot.setdefault((task.service_id, task.slot), {})[task.id] = None
        progress = self.progress.get(task.service_id)
        if progress is not None:
            progress.add(task, self.spec_of(task))
        if task.node is not None:
            self.tasks_on_node.setdefault(task.node, {})[task.id] = None
            if task.holds_resources:
                self.allocations.setdefault(task.node, Allocation()).add(task, self.spec_of(task))

    def _unindex_task(self, task: Task) -> None:
        del self.tasks_in_state[task.state][task.id]
        if not task.ended:
            living = self.living_in_slot[task.service_id, task.slot]
            del living[task.id]
            if not living:
                del self.living_in_slot[task.service_id, task.slot]
        progress = self.progress.get(task.service_id)
        if progress is not None:
            progress.remove(task, self.spec_of(task))
        if task.node is not None:
            on_node = self.tasks_on_node[task.node]
            del on_node[task.id]
            if not on_node:
                del self.tasks_on_node[task.node]
            if task.holds_resources:
                allocation = self.allocations[task.node]
                allocation.remove(task, self.spec_of(task))
                if not allocation.tasks:
                    del self.allocations[task.node]

    def _keep_spec(self, service_id: str, version: int, spec: ServiceSpec) -> None:
        self.specs[service_id, version] = spec

    def _drop_unused_specs(self, old: Service, kept: Container[int]) -> None:
        for version in (old.version, *(before.version for before in old.versions)):
            if version not in kept:
                self._drop_spec_if_unused((old.id, version))

    def _drop_spec_if_unused(self, key: tuple[str, int]) -> None:
        service = self.services.get(key[0])
        kept = () if service is None else (service.version, *(v.version for v in service.versions))
        if key[1] not in kept and key not in self._tasks_of_spec:
            self.specs.pop(key, None)
