from okube.manager.explaining import view_of_placement
from okube.scheduler import SPREAD
from tests.builders import Cluster, a_spec


def test_a_task_that_runs_is_compared_as_if_it_were_not_there() -> None:
    cluster = Cluster()
    for name in ("w1", "w2"):
        cluster.node(name, cores=2)
    cluster.put(a_spec("web", resources={"cpus": 2}, ports=["80:80"]))
    cluster.settle()
    (task,) = cluster.tables.tasks.values()
    view = view_of_placement(cluster.tables, task, SPREAD)
    assert (view.fitting, view.fallen, view.exact) == (2, [], True)
    assert [(each.node, each.place, each.here) for each in view.standings] == [("w1", 1, True), ("w2", 2, False)]
    assert view.standings[0].terms["spread"] == 0


def test_a_task_that_fits_nowhere_is_told_filter_by_filter() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=2)
    cluster.put(a_spec("web", resources={"cpus": 3}))
    cluster.settle()
    (task,) = cluster.tables.tasks.values()
    view = view_of_placement(cluster.tables, task, SPREAD)
    assert (view.node, view.fitting, view.standings) == (None, 0, [])
    assert [(each.filter, each.nodes, each.reason) for each in view.fallen] == [
        ("cpu", 1, "cpu 3 cores asked, the node has 2 cores")
    ]
