"""What applying services would do: it comes true when they are applied, and changes nothing by itself."""

from typing import Any

import pytest

from okube.manager.planning import plan_view
from okube.manager.rehearsal import Surroundings
from okube.manager.slices import at_once
from okube.model import commands as c
from okube.model.errors import Conflict, InvalidInput
from okube.model.foresight_views import PlanView
from okube.model.spec import ServiceSpec
from tests.builders import Cluster, a_spec


def planned(cluster: Cluster, *specs: ServiceSpec, **more: Any) -> PlanView:
    digest = cluster.tables.digest.hex()
    view = at_once(plan_view(cluster.tables, specs, cluster.now_ms, Surroundings(), **more))
    assert cluster.tables.digest.hex() == digest, "a plan changed the cluster"
    assert view.settled
    return view


def steps(view: PlanView) -> dict[str, tuple[str, str | None, str | None]]:
    return {task.name: (task.step, task.origin, task.node) for task in (*view.tasks, *view.others)}


def where(cluster: Cluster, *services: str) -> dict[str, str | None]:
    return {task.name: task.node for service in services for task in cluster.active(service)}


def test_a_new_service_begins_where_the_plan_says(cluster: Cluster) -> None:
    spec = a_spec("web", replicas=4, resources={"cpus": 1})
    view = planned(cluster, spec)
    (service,) = view.services
    assert (service.action, service.kept, service.changed, service.unplaced, view.fits) == ("created", 0, 4, 0, True)
    assert {step for step, _, _ in steps(view).values()} == {"start"}
    assert all("nodes that fit" in task.why for task in view.tasks)
    cluster.put(spec)
    cluster.settle()
    assert where(cluster, "web") == {task.name: task.node for task in view.tasks}


def test_what_fits_nowhere_is_told_with_the_sentence_that_the_task_would_show(cluster: Cluster) -> None:
    spec = a_spec("big", replicas=4, resources={"cpus": 3})
    view = planned(cluster, spec)
    assert not view.fits
    assert view.services[0].unplaced == 1
    (waits,) = [task for task in view.tasks if task.step == "wait"]
    cluster.put(spec)
    cluster.settle()
    (pending,) = [task for task in cluster.active("big") if task.state == "pending"]
    assert waits.why == pending.message


def test_a_task_that_has_no_place_already_counts_as_one_that_would_have_none(cluster: Cluster) -> None:
    spec = a_spec("big", resources={"cpus": 9})
    cluster.put(spec)
    cluster.settle()
    view = planned(cluster, spec)
    assert view.services[0].action == "unchanged"
    assert steps(view) == {"big.1": ("wait", None, None)}
    assert not view.fits


def test_a_changed_service_goes_slot_by_slot_as_its_rollout_would(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=3, resources={"cpus": 1}))
    cluster.settle()
    spec = a_spec("web", replicas=3, image="example/web:2", resources={"cpus": 2})
    view, before = planned(cluster, spec), where(cluster, "web")
    cluster.put(spec)
    cluster.settle()
    after = where(cluster, "web")
    assert {name: (origin, node) for name, (_, origin, node) in steps(view).items()} == {
        name: (before[name], after[name]) for name in before
    }


def test_what_stays_as_it_is_is_counted_and_not_listed(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=3))
    cluster.settle()
    view = planned(cluster, a_spec("web", replicas=4))
    assert (view.services[0].action, view.services[0].kept, view.services[0].changed) == ("changed", 3, 1)
    assert list(steps(view)) == ["web.4"]


def test_fewer_tasks_stop(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=3))
    cluster.settle()
    view = planned(cluster, a_spec("web", replicas=2))
    assert {name: step for name, (step, _, _) in steps(view).items()} == {"web.3": "stop"}


def test_who_gives_way_to_a_higher_priority_is_told(cluster: Cluster) -> None:
    cluster.put(a_spec("low", replicas=3, resources={"cpus": 3}, priority=-1))
    cluster.settle()
    view = planned(cluster, a_spec("high", resources={"cpus": 3}, priority=5))
    assert view.fits
    (victim,) = view.others
    assert victim.step == "wait"
    assert "gave its place" in victim.message
    assert "high.1" in victim.message
    assert view.tasks[0].node == victim.origin


def test_dependencies_of_a_file_are_placed_before_what_needs_them(cluster: Cluster) -> None:
    view = planned(cluster, a_spec("api", depends_on=["db"]), a_spec("db"))
    assert {step for step, _, _ in steps(view).values()} == {"start"}
    lonely = planned(cluster, a_spec("api", depends_on=["db"]))
    assert "there is no such service" in lonely.tasks[0].why


def test_pruned_services_stop(cluster: Cluster) -> None:
    cluster.put(a_spec("web", app="shop"), a_spec("old", app="shop"))
    cluster.settle()
    view = planned(cluster, a_spec("web", app="shop"), prune=True)
    assert [(service.name, service.action) for service in view.services] == [("web", "unchanged"), ("old", "removed")]
    assert {name: step for name, (step, _, _) in steps(view).items()} == {"old.1": "stop"}


def test_what_is_under_way_counts_as_done_and_is_not_told(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=3, resources={"cpus": 3}))
    view = planned(cluster, a_spec("api", resources={"cpus": 2}))
    assert list(steps(view)) == ["api.1"]
    assert not view.fits, "the tasks of web come first"


def test_a_service_of_a_thousand_tasks_is_planned_too(cluster: Cluster) -> None:
    cluster.put(a_spec("web", replicas=1000))
    cluster.settle(rounds=3) if not cluster.plan() else cluster.agents_obey()
    view = planned(cluster, a_spec("web", replicas=1000, image="example/web:2"))
    assert view.services[0].changed == 1000
    assert view.fits


def test_what_the_cluster_would_refuse_the_plan_refuses(cluster: Cluster) -> None:
    cluster.put(a_spec("web"))
    with pytest.raises(Conflict, match="mode is not changed"):
        planned(cluster, a_spec("web", mode="global"))
    with pytest.raises(InvalidInput, match="circle"):
        planned(cluster, a_spec("a", depends_on=["b"]), a_spec("b", depends_on=["a"]))


def test_a_plan_that_goes_beyond_a_quota_is_refused_as_the_apply_would_be(cluster: Cluster) -> None:
    quotas = (c.PutQuota("app", "shop", {"tasks": 2}), c.PutQuota("user", "alice", {"tasks": 1}))
    cluster.apply(c.EnableVersion(6), *quotas)
    assert planned(cluster, a_spec("web", app="shop", replicas=2)).fits
    with pytest.raises(Conflict, match="quota of app shop"):
        planned(cluster, a_spec("web", app="shop", replicas=3))
    with pytest.raises(Conflict, match="quota of user alice"):
        planned(cluster, a_spec("web", app="shop", replicas=2), by="alice")


def test_a_job_comes_to_its_end_where_others_wait_for_that(cluster: Cluster) -> None:
    web = a_spec("web", depends_on=[{"service": "migrate", "condition": "ready"}])
    view = planned(cluster, web, a_spec("migrate", mode="job"))
    assert view.fits
    assert {name: step for name, (step, _, _) in steps(view).items()} == {"migrate.1": "start", "web.1": "start"}


def test_who_waits_for_a_dependency_begins_after_it_in_the_plan_as_well(cluster: Cluster) -> None:
    view = planned(cluster, a_spec("web", depends_on=[{"service": "db", "condition": "ready"}]), a_spec("db"))
    assert view.fits
    waiting = planned(
        cluster,
        a_spec("web", depends_on=[{"service": "db", "condition": "ready"}]),
        a_spec("db", resources={"cpus": 99}),
    )
    assert {task.name: task.why for task in waiting.tasks}["web.1"] == "waits for db: 0 of 1 tasks ready"
