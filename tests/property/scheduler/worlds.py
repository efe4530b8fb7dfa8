"""Small clusters with a network, and groups of tasks with every kind of rule at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import nan

import numpy as np
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import CallRule, CompanyRule, Placement, Policy, TaskGroup, place, policy_of
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import FloatArray
from okube.scheduler.policies import SCORES
from okube.scheduler.topology import Topology
from tests.property.scheduler.strategies import NAMES, PORT_RANGE, clusters, group_lists
from tests.unit.scheduler.builders import Node, a_table

__all__ = ["SERVICES", "World", "policies", "weights", "worlds"]

SERVICES = ("web", "db", "api")
_latencies = st.sampled_from([nan, 0.0, 0.001, 0.004, 0.03])
_costs = st.builds(Cost, _latencies, st.sampled_from([-1, 10**7, 10**9]))
_zones = st.sampled_from(["rack-a", "rack-b", "elsewhere"])
_declared = st.builds(LevelCosts, st.dictionaries(st.tuples(_zones, _zones), _costs, max_size=4), _costs, _costs)
weights = st.dictionaries(st.sampled_from(sorted(SCORES)), st.sampled_from([0.0, 0.5, 7.0, 1000.0]), max_size=3)
policies = st.builds(policy_of, st.sampled_from(POLICIES), weights)
_numbers = st.one_of(st.floats(0, 0.02), st.sampled_from([nan, float("inf"), -1.0, 1e300]))


@dataclass(frozen=True)
class World:
    """Nodes, what is known between them, and what is to be placed; ``placed`` is what runs already, by service."""

    nodes: tuple[Node, ...]
    groups: tuple[TaskGroup, ...]
    costs: LevelCosts = field(default_factory=LevelCosts)
    coordinates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    placed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def rows(self) -> list[Node]:
        return sorted(self.nodes, key=lambda node: node.name)

    def topology(self) -> Topology:
        places = [Place("", node.zone) for node in self.rows]
        return Topology(places, {Level.ZONE: self.costs}, coordinates=self._coordinates())

    def _coordinates(self) -> FloatArray:
        rows = [self.coordinates.get(node.name, (nan, nan, nan)) for node in self.rows]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 3)

    def place(self, policy: Policy) -> Placement:
        view = NetworkView(self.topology())
        return place(a_table(*self.nodes), self.groups, port_range=PORT_RANGE, policy=policy, network=view)


@st.composite
def company_rules(draw: st.DrawFn) -> CompanyRule:
    service = draw(st.sampled_from(SERVICES))
    weight = draw(st.sampled_from([None, None, 10, 100]))
    return CompanyRule(service, service, draw(st.sampled_from(["node", "zone"])), draw(st.booleans()), weight)


@st.composite
def call_rules(draw: st.DrawFn, own: str) -> CallRule:
    service = draw(st.sampled_from([each for each in SERVICES if each != own]))
    return CallRule(
        service,
        service,
        draw(st.sampled_from([None, 0.002, 0.01])),
        draw(st.sampled_from([0, 0, 10**8])),
        draw(st.sampled_from([0, 10**6, 10**12])),
        draw(st.integers(0, 4)) == 0,
        draw(st.booleans()),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    nodes = [replace(node, host=draw(st.sampled_from(["", "", "shared"]))) for node in draw(clusters())]
    placed = {
        service: draw(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 2), max_size=3)) for service in SERVICES
    }
    groups = [_ruled(draw, group, placed) for group in draw(group_lists())]
    measured = draw(st.dictionaries(st.sampled_from(NAMES), st.tuples(_numbers, _numbers, _numbers), max_size=4))
    return World(tuple(nodes), tuple(groups), draw(_declared), measured, placed)


def _ruled(draw: st.DrawFn, group: TaskGroup, placed: Mapping[str, Mapping[str, int]]) -> TaskGroup:
    service = draw(st.sampled_from(SERVICES))
    calls, company = draw(st.integers(0, 2)), draw(st.integers(0, 1))
    return replace(
        group,
        service=service,
        placed=placed[service],
        others=placed,
        company=tuple(draw(company_rules()) for _ in range(company)),
        calls=tuple(draw(call_rules(service)) for _ in range(calls)),
        prefer=draw(st.sampled_from([(), (("node.labels.disk == ssd", 40), ("node.zone != rack-a", 80))])),
        max_per_node=draw(st.sampled_from([0, 0, 0, 1, 2])),
    )
