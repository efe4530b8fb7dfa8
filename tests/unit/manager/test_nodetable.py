"""A table of nodes that is kept is the one that would be made anew."""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.manager.nodetable import NodeRows, node_table
from okube.model import commands as c
from okube.model.scheduling import Overcommit, Scheduling
from okube.scheduler import NodeTable
from tests.builders import Cluster, a_spec

_STEPS = ("node", "grow", "cordon", "down", "forget", "scale", "end", "overcommit", "label")


def _same(one: NodeTable, other: NodeTable) -> bool:
    extra = {name: [part.tolist() for part in parts] for name, parts in one.extra.items()}
    assert extra == {name: [part.tolist() for part in parts] for name, parts in other.extra.items()}
    columns = [column.name for column in fields(NodeTable) if column.name != "extra"]
    return all(np.array_equal(np.array(getattr(one, name)), np.array(getattr(other, name))) for name in columns)


def _step(cluster: Cluster, step: str, name: str) -> None:
    node = cluster.tables.nodes.get(name)
    if step == "node":
        cluster.node(name, named={"gpu": 2} if name == "w1" else None)
    elif step == "overcommit":
        cluster.apply(c.PutScheduling(Scheduling(overcommit=Overcommit(memory=1.0 + int(name[1:]) / 4))))
    elif step == "scale":
        cluster.scale("web", int(name[1:]))
        cluster.plan()
    elif step == "end":
        for task in cluster.active("web")[:1]:
            if task.node is not None:
                cluster.report(task, state="completed", reason="exited", exit_code=0)
    elif node is None:
        return
    elif step == "grow":
        cluster.node(name, cores=node.cores + 1)
    elif step == "cordon":
        cluster.apply(c.UpdateNode(name, "cordoned" if node.availability == "active" else "active"))
    elif step == "down":
        cluster.node_down(name)
    elif step == "label":
        cluster.apply(c.UpdateNode(name, labels={"n": str(node.revision)}))
    else:
        cluster.node_down(name)
        cluster.apply(c.RemoveNode(name))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_STEPS), st.sampled_from(["w1", "w2", "w3", "w4"])), max_size=25))
def test_rows_that_are_kept_say_what_rows_that_are_made_anew_say(steps: list[tuple[str, str]]) -> None:
    cluster = Cluster()
    cluster.node("w1", named={"gpu": 2})
    cluster.put(a_spec(ports=["8080:80"], resources={"cpus": 0.5, "memory": "64M"}))
    rows = NodeRows(cluster.tables)
    for step, name in steps:
        _step(cluster, step, name)
        assert _same(rows.table(), node_table(cluster.tables))
        assert _same(rows.table({"w2": "silent"}), node_table(cluster.tables, {"w2": "silent"}))


def test_rows_of_nodes_that_did_not_change_are_not_made_again() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.node("w2")
    rows = NodeRows(cluster.tables)
    before = rows.table()
    cluster.apply(c.UpdateNode("w2", labels={"disk": "ssd"}))
    after = rows.table()
    assert after.attributes[0] is before.attributes[0]
    assert after.attributes[1]["node.labels.disk"] == "ssd"
