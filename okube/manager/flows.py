"""Who reserves bandwidth to whom: from specs and tasks to the flows of the scheduler. Pure."""

from collections import Counter
from collections.abc import Iterator

from okube.manager.calls import Network
from okube.manager.topology import topology_in
from okube.scheduler.flows import Flow
from okube.scheduler.network import NetworkView
from okube.state import Tables
from okube.state.siblings import called

__all__ = ["flows_in", "network_view"]


def network_view(tables: Tables, network: Network | None) -> NetworkView:
    """The network as placements look at it, with what tasks reserve of it; without ``network`` nothing is measured."""
    return NetworkView(network() if network else topology_in(tables, None), flows_in(tables))


def flows_in(tables: Tables) -> list[Flow]:
    """The flows of all services that ask for bandwidth, in any version of theirs that is kept.

    A task counts from the moment that it has a node until it has ended, as it does for memory.
    """
    asked = dict.fromkeys(_asked(tables))
    if not asked:
        return []
    placed: dict[str, Counter[str]] = {}
    of_version: dict[tuple[str, int], Counter[str]] = {}
    for service_id in {each for service, _, target, _ in asked for each in (service, target)}:
        placed[service_id] = Counter()
        for task in tables.tasks_of(service_id):
            if task.node is not None and task.holds_resources:
                placed[service_id][task.node] += 1
                of_version.setdefault((service_id, task.version), Counter())[task.node] += 1
    flows: dict[tuple[str, str, int], Counter[str]] = {}
    for service_id, version, target, bps in asked:
        flows.setdefault((service_id, target, bps), Counter()).update(of_version.get((service_id, version), {}))
    return [Flow(service, target, bps, counts, placed[target]) for (service, target, bps), counts in flows.items()]


def _asked(tables: Tables) -> Iterator[tuple[str, int, str, int]]:
    """A service, a version of it, the service that it asks for bandwidth to, and the bandwidth."""
    for (service_id, version), spec in tables.specs.items():
        for each in spec.dependencies:
            if each.min_bandwidth > 0:
                target = called(tables, each.service, spec.app)
                if target is not None:
                    yield service_id, version, target, each.min_bandwidth
