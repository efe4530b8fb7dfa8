"""Quotas of apps and users, as commands are applied."""

from typing import Any

import msgspec
import pytest

from okube.model import commands as c
from okube.model.names import new_id
from okube.model.quota import QuotaKind
from okube.model.spec import ServiceSpec
from okube.state import StateMachine
from okube.state.quotas import used_of
from tests.builders import Cluster, a_spec


def a_cluster(**limits: int) -> Cluster:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(6))
    if limits:
        quota(cluster, "app", "shop", **limits)
    return cluster


def quota(cluster: Cluster, kind: QuotaKind, name: str, **limits: int) -> dict[str, Any]:
    (result,) = cluster.apply(c.PutQuota(kind, name, limits, by="admin"))
    assert isinstance(result, c.Applied), result
    view: dict[str, Any] = msgspec.json.decode(result.body)
    return view


def put(cluster: Cluster, *specs: ServiceSpec, by: str = "alice", prune: bool = False) -> str:
    ids = tuple(new_id(cluster.rng) for _ in specs)
    return said(cluster.apply(c.PutServices(specs, ids, "upsert", by, prune=prune))[0])


def said(result: c.Result) -> str:
    return result.detail if isinstance(result, c.Refused) else ""


def of_shop(name: str = "web", **fields: Any) -> ServiceSpec:
    return a_spec(name, app="shop", **fields)


def test_what_is_within_a_quota_is_let_in_to_the_last_of_it() -> None:
    cluster = a_cluster(memory=4 << 30, tasks=4)
    assert put(cluster, of_shop(replicas=4, resources={"memory": "1G"})) == ""
    assert used_of(cluster.tables, "app", "shop") == {"memory": 4 << 30, "tasks": 4, "services": 1}


def test_what_goes_beyond_is_refused_with_all_that_is_too_much() -> None:
    cluster = a_cluster(memory=16 << 30, tasks=100, cpus=64000)
    assert put(cluster, of_shop(replicas=15, resources={"memory": "1G"})) == ""
    before = cluster.tables.digest.hex()
    assert put(cluster, of_shop("api", replicas=3, resources={"memory": "1G"})) == (
        "this goes beyond the quota of app shop: memory 3.0 GiB more asked, 15.0 GiB of 16.0 GiB in use: ask for less, "
        "or have the quota raised with `okube quota set app:shop`"
    )
    assert put(cluster, of_shop("api", replicas=90, resources={"memory": "1G", "cpus": 1})) == (
        "this goes beyond the quota of app shop: cpus 90 more asked, 0 of 64 in use; memory 90.0 GiB "
        "more asked, 15.0 GiB of 16.0 GiB in use; tasks 90 more asked, 15 of 100 in use: ask for "
        "less, or have the quota raised with `okube quota set app:shop`"
    )
    assert cluster.tables.digest.hex() == before


def test_scaling_starting_and_rolling_back_are_changes_like_others() -> None:
    cluster = a_cluster(tasks=3, memory=3 << 30)
    put(cluster, of_shop(replicas=1, resources={"memory": "3G"}))
    put(cluster, of_shop(replicas=1, resources={"memory": "1G"}))
    assert "tasks 3 more asked" in said(cluster.scale("web", 4))
    assert said(cluster.scale("web", 2)) == ""
    assert "memory 4.0 GiB more asked" in said(cluster.apply(c.RefreshServices(("web",), "rollback"))[0])
    assert said(cluster.apply(c.RefreshServices(("web",), "stop"))[0]) == ""
    assert put(cluster, of_shop("api", replicas=2)) == ""
    assert "tasks 2 more asked, 2 of 3 in use" in said(cluster.apply(c.RefreshServices(("web",), "start"))[0])
    assert "tasks" in said(cluster.apply(c.RefreshServices((), "start", app="shop"))[0])
    assert said(cluster.scale("api", 1)) == ""
    assert said(cluster.apply(c.RefreshServices(("web",), "start"))[0]) == ""


def test_what_one_command_takes_away_makes_room_for_what_it_adds() -> None:
    cluster = a_cluster(tasks=4, services=2)
    put(cluster, of_shop("web", replicas=3), of_shop("api", replicas=1))
    assert put(cluster, of_shop("web", replicas=1), of_shop("api", replicas=3)) == ""
    assert "services 1 more asked, 2 of 2 in use" in put(cluster, of_shop("db"))
    assert put(cluster, of_shop("db"), of_shop("web", replicas=1), prune=True) == ""
    assert {service.name for service in cluster.tables.services.values()} == {"web", "db"}


def test_a_service_that_moves_to_an_app_counts_there() -> None:
    cluster = a_cluster(tasks=1)
    assert put(cluster, a_spec("web", app="bank", replicas=5)) == ""
    assert "app shop: tasks 5 more asked" in put(cluster, of_shop(replicas=5))
    assert put(cluster, a_spec("web", replicas=5)) == ""
    assert "app shop" in put(cluster, of_shop(replicas=5))
    assert put(cluster, of_shop(replicas=1)) == ""


def test_a_service_counts_for_who_made_it_whoever_changes_it() -> None:
    cluster = a_cluster()
    quota(cluster, "user", "alice", tasks=3)
    put(cluster, a_spec("web", replicas=2), by="alice")
    assert "quota of user alice" in put(cluster, a_spec("web", replicas=4), by="bob")
    assert put(cluster, a_spec("api", replicas=9), by="bob") == ""
    assert "quota of user alice" in put(cluster, a_spec("db", replicas=2), by="alice")


def test_both_quotas_must_allow_it() -> None:
    cluster = a_cluster(tasks=5)
    quota(cluster, "user", "alice", tasks=2)
    assert "user alice" in put(cluster, of_shop(replicas=3), by="alice")
    assert put(cluster, of_shop(replicas=3), by="bob") == ""
    assert "app shop" in put(cluster, of_shop("api", replicas=3), by="carol")


def test_a_quota_below_what_runs_stops_nothing_and_lets_nothing_more_in() -> None:
    cluster = a_cluster()
    cluster.node("w1")
    put(cluster, of_shop(replicas=4, resources={"memory": "1G"}))
    cluster.settle()
    view = quota(cluster, "app", "shop", tasks=2, memory=2 << 30)
    assert view["over"] == ["tasks: 4 of 2", "memory: 4.0 GiB of 2.0 GiB"]
    cluster.settle()
    assert len(cluster.tables.tasks) == 4
    assert "4 of 2 in use" in put(cluster, of_shop("api"))
    assert put(cluster, of_shop(replicas=4, resources={"memory": "1G"}, env={"A": "b"})) == ""
    assert put(cluster, of_shop(replicas=4, resources={"memory": "512M"})) == ""
    assert "memory 2.0 GiB more asked" in put(cluster, of_shop(replicas=4, resources={"memory": "1G"}))
    assert said(cluster.scale("web", 3)) == ""
    assert "tasks 1 more asked" in said(cluster.scale("web", 4))
    assert said(cluster.apply(c.DeleteServices(("web",)))[0]) == ""
    assert put(cluster, of_shop(replicas=2)) == ""


def test_a_global_service_counts_for_the_nodes_it_is_for_now() -> None:
    cluster = a_cluster(tasks=2)
    for name, labels in (("w1", {"disk": "ssd"}), ("w2", {"disk": "ssd"}), ("w3", {})):
        cluster.node(name, labels=labels)
    assert "tasks 3 more asked" in put(cluster, of_shop("agent", mode="global"))
    assert put(cluster, of_shop("agent", mode="global", constraints=["node.labels.disk == ssd"])) == ""
    assert used_of(cluster.tables, "app", "shop")["tasks"] == 2
    assert "tasks 1 more asked" in put(cluster, of_shop("agent", mode="global"))
    cluster.node("w4", labels={"disk": "ssd"})
    assert used_of(cluster.tables, "app", "shop")["tasks"] == 3
    assert "3 of 2 in use" in put(cluster, of_shop("web"))
    assert put(cluster, of_shop("agent", mode="global", constraints=["node.name == w1"])) == ""


def test_named_resources_and_jobs_count() -> None:
    cluster = a_cluster(gpu=2)
    assert put(cluster, of_shop("train", mode="job", replicas=2, resources={"gpu": 1})) == ""
    assert "gpu 1 more asked, 2 of 2 in use" in put(cluster, of_shop("more", resources={"gpu": 1}))
    assert said(cluster.apply(c.DeleteServices(("train",)))[0]) == ""
    assert put(cluster, of_shop("more", resources={"gpu": 2})) == ""


def test_amounts_that_look_alike_are_written_out() -> None:
    cluster = a_cluster(memory=(16 << 30) + 1)
    put(cluster, of_shop(resources={"memory": "16G"}))
    assert "17179869184 bytes of 17179869185 bytes in use" in put(cluster, of_shop("api", resources={"memory": "6M"}))


def test_a_quota_is_changed_and_removed_under_its_revision() -> None:
    cluster = a_cluster(tasks=1)
    revision = cluster.tables.quotas["app", "shop"].revision
    stale = c.PutQuota("app", "shop", {"tasks": 2}, if_match=revision - 1)
    assert "is at revision" in said(cluster.apply(stale)[0])
    assert said(cluster.apply(msgspec.structs.replace(stale, if_match=revision))[0]) == ""
    assert said(cluster.apply(c.RemoveQuota("app", "shop", if_match=revision))[0]).startswith("the quota of app shop")
    assert said(cluster.apply(c.RemoveQuota("app", "shop"))[0]) == ""
    assert said(cluster.apply(c.RemoveQuota("app", "shop"))[0]) == "app shop has no quota"
    assert said(cluster.apply(c.PutQuota("app", "shop", {"tasks": 2}, if_match=1))[0]) == "app shop has no quota"
    assert put(cluster, of_shop(replicas=9)) == ""


def test_quotas_outlive_a_snapshot_and_are_told() -> None:
    cluster = a_cluster(tasks=1, memory=1 << 30)
    other = StateMachine()
    other.restore(b"".join(cluster.machine.snapshot()))
    assert other.tables.quotas == cluster.tables.quotas
    assert other.tables.digest.hex() == cluster.tables.digest.hex()
    event = cluster.tables.events.rows()[-1]
    assert (event.kind, event.by) == ("quota-changed", "admin")
    assert event.message == "app shop may ask for memory 1.0 GiB, tasks 1"


@pytest.mark.parametrize("limit", [0, 1])
def test_a_quota_of_nothing_lets_nothing_in(limit: int) -> None:
    cluster = a_cluster(tasks=0, services=limit)
    assert "tasks 1 more asked" in put(cluster, of_shop())
    assert (put(cluster, of_shop(replicas=0)) == "") is (limit == 1)
