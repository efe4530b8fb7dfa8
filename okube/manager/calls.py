"""Whom the services of a cluster call: from the names in specs to the rules of the scheduler. Pure."""

from collections.abc import Callable, Iterator, Sequence

from okube.manager.scheduling import scheduling_in
from okube.model.dependency import Dependency
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.scheduler import CallRule
from okube.scheduler.ordering import DEPENDENCIES_FIRST
from okube.scheduler.topology import Topology
from okube.state import Tables
from okube.state.readiness import wants_tasks
from okube.state.siblings import called

__all__ = ["Calls", "Network"]

Network = Callable[[], Topology]
"""What is known of the network between the nodes, in the order of their names."""
Alike = list[tuple[list[Task], ServiceSpec]]


class Calls:
    """The rules of one go of placing; who calls whom is looked up once."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._dependencies_first = scheduling_in(tables).order in DEPENDENCIES_FIRST
        self._callers: dict[str, list[tuple[Service, Dependency]]] | None = None

    def rules(self, service_id: str, spec: ServiceSpec) -> tuple[CallRule, ...]:
        """Whom tasks of a service call, and who calls them."""
        return (*self._own(spec), *self._theirs(service_id))

    def any_rules(self, alike: Alike) -> bool:
        """Whether any of these services talks with another: else the network needs no look."""
        return any(spec.dependencies or self._theirs_of(tasks[0].service_id) for tasks, spec in alike)

    def _own(self, spec: ServiceSpec) -> Iterator[CallRule]:
        for each in spec.dependencies:
            service_id = called(self._tables, each.service, spec.app)
            target = None if service_id is None else self._tables.services[service_id]
            awaited = self._dependencies_first and target is not None and wants_tasks(target)
            yield _rule(each, service_id or "", each.service, awaited=awaited)

    def _theirs(self, service_id: str) -> Iterator[CallRule]:
        for caller, dependency in self._theirs_of(service_id):
            yield _rule(dependency, caller.id, caller.name, depends=True)

    def _theirs_of(self, service_id: str) -> Sequence[tuple[Service, Dependency]]:
        if self._callers is None:
            self._callers = {}
            for caller in self._tables.services.values():
                for each in caller.spec.dependencies:
                    target = called(self._tables, each.service, caller.spec.app)
                    if target is not None:
                        self._callers.setdefault(target, []).append((caller, each))
        return self._callers.get(service_id, ())


def _rule(
    dependency: Dependency, service_id: str, name: str, *, awaited: bool = False, depends: bool = False
) -> CallRule:
    return CallRule(
        service=service_id,
        name=name,
        max_latency_s=dependency.max_latency,
        min_bandwidth_bps=dependency.min_bandwidth,
        traffic_bps=dependency.traffic,
        awaited=awaited,
        depends=depends,
    )
