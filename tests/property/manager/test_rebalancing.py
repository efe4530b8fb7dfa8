"""After a rebalance there is nothing left to do: for every policy, and whatever the cluster looks like."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.manager.rebalancing import rebalance_view
from okube.manager.rehearsal import Surroundings
from okube.manager.slices import at_once
from okube.model import commands as c
from okube.model.foresight_views import RebalanceView
from okube.model.topology import DeclaredTopology
from okube.scheduler import policy_of
from tests.builders import Cluster, a_spec

POLICIES = st.sampled_from(["spread", "binpack", "epvm", "round-robin", "network"])
NAMES = ("api", "db", "web")
ZONES = st.sampled_from(["", "a", "b", "c"])


@st.composite
def services(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A service that may be moved; it depends on those before it by name alone, so there is no circle."""
    spec: dict[str, Any] = {
        "name": name,
        "replicas": draw(st.integers(1, 5)),
        "resources": {
            "cpus": draw(st.sampled_from([0, 0.5, 1, 1.5])),
            "memory": draw(st.sampled_from(["0", "1G", "3G"])),
        },
    }
    if draw(st.booleans()):
        spec["constraints"] = [f"node.name != w{draw(st.integers(1, 5))}"]
    if draw(st.booleans()):
        spec["prefer"] = [f"node.zone == {draw(st.sampled_from('abc'))}"]
    if draw(st.booleans()):
        spec["max_per_node"] = draw(st.integers(2, 5))
    earlier, depends = [other for other in NAMES if other < name], draw(st.booleans())
    if earlier and depends:
        edge: dict[str, Any] = {
            "service": draw(st.sampled_from(earlier)),
            "traffic": draw(st.sampled_from(["1M", "1G"])),
        }
        if draw(st.booleans()):
            edge["max_latency"] = "5ms"
        spec["depends_on"] = [edge]
    return spec


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Services that were placed while some nodes took no tasks, and all nodes take them again."""
    cluster = Cluster()
    names = [f"w{n}" for n in range(1, draw(st.integers(2, 5)) + 1)]
    for name in names:
        cluster.node(name, cores=draw(st.sampled_from([2.0, 4.0, 8.0])), memory=draw(st.sampled_from(["4G", "16G"])))
        cluster.tables.put_node(msgspec.structs.replace(cluster.tables.nodes[name], zone=draw(ZONES)))
    declared = {"within": {"latency": 0.0005}, "between": {"latency": draw(st.sampled_from([0.002, 0.02]))}}
    cluster.apply(c.PutTopology(msgspec.convert({"zones": declared}, DeclaredTopology)))
    for name in names[1:]:
        if draw(st.booleans()):
            cluster.apply(c.UpdateNode(name, "cordoned"))
    for name in NAMES:
        cluster.put(a_spec(**draw(services(name))))
        cluster.settle()
    for name in names:
        cluster.apply(c.UpdateNode(name, "active"))
    cluster.settle()
    return cluster


def look(cluster: Cluster, policy: str) -> RebalanceView:
    return at_once(rebalance_view(cluster.tables, cluster.now_ms, Surroundings(policy=policy_of(policy, {}))))


@settings(max_examples=40, deadline=None)
@given(clusters(), POLICIES)
def test_a_second_look_finds_nothing_and_no_limit_is_worse(cluster: Cluster, policy: str) -> None:
    view = look(cluster, policy)
    running = {name: len(cluster.ready(name)) for name in NAMES}
    waiting = bool(cluster.tables.tasks_in_state.get("pending"))  # what has no place may get one by a move
    moves = view.moves
    cluster.apply(
        c.MoveTasks(
            tuple(move.id for move in moves),
            tuple(move.origin for move in moves),
            tuple(move.target for move in moves),
            tuple(move.why for move in moves),
        )
    )
    cluster.settle()
    assert all(len(cluster.ready(name)) >= count for name, count in running.items())
    assert view.after.unmet_limits <= view.before.unmet_limits
    arrived = {task.name: task.node for name in NAMES for task in cluster.active(name)}
    if not waiting and all(arrived[move.name] == move.target for move in moves):
        assert look(cluster, policy).moves == []
