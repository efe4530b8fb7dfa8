"""How far placements are from the best there are, on small instances."""

from collections.abc import Iterator
from itertools import count, islice

from okube.scheduler import policy_of
from tests.bench.quality.exact import least_network_cost
from tests.bench.quality.instances import a_heap_of_services, an_app
from tests.bench.quality.measures import cores_used, network_cost, placed_by
from tests.bench.quality.packing import fewest_cores

__all__ = ["network_gaps", "packing_gaps"]


def network_gaps(instances: int) -> list[float]:
    """For each of so many small apps, how much dearer it is than the best there is, as a share of that.

    Apps that do not fit, or that can be had for nothing, all on one node, are passed over.
    """
    return list(islice(_network_gaps(), instances))


def packing_gaps(instances: int, sizes: tuple[int, ...]) -> list[float]:
    """For each of so many heaps of services, how many cores too many the machines in use have, as a share."""
    return list(islice(_packing_gaps(sizes), instances))


def _network_gaps() -> Iterator[float]:
    for seed in count():
        instance = an_app(seed)
        where = placed_by(instance, policy_of("network", {}))
        if where is None:
            continue
        found = network_cost(instance, where)
        best = least_network_cost(instance, found)
        if best > 0:
            yield found / best - 1


def _packing_gaps(sizes: tuple[int, ...]) -> Iterator[float]:
    for seed in count():
        instance = a_heap_of_services(seed, sizes=sizes)
        where = placed_by(instance, policy_of("binpack", {}))
        if where is None:
            continue
        found = cores_used(instance, where)
        yield found / fewest_cores(instance, found) - 1
