"""What would become of the cluster if nodes were lost, or others came: it comes true, and changes nothing by itself."""

from typing import Any

import msgspec
import pytest

from okube.manager.losses import Loss, loss_of, quorum_after
from okube.manager.rehearsal import Surroundings
from okube.manager.slices import at_once
from okube.manager.whatif import machines_of, whatif_view
from okube.model import commands as c
from okube.model.errors import InvalidInput
from okube.model.foresight_views import WhatIfView
from okube.model.spec import ServiceSpec
from okube.model.topology import DeclaredTopology
from okube.raft import Member
from tests.builders import Cluster, a_spec

MEMBERS = tuple(Member(f"m{n}", f"i{n}", f"198.51.100.{n}:8101", f"198.51.100.{n}:7101") for n in (1, 2, 3))


def what_if(cluster: Cluster, *lose: str, add: tuple[str, ...] = (), specs: tuple[ServiceSpec, ...] = ()) -> WhatIfView:
    digest = cluster.tables.digest.hex()
    loss, machines = loss_of(cluster.tables, MEMBERS, lose), machines_of(cluster.tables, add)
    work = whatif_view(cluster.tables, loss, machines, specs, MEMBERS, cluster.now_ms, Surroundings())
    view = at_once(work)
    assert cluster.tables.digest.hex() == digest, "a question changed the cluster"
    assert view.settled
    return view


def place(cluster: Cluster, name: str, **fields: Any) -> None:
    cluster.tables.put_node(msgspec.structs.replace(cluster.tables.nodes[name], **fields))


def test_the_tasks_of_a_lost_node_go_where_they_would_go_indeed(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=6, resources={"cpus": 1}))
    cluster.settle()
    view = what_if(cluster, "w1")
    assert (view.lost, view.moved, view.unplaced, view.fits) == (["w1"], 2, 0, True)
    cluster.node_down("w1")
    cluster.settle()
    after = {task.name: task.node for task in cluster.active("web")}
    assert {task.name: task.node for task in view.tasks} == {
        name: node for name, node in after.items() if name in {task.name for task in view.tasks}
    }
    assert all(task.origin == "w1" for task in view.tasks)


def test_what_fits_nowhere_then_is_told_with_its_reason(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=3, resources={"cpus": 3}))
    cluster.settle()
    view = what_if(cluster, "w1")
    assert (view.moved, view.unplaced, view.fits) == (0, 1, False)
    assert "cpu 3 cores asked" in view.tasks[0].why
    (service,) = view.suffering
    assert (service.name, service.before, service.after, service.total) == ("web", 3, 2, 3)
    assert what_if(cluster, "w1", add=("1x4c8g",)).fits


def test_tasks_that_are_bound_to_a_lost_node_go_with_it(cluster: Cluster) -> None:
    cluster.put(a_spec("agent", mode="global"))
    cluster.settle()
    (service,) = what_if(cluster, "w2").suffering
    assert (service.before, service.after) == (3, 2)
    assert "those of w2 go with their nodes" in service.why


def test_a_zone_stands_for_all_its_nodes(cluster: Cluster) -> None:
    place(cluster, "w1", zone="a")
    place(cluster, "w2", zone="a")
    cluster.put(a_spec("web", replicas=3, constraints=["node.zone == a"]))
    cluster.settle()
    view = what_if(cluster, "zone:a")
    assert view.lost == ["w1", "w2"]
    assert "constraint" in view.suffering[0].why
    assert view.suffering[0].after == 0


def test_machines_that_come_take_what_waits(cluster: Cluster) -> None:
    cluster.put(a_spec("big", resources={"cpus": 16}))
    cluster.settle()
    view = what_if(cluster, add=("2x32c64g@far",))
    assert view.added == ["new-1", "new-2"]
    assert [(task.step, task.node) for task in view.tasks] == [("start", "new-1")]


def test_a_machine_like_a_node_meets_the_same_constraints(cluster: Cluster) -> None:
    place(cluster, "w1", labels={"disk": "ssd"})
    spec = a_spec("db", replicas=2, resources={"cpus": 3}, constraints=["node.labels.disk == ssd"])
    assert not what_if(cluster, "w3", specs=(spec,)).fits
    view = what_if(cluster, "w3", add=("w1",), specs=(spec,))
    assert view.fits
    assert {task.node for task in view.tasks} == {"w1", "new-1"}


def test_limits_of_dependencies_that_break_are_named(cluster: Cluster) -> None:
    for name, zone in (("w1", "a"), ("w2", "a"), ("w3", "b")):
        place(cluster, name, zone=zone)
    said = {"within": {"latency": 0.0005}, "between": {"latency": 0.02}}
    cluster.apply(c.PutTopology(msgspec.convert({"zones": said}, DeclaredTopology)))
    db = {"replicas": 2, "max_per_node": 1, "resources": {"cpus": 2}, "constraints": ["node.name != w2"]}
    cluster.put(a_spec("db", **db))
    cluster.settle()
    near = [{"service": "db", "max_latency": "2ms"}]
    cluster.put(a_spec("web", replicas=2, max_per_node=1, constraints=["node.name != w1"], depends_on=near))
    cluster.settle()
    assert {task.node for task in cluster.active("web")} == {"w2", "w3"}
    view = what_if(cluster, "w1")
    (limit,) = view.limits
    assert (limit.service, limit.depends_on, limit.limit) == ("web", "db", "within 2 ms")
    assert (limit.tasks, limit.nodes, limit.round_trip) == (1, ["w2"], 0.02)
    assert what_if(cluster, "w2").limits == []


def test_managers_that_are_lost_are_named_and_counted() -> None:
    quorum = quorum_after(MEMBERS, ["m1"])
    assert (quorum.kept, quorum.left, quorum.needed, quorum.lost) == (True, 2, 2, ["m1"])
    assert not quorum_after(MEMBERS, ["m1", "m2"]).kept


def test_a_manager_that_is_down_already_is_none_of_those_that_are_left() -> None:
    quorum = quorum_after(MEMBERS, ["m1"], down=["m1", "m2"])
    assert (quorum.kept, quorum.left, quorum.lost, quorum.down) == (False, 1, ["m1"], ["m2"])


def test_a_manager_on_the_machine_of_a_lost_node_is_lost_with_it(cluster: Cluster) -> None:
    place(cluster, "w1", address="198.51.100.2:7201")
    assert loss_of(cluster.tables, MEMBERS, ["w1", "m3"]) == Loss(("w1",), ("m2", "m3"))
    place(cluster, "w2", address="127.0.0.1:7201")
    loopback = (Member("m9", "i9", "127.0.0.1:8101", "127.0.0.1:7101"),)
    assert loss_of(cluster.tables, loopback, ["w2"]) == Loss(("w2",), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w9", "there is no node w9"),
        ("far", "did you mean zone:far?"),
        ("zone:near", "there is no zone near"),
        ("zone:", "there is no zone"),
        ("manager:w1", "there is no manager w1"),
        ("room:1", "begins with none of node:, manager:, zone:, region:, rack:"),
        ("", "there is no node"),
    ],
)
def test_what_there_is_not_cannot_be_lost(cluster: Cluster, text: str, message: str) -> None:
    place(cluster, "w1", zone="far")
    with pytest.raises(InvalidInput) as caught:
        loss_of(cluster.tables, MEMBERS, [text])
    (error,) = caught.value.errors
    assert error.path == "lose[0]"
    assert message in error.message


@pytest.mark.parametrize(
    "text",
    ["", "0x8c16g", "-1xw1", "1000000000x8c16g", "8c", "0c16g", "8c0g", "2y8c16g", "nan", "w1@", "x", "3x", "1e9c16g"],
)
def test_machines_that_nobody_can_buy_are_refused(cluster: Cluster, text: str) -> None:
    with pytest.raises(InvalidInput):
        machines_of(cluster.tables, [text])


def test_shapes_are_read_as_people_write_them(cluster: Cluster) -> None:
    (one,) = machines_of(cluster.tables, ["3×8c16g500g@rack-b"])
    assert (one.count, one.cores, one.memory, one.disk, one.zone) == (3, 8.0, 16 << 30, 500 << 30, "rack-b")
    assert [each.count for each in machines_of(cluster.tables, ["w1", "2*w2", "5 x 0.5c1g"])] == [1, 2, 5]
    with pytest.raises(InvalidInput, match="more than 5000"):
        machines_of(cluster.tables, ["3000xw1", "3000xw2"])


def test_a_machine_like_another_offers_what_that_one_offers(cluster: Cluster) -> None:
    cluster.apply(c.EnableVersion(6), c.UpdateNode("w1", named={"gpu": 1}))
    train = a_spec("train", replicas=3, resources={"gpu": 1})
    assert what_if(cluster, specs=(train,)).services[0].unplaced == 2
    assert what_if(cluster, add=("2xw1",), specs=(train,)).services[0].unplaced == 0
