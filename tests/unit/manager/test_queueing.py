from okube.manager.queueing import in_order_of_apps
from okube.model.commands import PutScheduling
from okube.model.scheduling import ORDERS, OrderName, Scheduling
from okube.scheduler import ordering
from tests.builders import Cluster, a_spec
from tests.unit.manager.test_calls import where


def queue(order: OrderName, *names: str, **depends_on: list[str]) -> list[str]:
    """The order of services that came in this one."""
    cluster = Cluster()
    cluster.put(*(a_spec(name, depends_on=depends_on.get(name, [])) for name in names))
    cluster.settle()
    tables = cluster.tables
    waiting = {tables.tasks[task].service: tables.tasks[task] for task in tables.tasks_in_state["pending"]}
    alike = [([waiting[name]], tables.spec_of(waiting[name])) for name in names]
    return [spec.name for _, spec in in_order_of_apps(tables, alike, order)]


def test_the_names_of_the_orders_are_those_of_the_scheduler() -> None:
    assert set(ORDERS) == set(ordering.ORDERS)


def test_only_those_that_depend_on_each_other_change_places_in_the_queue() -> None:
    assert queue("kahn", "alone", "web", "other", "db", "last", web=["db"]) == ["alone", "db", "other", "web", "last"]


def test_each_order_is_that_of_the_services_of_one_app() -> None:
    calls = {"web": ["api", "cache"], "api": ["db"]}
    names = ("web", "api", "db", "cache")

    assert queue("kahn", *names, **calls) == ["cache", "db", "api", "web"]
    assert queue("tarjan", *names, **calls) == ["db", "api", "cache", "web"]
    assert queue("reverse-kahn", *names, **calls) == ["web", "api", "db", "cache"]
    assert queue("reverse-tarjan", *names, **calls) == ["web", "cache", "api", "db"]
    assert queue("alternate-kahn", *names, **calls) == ["cache", "web", "db", "api"]
    assert queue("alternate-tarjan", *names, **calls) == ["db", "web", "api", "cache"]


def test_two_apps_do_not_overtake_each_other() -> None:
    calls = {"a-web": ["a-db"], "b-web": ["b-db"]}

    assert queue("kahn", "b-web", "b-db", "a-web", "a-db", **calls) == ["b-db", "b-web", "a-db", "a-web"]
    assert queue("kahn", "b-web", "a-web", "b-db", "a-db", **calls) == ["b-db", "a-db", "b-web", "a-web"]


def test_where_the_front_is_placed_first_it_does_not_wait_and_the_rest_comes_near_it() -> None:
    cluster = Cluster()
    for name in ("w1", "w2"):
        cluster.node(name)
    cluster.apply(PutScheduling(Scheduling(order="reverse-kahn")))
    cluster.put(a_spec("db", resources={"cpus": 1000}), a_spec("web", depends_on=["db"]))
    cluster.settle()

    assert where(cluster, "db") == [None]
    assert where(cluster, "web") == ["w1"]
