"""Services, tasks and nodes with what is derived from them: who is where, sums over tasks, specs in use.

Only ``Tables`` changes them, which calls what is here whenever a row comes, changes or goes.
"""

from collections.abc import Container
from itertools import islice

from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import ENDED, Task
from okube.state.allocation import NO_ALLOCATION, Allocation
from okube.state.asked import Asked
from okube.state.progress import Progress, ServiceSums
from okube.state.slots import LivingSlots
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
        self.ended_on_node: dict[str, dict[str, None]] = {}  # of these, the ended ones
        self.tasks_in_state: dict[str, dict[str, None]] = {}
        self.allocations: dict[str, Allocation] = {}
        self.progress: dict[str, Progress] = {}  # of each service
        self.targets = GlobalTargets(self.nodes)
        self.asked = Asked()
        self.living_in_slot = LivingSlots()
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

    def shows(self, service: Service, sums: ServiceSums) -> bool:
        """Whether these are its sums still, as they were before some of its tasks changed; quicker than ``sums_of``."""
        progress = self.progress[service.id]
        return (
            service.spec.mode != "global"
            and progress.running == sums.running
            and min(progress.done, sums.total) == sums.done
            and min(progress.failed, sums.total) == sums.failed
        )

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
        self.asked.changed(old, new)

    def _index_task(self, task: Task) -> None:
        self.tasks_in_state.setdefault(task.state, {})[task.id] = None
        if task.state not in ENDED:
            self.living_in_slot.add(task.service_id, task.slot, task.id)
        progress = self.progress.get(task.service_id)
        if progress is not None:
            progress.add(task, self.spec_of(task))
        if task.node is not None:
            self._index_on_node(task)

    def _unindex_task(self, task: Task) -> None:
        del self.tasks_in_state[task.state][task.id]
        if not task.ended:
            self.living_in_slot.remove(task.service_id, task.slot, task.id)
        progress = self.progress.get(task.service_id)
        if progress is not None:
            progress.remove(task, self.spec_of(task))
        self._unindex_on_node(task)

    def _reindex_task(self, old: Task, new: Task) -> None:
        """The same as to take one row of a task out and to put the next one in, and cheaper."""
        has_ended = (new.state in ENDED) != (old.state in ENDED)
        if old.state != new.state:
            del self.tasks_in_state[old.state][old.id]
            self.tasks_in_state.setdefault(new.state, {})[new.id] = None
            if has_ended:
                keep = self.living_in_slot.remove if new.ended else self.living_in_slot.add
                keep(new.service_id, new.slot, new.id)
        progress = self.progress.get(new.service_id)
        if progress is not None:
            progress.change(old, new, self.spec_of(new))
        if has_ended or old.node != new.node or old.host_ports != new.host_ports:
            if old.node is not None:
                self._unindex_on_node(old)
            self._index_on_node(new)

    def _index_on_node(self, task: Task) -> None:
        if task.node is None:
            return
        on_node = self.tasks_on_node.get(task.node)
        if on_node is None:
            on_node = self.tasks_on_node[task.node] = {}
        on_node[task.id] = None
        if task.state in ENDED:
            self.ended_on_node.setdefault(task.node, {})[task.id] = None
            return
        allocation = self.allocations.get(task.node)
        if allocation is None:
            allocation = self.allocations[task.node] = Allocation()
        allocation.add(task, self.spec_of(task))

    def _unindex_on_node(self, task: Task) -> None:
        if task.node is None:
            return
        _remove(self.tasks_on_node, task.node, task.id)
        if task.ended:
            _remove(self.ended_on_node, task.node, task.id)
            return
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


def _remove(index: dict[str, dict[str, None]], key: str, task_id: str) -> None:
    ids = index[key]
    del ids[task_id]
    if not ids:
        del index[key]
