"""Tables to try something on."""

from okube.model import commands as c
from okube.seams.turns import at_once
from okube.state import Tables, carry_out
from okube.state.fork import forking
from tests.builders import Cluster, a_spec

_OWN = frozenset({"observers", "digest", "requests", "events", "users", "ring", "authorities", "changes"})


def a_cluster() -> Cluster:
    cluster = Cluster()
    for name in ("w1", "w2"):
        cluster.node(name)
    cluster.put(a_spec("web", replicas=3, ports=["80/tcp"]), a_spec("all", mode="global"))
    cluster.secret("key")
    cluster.settle()
    cluster.put(a_spec("web", replicas=2, image="example/web:2"))
    cluster.settle()
    cluster.node_down("w2")
    cluster.plan()
    return cluster


def derived(tables: Tables) -> dict[str, object]:
    """All that tables hold beside what a fork does without."""
    return {name: plain(value) for name, value in vars(tables).items() if name not in _OWN}


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if each != {}}  # a state that no task is in any more
    names = getattr(type(value), "__slots__", None) or getattr(value, "__dict__", None)
    if names and type(value).__module__.startswith("okube.state"):
        return {name: plain(getattr(value, name)) for name in names if name != "changes"}  # a count of its own
    return value


def test_a_fork_holds_what_its_origin_holds() -> None:
    cluster = a_cluster()
    fork = at_once(forking(cluster.tables))
    assert derived(fork) == derived(cluster.tables)


def test_what_happens_to_a_fork_happens_to_nothing_else_and_the_other_way_round() -> None:
    cluster = a_cluster()
    fork, before = at_once(forking(cluster.tables)), derived(cluster.tables)
    carry_out(fork, c.DeleteServices(("web",)), cluster.now_ms)
    carry_out(fork, c.UpdateNode("w1", "cordoned"), cluster.now_ms)
    assert derived(cluster.tables) == before
    shape = derived(fork)
    cluster.scale("web", 5)
    cluster.plan()
    assert derived(fork) == shape


def test_what_changes_while_a_fork_is_made_is_not_in_it() -> None:
    cluster = a_cluster()
    before, work = derived(cluster.tables), forking(cluster.tables)
    next(work)
    cluster.scale("web", 7)
    cluster.node("w3")
    cluster.settle()
    assert derived(at_once(work)) == before
