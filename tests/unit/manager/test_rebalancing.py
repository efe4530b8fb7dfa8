"""Moves that make the placement better: they come about, slot by slot, and then there is nothing left to do."""

from typing import Any

import msgspec
import pytest

from okube.manager.rebalancing import rebalance_view
from okube.manager.rehearsal import Surroundings
from okube.manager.slices import at_once
from okube.model import commands as c
from okube.model.errors import NotFound
from okube.model.foresight_views import RebalanceView
from okube.model.topology import DeclaredTopology
from okube.scheduler import policy_of
from tests.builders import Cluster, a_spec


def looked_at(cluster: Cluster, policy: str = "spread", **more: Any) -> RebalanceView:
    digest = cluster.tables.digest.hex()
    around = Surroundings(policy=policy_of(policy, {}))
    view = at_once(rebalance_view(cluster.tables, cluster.now_ms, around, **more))
    assert cluster.tables.digest.hex() == digest, "a look changed the cluster"
    return view


def told(cluster: Cluster, view: RebalanceView) -> list[str]:
    ids, origins, targets, whys = ([getattr(m, n) for m in view.moves] for n in ("id", "origin", "target", "why"))
    (result,) = cluster.apply(c.MoveTasks(tuple(ids), tuple(origins), tuple(targets), tuple(whys)))
    assert isinstance(result, c.Applied)
    return list(msgspec.json.decode(result.body))


def crowded(cluster: Cluster, *specs: Any) -> None:
    """All on w1, and the others empty."""
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "cordoned"))
    cluster.put(*specs)
    cluster.settle()
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "active"))
    cluster.settle()


def counts(cluster: Cluster, service: str = "web") -> list[int]:
    nodes = [task.node for task in cluster.active(service)]
    return sorted(nodes.count(name) for name in cluster.tables.nodes)


def test_a_crowded_service_is_spread_out_and_stays_so(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=6, resources={"cpus": 0.5}))
    view = looked_at(cluster)
    assert len(view.moves) == 4
    assert view.after.most_used_deviation < view.before.most_used_deviation
    assert (view.before.tasks_highest, view.after.tasks_highest) == (6, 2)
    assert told(cluster, view) == [move.id for move in view.moves]
    cluster.settle()
    assert counts(cluster) == [2, 2, 2]
    assert looked_at(cluster).moves == []


def test_tasks_go_where_they_were_to_go_and_say_so_in_both_histories(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=3, resources={"cpus": 0.5}))
    view = looked_at(cluster)
    told(cluster, view)
    cluster.settle()
    for move in view.moves:
        before = cluster.tables.tasks[move.id]
        (after,) = [task for task in cluster.active("web") if task.slot == before.slot]
        assert (before.state, before.reason) == ("completed", "superseded")
        assert before.message == f"moved from w1 to {move.target}: {move.why}"
        assert after.node == move.target
        assert after.placement == f"is where it was to move; moved here from w1: {move.why}"
    kinds = [event.kind for event in cluster.tables.events.rows()]
    assert "task-moves" in kinds


def test_one_slot_of_a_service_moves_at_a_time(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=6, resources={"cpus": 0.5}))
    told(cluster, looked_at(cluster))
    fewest = 6
    for _ in range(100):
        planned, obeyed = cluster.plan(), cluster.agents_obey()
        fewest = min(fewest, len(cluster.ready("web")))
        if not planned and not obeyed and not cluster.time_passes():
            break
    assert fewest == 5
    assert counts(cluster) == [2, 2, 2]


def test_a_service_that_starts_first_is_never_one_short(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=3, update={"order": "start-first"}, resources={"cpus": 0.5}))
    told(cluster, looked_at(cluster))
    for _ in range(100):
        planned, obeyed = cluster.plan(), cluster.agents_obey()
        assert len(cluster.ready("web")) >= 3
        if not planned and not obeyed and not cluster.time_passes():
            break
    assert counts(cluster) == [1, 1, 1]


def test_a_move_to_a_node_that_has_no_room_any_more_goes_elsewhere(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=2, resources={"cpus": 2}))
    (move,) = looked_at(cluster).moves
    told(cluster, looked_at(cluster))
    rival = a_spec("rival", resources={"cpus": 4}, constraints=[f"node.name == {move.target}"])
    cluster.put(rival)
    cluster.settle()
    (after,) = [task for task in cluster.active("web") if task.name == move.name]
    assert after.ready
    if after.node != move.target:
        assert "cannot take it any more" in after.placement


def test_a_mark_for_a_node_that_is_down_by_then_does_nothing(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=2, resources={"cpus": 0.5}))
    view = looked_at(cluster)
    told(cluster, view)
    before = {task.id for task in cluster.active("web")}
    for name in {move.target for move in view.moves}:
        cluster.node_down(name)
    cluster.settle()
    assert {task.id for task in cluster.active("web")} == before


def test_a_mark_lapses(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=2, resources={"cpus": 0.5}))
    told(cluster, looked_at(cluster))
    before = {task.id for task in cluster.active("web")}
    cluster.now_ms += 3_700_000
    cluster.settle()
    assert {task.id for task in cluster.active("web")} == before


def test_what_has_changed_since_it_was_planned_is_passed_over(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=3, resources={"cpus": 0.5}))
    view = looked_at(cluster)
    cluster.put(a_spec("web", replicas=3, image="example/web:2"))
    cluster.settle()
    assert told(cluster, view) == []


def test_the_moves_that_gain_most_come_first_where_few_are_wanted(cluster: Cluster) -> None:
    crowded(cluster, a_spec("web", replicas=6, resources={"cpus": 0.5}))
    all_moves, one = looked_at(cluster), looked_at(cluster, most=1)
    assert one.moves == all_moves.moves[:1]
    assert (one.more, all_moves.more) == (True, False)


def test_tasks_with_data_on_their_node_or_fixed_ports_stay(cluster: Cluster) -> None:
    crowded(
        cluster,
        a_spec("db", replicas=2, volumes=["data:/data"], resources={"cpus": 0.5}),
        a_spec("door", ports=["8080:80/tcp"], resources={"cpus": 0.5}),
        a_spec("all", mode="global"),
        a_spec("once", mode="job"),
    )
    assert looked_at(cluster).moves == []


def test_no_move_breaks_a_constraint_or_a_limit(cluster: Cluster) -> None:
    crowded(
        cluster,
        a_spec("web", replicas=3, constraints=["node.name != w3"], resources={"cpus": 0.5}),
        a_spec("api", replicas=3, anti_affinity=["web"], resources={"cpus": 0.1}),
    )
    assert "w3" not in {move.target for move in looked_at(cluster).moves if move.service == "web"}


def test_binpack_fills_nodes_up_instead(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=3, resources={"cpus": 1, "memory": "2G"}))
    cluster.settle()
    assert counts(cluster) == [1, 1, 1]
    view = looked_at(cluster, "binpack")
    told(cluster, view)
    cluster.settle()
    assert counts(cluster) == [0, 0, 3]
    assert looked_at(cluster, "binpack").moves == []


def zones(cluster: Cluster) -> None:
    for name, zone in (("w1", "a"), ("w2", "b"), ("w3", "b")):
        cluster.tables.put_node(msgspec.structs.replace(cluster.tables.nodes[name], zone=zone))
    said = {"within": {"latency": 0.0005}, "between": {"latency": 0.02}}
    cluster.apply(c.PutTopology(msgspec.convert({"zones": said}, DeclaredTopology)))


def test_the_network_policy_brings_together_what_talks(cluster: Cluster) -> None:
    zones(cluster)
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "cordoned"))
    cluster.put(a_spec("db", resources={"cpus": 3}))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "cordoned"))
    cluster.apply(c.UpdateNode("w2", "active"))
    cluster.put(a_spec("web", resources={"cpus": 3}, depends_on=[{"service": "db", "traffic": "100M"}]))
    cluster.settle()
    for name in ("w1", "w3"):
        cluster.apply(c.UpdateNode(name, "active"))
    assert {task.node for name in ("db", "web") for task in cluster.active(name)} == {"w1", "w2"}
    view = looked_at(cluster, "network")
    (move,) = view.moves
    assert (move.name, move.origin, move.target) == ("db.1", "w1", "w3"), "into the zone of who calls it"
    assert move.why.startswith("nearer to what it talks with")
    assert view.before.network_cost == pytest.approx(100_000_000 * 0.02)
    assert view.after.network_cost == pytest.approx(100_000_000 * 0.0005)
    told(cluster, view)
    cluster.settle()
    assert looked_at(cluster, "network").moves == []


def test_other_policies_break_no_limit_for_balance(cluster: Cluster) -> None:
    zones(cluster)
    cluster.put(a_spec("db", resources={"cpus": 0.5}, constraints=["node.name == w2"]))
    cluster.settle()
    cluster.apply(c.UpdateNode("w3", "cordoned"))
    near = [{"service": "db", "max_latency": "1ms"}]
    cluster.put(a_spec("web", replicas=4, resources={"cpus": 0.5}, depends_on=near))
    cluster.settle()
    cluster.apply(c.UpdateNode("w3", "active"))
    view = looked_at(cluster)
    assert {move.target for move in view.moves} == {"w3"}, "w1 is empty, and too far"
    assert view.after.unmet_limits == 0


def test_of_an_app_only_its_own_tasks_are_moved(cluster: Cluster) -> None:
    crowded(cluster, *(a_spec(name, app=name, replicas=3, resources={"cpus": 0.1}) for name in ("shop", "bank")))
    assert {move.app for move in looked_at(cluster, app="shop").moves} == {"shop"}
    with pytest.raises(NotFound, match="there is no app mall"):
        looked_at(cluster, app="mall")


def test_a_cluster_without_nodes_or_tasks_has_nothing_to_move() -> None:
    empty = Cluster()
    assert looked_at(empty).moves == []
    empty.node("w1")
    assert looked_at(empty).moves == []
