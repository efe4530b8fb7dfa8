"""However it is made fast: what is placed is what the plain rule places, task by task and node by node."""

from collections.abc import Mapping
from dataclasses import replace
from math import nan

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import CallRule, CompanyRule, Policy, TaskGroup, place, policy_of
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.network import NetworkView
from okube.scheduler.policies import SCORES
from okube.scheduler.topology import Topology
from tests.property.scheduler.plain import place_plainly
from tests.property.scheduler.strategies import NAMES, PORT_RANGE, clusters, some_group
from tests.unit.scheduler.builders import Node, a_table

SERVICES = ("web", "db", "cache")
_NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
"""A case has hundreds of draws: to make one that fails smaller takes minutes."""

_weights = st.dictionaries(st.sampled_from(sorted(SCORES)), st.sampled_from([0.0, 0.3, 7.0, 1000.0]), max_size=4)
policies = st.builds(policy_of, st.sampled_from(POLICIES), _weights)
_services = st.sampled_from(SERVICES)
_counts = st.dictionaries(st.sampled_from((*NAMES, "gone")), st.integers(1, 3), max_size=3)
_costs = st.builds(Cost, st.sampled_from([nan, 0.0003, 0.001, 0.02]), st.sampled_from([-1, 10**6, 10**8]))
_calls = st.builds(
    CallRule,
    _services,
    st.just("other"),
    st.sampled_from([None, None, 0.0005, 0.005]),
    st.sampled_from([0, 0, 10**7]),
    st.sampled_from([0, 10**6, 3 * 10**7]),
    st.booleans(),
    st.booleans(),
)
_companies = st.builds(
    CompanyRule,
    _services,
    st.just("other"),
    st.sampled_from(["node", "zone"]),
    st.booleans(),
    st.sampled_from([None, 10, 100]),
)
_preferences = st.sampled_from([(), (), (("node.labels.disk == ssd", 40), ("node.zone != rack-a", 80))])


@st.composite
def topologies(draw: st.DrawFn, nodes: list[Node]) -> Topology:
    """Zones as those of the nodes, declared from nothing at all to all pairs."""
    pairs = draw(st.dictionaries(st.tuples(*[st.sampled_from(["rack-a", "rack-b"])] * 2), _costs, max_size=3))
    declared = {Level.ZONE: LevelCosts(pairs, draw(_costs), draw(_costs))}
    return Topology([Place("eu", node.zone) for node in nodes], declared)


@st.composite
def any_groups(draw: st.DrawFn) -> list[TaskGroup]:
    """Groups of which each may have rules of every kind; what is placed already is the same for all."""
    placed: Mapping[str, Mapping[str, int]] = {service: draw(_counts) for service in SERVICES}
    return [draw(_ruled(number, placed)) for number in range(draw(st.integers(0, 5)))]


@st.composite
def _ruled(draw: st.DrawFn, number: int, placed: Mapping[str, Mapping[str, int]]) -> TaskGroup:
    group = draw(some_group(number))
    service = draw(_services)
    names = st.sampled_from((*NAMES, "gone"))
    calls = draw(st.lists(_calls, max_size=2)) if draw(st.booleans()) else []
    company = draw(st.lists(_companies, max_size=2)) if draw(st.booleans()) else []
    return replace(
        group,
        service=service,
        placed=placed[service],
        others=placed,
        calls=tuple(rule for rule in calls if rule.service != service),
        company=tuple(company),
        prefer=draw(_preferences),
        max_per_node=draw(st.sampled_from([0, 0, 0, 1, 2])),
        toward=draw(st.dictionaries(st.sampled_from((*group.tasks, "ended")), names, max_size=2)),
        nominated=draw(st.dictionaries(st.sampled_from((*group.tasks, "ended")), names, max_size=2)),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Node], Topology | None, list[TaskGroup]]:
    nodes = draw(clusters())
    return nodes, draw(st.one_of(st.none(), topologies(nodes))), draw(any_groups())


@settings(max_examples=150, deadline=None, phases=_NO_SHRINKING)
@given(cases(), policies)
def test_what_is_placed_is_what_the_plain_rule_places(
    case: tuple[list[Node], Topology | None, list[TaskGroup]], policy: Policy
) -> None:
    nodes, topology, groups = case
    placement = place(
        a_table(*nodes),
        groups,
        port_range=PORT_RANGE,
        policy=policy,
        network=None if topology is None else NetworkView(topology),
    )

    plain = place_plainly(nodes, groups, policy, PORT_RANGE, topology)
    assert [(task.task, task.node, task.host_ports) for task in placement.placed] == plain.placed
    assert sorted(task for lot in placement.rejected for task in lot.tasks) == sorted(plain.rejected)
