"""What agents say is wrong with their machines, in the replicated state."""

from okube.manager.placement import plan_placement
from okube.model import commands as c
from okube.model.event import Event
from okube.model.node import MAX_CONDITIONS, Condition
from okube.state.queries import view_of_node
from tests.builders import Cluster, a_spec


def _say(cluster: Cluster, *conditions: tuple[str, str], instance: str = "i-w1") -> None:
    (result,) = cluster.apply(c.SetNodeConditions("w1", instance, conditions))
    assert isinstance(result, c.Applied)


def test_a_condition_keeps_the_time_since_when_it_is_so_while_its_sentence_changes() -> None:
    cluster = Cluster()
    cluster.node("w1")
    _say(cluster, ("disk-nearly-full", "9 % left"))
    (first,) = cluster.tables.nodes["w1"].conditions
    cluster.now_ms += 5000
    _say(cluster, ("disk-nearly-full", "8 % left"), ("leftovers", "1 container"))
    kept, new = cluster.tables.nodes["w1"].conditions
    assert kept == Condition("disk-nearly-full", "8 % left", first.since_ms)
    assert new.since_ms == first.since_ms + 5000
    _say(cluster)
    assert cluster.tables.nodes["w1"].conditions == ()


def test_what_is_known_already_is_no_change() -> None:
    cluster = Cluster()
    cluster.node("w1")
    _say(cluster, ("memory-low", "2 % left"))
    revision = cluster.tables.nodes["w1"].revision
    cluster.now_ms += 5000
    _say(cluster, ("memory-low", "2 % left"))
    assert cluster.tables.nodes["w1"].revision == revision


def test_another_instance_and_too_many_conditions_are_not_believed() -> None:
    cluster = Cluster()
    cluster.node("w1")
    _say(cluster, ("disk-full", "0 % left"), instance="another")
    assert cluster.tables.nodes["w1"].conditions == ()
    _say(cluster, *((f"kind-{n}", "") for n in range(100)))
    assert len(cluster.tables.nodes["w1"].conditions) == MAX_CONDITIONS


def test_a_node_whose_engine_is_silent_or_whose_disk_is_full_takes_no_tasks_and_says_why() -> None:
    for kind, why in (
        ("engine-unreachable", "the container engine does not answer"),
        ("disk-full", "the disk is full"),
    ):
        cluster = Cluster()
        cluster.node("w1")
        _say(cluster, (kind, "a sentence"))
        cluster.put(a_spec())
        cluster.settle()
        (task,) = cluster.tables.tasks.values()
        assert (task.state, task.message) == ("pending", f"no node fits: 1 node: {why}")
        assert plan_placement(cluster.tables, cluster.now_ms) == []
        _say(cluster, ("disk-nearly-full", "a sentence"))
        cluster.settle()
        (task,) = cluster.tables.tasks.values()
        assert task.node == "w1"


def test_the_view_of_a_node_tells_its_conditions() -> None:
    cluster = Cluster()
    cluster.node("w1")
    _say(cluster, ("leftovers", "1 container"))
    (told,) = view_of_node(cluster.tables, cluster.tables.nodes["w1"], None).conditions
    assert (told.kind, told.message) == ("leftovers", "1 container")
    assert told.since is not None


def test_the_story_tells_of_a_condition_when_it_comes_and_when_it_goes() -> None:
    cluster = Cluster()
    cluster.node("w1")
    _say(cluster, ("disk-full", "0 % left"))
    _say(cluster, ("disk-full", "still 0 % left"))
    (told,) = _told(cluster)
    assert (told.level, told.subject, told.reason, told.message) == ("error", "w1", "disk-full", "disk-full: 0 % left")
    _say(cluster)
    assert _told(cluster)[-1].message == "disk-full is over"


def _told(cluster: Cluster) -> list[Event]:
    return [event for event in cluster.tables.events.rows() if event.kind == "node-condition"]
