from okube.model import commands as c
from okube.model.versions import COMMAND_VERSION
from tests.builders import Cluster, a_spec


def an_app() -> Cluster:
    """web depends on api, and api on db; all of app shop."""
    cluster = Cluster()
    cluster.apply(c.EnableVersion(COMMAND_VERSION))
    cluster.node("w1")
    cluster.put(
        a_spec("shop-web", app="shop", depends_on=["api"]),
        a_spec("shop-api", app="shop", depends_on=["db"]),
        a_spec("shop-db", app="shop", replicas=2),
        a_spec("other"),
    )
    cluster.settle()
    return cluster


def running(cluster: Cluster) -> list[str]:
    """The services that have tasks which should run."""
    return sorted({task.service for task in cluster.tables.tasks.values() if not task.ended and task.desired == "run"})


def test_of_an_app_that_is_removed_the_dependents_stop_first() -> None:
    cluster = an_app()
    cluster.apply(c.DeleteServices((), app="shop"))
    seen = [running(cluster)]
    while cluster.plan() | cluster.agents_obey():
        if running(cluster) != seen[-1]:
            seen.append(running(cluster))

    assert seen == [["other", "shop-api", "shop-db"], ["other", "shop-db"], ["other"]]
    assert {task.service for task in cluster.tables.tasks.values()} == {"other"}


def test_a_dependent_whose_node_is_down_holds_up_nobody() -> None:
    cluster = an_app()
    cluster.node_down("w1")
    cluster.apply(c.DeleteServices((), app="shop"))
    cluster.settle()

    assert {task.service for task in cluster.tables.tasks.values()} == {"other"}


def test_one_that_waits_for_a_node_holds_up_nobody_and_gets_none() -> None:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(COMMAND_VERSION))
    cluster.node("w1")
    cluster.put(a_spec("web", app="shop", depends_on=["db"], resources={"cpus": 99}), a_spec("db", app="shop"))
    cluster.settle()
    cluster.apply(c.DeleteServices((), app="shop"))

    assert running(cluster) == []


def test_what_is_removed_alone_stops_at_once_though_others_depend_on_it() -> None:
    cluster = an_app()
    cluster.apply(c.DeleteServices(("shop-db",)))

    assert running(cluster) == ["other", "shop-api", "shop-web"]


def test_before_all_managers_know_of_it_all_stop_at_once() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("web", app="shop", depends_on=["db"]), a_spec("db", app="shop"))
    cluster.settle()
    cluster.apply(c.DeleteServices((), app="shop"))

    assert running(cluster) == []
