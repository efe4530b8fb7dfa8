"""Placements are good: the instances are those of ``tests.bench.quality``, a few of them, and always the same."""

from statistics import median

from okube.scheduler import policy_of
from tests.bench.quality.gaps import network_gaps, packing_gaps
from tests.bench.quality.instances import a_crowd_of_apps
from tests.bench.quality.measures import network_cost, placed_by


def test_nine_in_ten_heaps_of_services_are_packed_on_as_few_equal_nodes_as_can_be() -> None:
    gaps = packing_gaps(30, (8,))

    assert sum(gap == 0 for gap in gaps) >= 27
    assert max(gaps) <= 0.5


def test_the_median_app_is_within_a_quarter_of_the_least_network_cost() -> None:
    assert median(network_gaps(40)) <= 0.25


def test_a_crowd_of_apps_costs_the_network_a_tenth_of_what_spreading_does() -> None:
    instance = a_crowd_of_apps(0)
    near, spread = (placed_by(instance, policy_of(name, {})) for name in ("network", "spread"))

    assert near is not None
    assert spread is not None
    assert network_cost(instance, near) < network_cost(instance, spread) / 10
