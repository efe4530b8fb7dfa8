"""What an app's placement costs in the network, and what the best one found would."""

from typing import Any

import msgspec
import pytest

from okube.manager.netcost import net_cost_view
from okube.manager.rehearsal import Surroundings
from okube.manager.slices import at_once
from okube.model import commands as c
from okube.model.errors import NotFound
from okube.model.foresight_views import NetCostView
from okube.model.topology import DeclaredTopology
from tests.builders import Cluster, a_spec

NEAR_S, FAR_S, TRAFFIC = 0.0005, 0.02, 10_000_000


def cost_of(cluster: Cluster, app: str = "shop", **more: Any) -> NetCostView:
    digest = cluster.tables.digest.hex()
    view = at_once(net_cost_view(cluster.tables, app, cluster.now_ms, Surroundings(), **more))
    assert cluster.tables.digest.hex() == digest, "a look changed the cluster"
    return view


def declare(cluster: Cluster) -> None:
    """w1 is in zone a, w2 and w3 in zone b."""
    for name, zone in (("w1", "a"), ("w2", "b"), ("w3", "b")):
        cluster.tables.put_node(msgspec.structs.replace(cluster.tables.nodes[name], zone=zone))
    said = {"within": {"latency": NEAR_S}, "between": {"latency": FAR_S}}
    cluster.apply(c.PutTopology(msgspec.convert({"zones": said}, DeclaredTopology)))


def a_shop(cluster: Cluster, **web: Any) -> None:
    """The database on w1, and web in the other zone, from where it could move."""
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "cordoned"))
    cluster.put(a_spec("db", app="shop", resources={"cpus": 1}))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "cordoned"))
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "active"))
    cluster.put(a_spec("web", app="shop", depends_on=[{"service": "db", "traffic": "10M"}], **web))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "active"))
    cluster.settle()


def test_a_cost_is_traffic_times_round_trip_of_each_task(cluster: Cluster) -> None:
    declare(cluster)
    a_shop(cluster, replicas=2)
    view = cost_of(cluster)
    (edge,) = view.edges
    assert (edge.service, edge.depends_on, edge.tasks, edge.traffic) == ("web", "db", 2, TRAFFIC)
    assert (edge.round_trip, edge.longest, edge.unknown) == (FAR_S, FAR_S, 0)
    assert view.cost == edge.cost == 2 * TRAFFIC * FAR_S


def test_the_best_found_is_on_one_node_where_there_is_room_and_the_moves_lead_there(cluster: Cluster) -> None:
    declare(cluster)
    a_shop(cluster)
    view = cost_of(cluster)
    assert view.best_cost == 0
    (move,) = view.moves
    assert (move.service, move.tasks) in (("web", 1), ("db", 1))


def test_the_best_found_is_within_room_and_constraints(cluster: Cluster) -> None:
    declare(cluster)
    a_shop(cluster, resources={"cpus": 3.5})
    view = cost_of(cluster)
    assert view.best_cost == TRAFFIC * NEAR_S, "db may come into web's zone, and there is no room beside it"
    (move,) = view.moves
    assert (move.service, move.origin) == ("db", "w1")


def test_what_is_apart_by_rule_stays_apart(cluster: Cluster) -> None:
    declare(cluster)
    a_shop(cluster, anti_affinity=["db"])
    assert cost_of(cluster).best_cost == TRAFFIC * NEAR_S


def test_it_never_finds_worse_than_what_is(cluster: Cluster) -> None:
    declare(cluster)
    cluster.put(a_spec("db", app="shop"))
    cluster.settle()
    cluster.put(a_spec("web", app="shop", depends_on=["db"], affinity=["db"]))
    cluster.settle()
    view = cost_of(cluster)
    assert (view.cost, view.best_cost, view.moves) == (0, 0, [])


def test_limits_that_are_not_kept_are_counted_and_mended_at_best(cluster: Cluster) -> None:
    a_shop(cluster)
    cluster.put(a_spec("web", app="shop", depends_on=[{"service": "db", "max_latency": "1ms", "traffic": "10M"}]))
    for name in ("w1",):
        cluster.apply(c.UpdateNode(name, "cordoned"))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "active"))
    declare(cluster)  # only now it is known how far they are
    view = cost_of(cluster)
    assert (view.unmet, view.best_unmet) == (1, 0)
    assert view.edges[0].limit == "within 1 ms"


def test_services_that_are_bound_to_their_nodes_stay(cluster: Cluster) -> None:
    declare(cluster)
    a_shop(cluster, volumes=["data:/data"])
    view = cost_of(cluster)
    assert view.staying == ["web"]
    assert {move.service for move in view.moves} == {"db"}


def test_without_a_topology_round_trips_are_unknown_and_nothing_moves(cluster: Cluster) -> None:
    a_shop(cluster)
    view = cost_of(cluster)
    (edge,) = view.edges
    assert (edge.round_trip, edge.unknown) == (None, 1)


def test_an_app_without_dependencies_costs_nothing(cluster: Cluster) -> None:
    cluster.put(a_spec("web", app="shop"))
    cluster.settle()
    view = cost_of(cluster)
    assert (view.cost, view.best_cost, view.edges, view.moves) == (0, 0, [], [])
    with pytest.raises(NotFound, match="there is no app mall"):
        cost_of(cluster, "mall")


def test_who_has_the_app_alone_is_told_of_what_it_depends_on_and_not_of_who_depends_on_it(cluster: Cluster) -> None:
    declare(cluster)
    a_shop(cluster)
    cluster.put(a_spec("spy", app="bank", depends_on=["web"]))
    cluster.settle()
    assert {edge.service for edge in cost_of(cluster).edges} == {"web", "spy"}
    assert {edge.service for edge in cost_of(cluster, alone=True).edges} == {"web"}
