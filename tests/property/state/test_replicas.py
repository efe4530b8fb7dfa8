"""Equal logs give equal states, whatever is in them, and a snapshot is as good as the log."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model import commands as c
from okube.model.constraints import parse_constraint
from okube.model.endings import is_finished
from okube.model.service import Service
from okube.state import StateMachine, Tables
from okube.state.attributes import attributes_of, nodes_of_global
from okube.state.mounts import lacking
from okube.state.progress import ServiceSums
from okube.state.snapshot import dump
from tests.builders import Cluster, a_spec

_NODES = ("w1", "w2", "w3")
_NAMES = ("web", "api", "job")


def act(cluster: Cluster, rng: random.Random) -> None:
    """One random thing that may happen to a cluster."""
    name, node = rng.choice(_NAMES), rng.choice(_NODES)
    tasks = list(cluster.tables.tasks.values())
    match rng.randrange(20):
        case 0 | 1:
            app = rng.choice((None, "shop", "shop", "blog"))
            cluster.put(a_spec(name, replicas=rng.randrange(4), image=f"i:{rng.randrange(3)}", ports=["80"], app=app))
        case 2:
            cluster.scale(name, rng.randrange(5))
        case 3:
            cluster.apply(c.DeleteServices((name,)))
        case 4:
            name = rng.choice((name, "every"))
            cluster.apply(c.RefreshServices((name,), rng.choice(("stop", "start", "restart", "rollback"))))
        case 5:
            if node not in cluster.tables.nodes or rng.random() < 0.5:
                cluster.node(node, cores=2)
            else:
                cluster.node_down(node)
        case 6:
            cluster.apply(c.RemoveNode(node))
        case 7:
            cluster.apply(c.UpdateNode(node, rng.choice(("active", "cordoned", "draining"))))
        case 8 if tasks:
            task = rng.choice(tasks)
            if task.node:
                state = rng.choice(("running", "completed", "failed"))
                cluster.report(task, state=state, ready=state == "running", reason=rng.choice((None, "exit-code")))
        case 9 if tasks:
            cluster.apply(c.StopTasks((rng.choice(tasks).id,), "stopped"))
        case 10:
            cluster.now_ms += rng.randrange(700_000)
            cluster.apply(
                c.ScaleServices((name,), (rng.randrange(3),)), request_id=f"r{rng.randrange(5)}", fingerprint=b"f"
            )
        case 11:
            constraints = rng.choice(([], ["node.zone == a"], ["node.zone != a", "node.name != w1"]))
            cluster.put(
                a_spec("every", mode="global", constraints=constraints, app="shop", image=f"i:{rng.randrange(2)}")
            )
        case 12:
            cluster.apply(c.UpdateNode(node, zone=rng.choice("ab")))
        case 13:
            kinds = rng.sample(("disk-full", "disk-nearly-full", "engine-unreachable", "leftovers"), rng.randrange(3))
            cluster.apply(c.SetNodeConditions(node, f"i-{node}", tuple((kind, rng.choice("ab")) for kind in kinds)))
        case 14:
            how, app = rng.choice(("create", "rotate", "rotate")), rng.choice(("", "", "shop"))
            cluster.secret(rng.choice("ab"), rng.choice(("secret", "config")), how=how, app=app)
        case 15:
            cluster.apply(c.DeleteSecret(rng.choice(("secret", "config")), rng.choice("ab")))
        case 16 | 17:
            cluster.put(a_spec(name, replicas=rng.randrange(3), **_mounts(rng)))
        case _:
            cluster.plan()
            cluster.agents_obey()


def _mounts(rng: random.Random) -> dict[str, list[dict[str, str]]]:
    """What a service may be given."""
    then = ("restart", "keep", "SIGHUP")
    return {
        f"{kind}s": [{"name": name, "on_rotate": rng.choice(then)} for name in "ab" if rng.random() < 0.5]
        for kind in ("secret", "config")
    }


def _looked_up(tables: Tables, service: Service) -> ServiceSums:
    """The sums of a service, from a look at everything."""
    tasks = tables.tasks_of(service.id)
    serving = [task for task in tasks if task.ready and task.state == "running"]
    ended = [task for task in tasks if task.ended and is_finished(task, service.spec)]
    done = {task.slot for task in (*serving, *ended) if task.version == service.version}
    failed = {task.slot for task in ended if task.version == service.version and task.state == "failed"}
    total = 0 if service.stopped else len(_nodes_for(tables, service))
    if service.spec.mode != "global":
        total = service.wanted
    return ServiceSums(len(serving), min(len(done), total), min(len(failed), total), total)


def _nodes_for(tables: Tables, service: Service) -> list[str]:
    held = {t.pinned for t in tables.tasks_of(service.id) if not t.ended and t.desired == "run"}
    constraints = [parse_constraint(text) for text in service.spec.constraints]
    return sorted(
        node.name
        for node in tables.nodes.values()
        if (node.availability == "active" or (node.availability == "cordoned" and node.name in held))
        and all(constraint.allows(attributes_of(node).get(constraint.attribute, "")) for constraint in constraints)
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 60), cut=st.floats(0, 1))
def test_replaying_the_log_or_a_snapshot_and_the_rest_gives_the_same_state(seed: int, steps: int, cut: float) -> None:
    rng = random.Random(seed)
    cluster = Cluster(seed)
    for _ in range(steps):
        act(cluster, rng)
    replica = StateMachine()
    restored = StateMachine()
    at = int(cut * len(cluster.log))
    for index, payload in enumerate(cluster.log):
        if index == at:
            restored.restore(b"".join(replica.snapshot()))
        results = replica.apply(index + 1, 1, payload)
        if index >= at:
            assert restored.apply(index + 1, 1, payload) == results
    original = cluster.tables
    copies = (replica, restored) if at < len(cluster.log) else (replica,)
    for copy in copies:
        assert copy.tables.revision == original.revision
        assert copy.tables.digest.hex() == original.digest.hex()
        assert b"".join(dump(copy.tables)) == b"".join(dump(original))
    assert cluster.machine.defects == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 80))
def test_indexes_and_sums_are_what_a_fresh_look_at_the_rows_gives(seed: int, steps: int) -> None:
    rng = random.Random(seed)
    cluster = Cluster(seed)
    for _ in range(steps):
        act(cluster, rng)
    fresh = StateMachine()
    fresh.restore(b"".join(cluster.machine.snapshot()))
    kept, anew = cluster.tables, fresh.tables
    assert kept.digest.hex() == anew.digest.hex()
    assert set(kept.tasks_on_node) == set(anew.tasks_on_node)
    assert kept.tasks_of_service == anew.tasks_of_service
    assert {s: set(i) for s, i in kept.tasks_in_state.items() if i} == {
        s: set(i) for s, i in anew.tasks_in_state.items()
    }
    for service in kept.services.values():
        assert kept.sums_of(service) == anew.sums_of(service) == _looked_up(kept, service)
        if service.spec.mode == "global":
            assert nodes_of_global(kept, service) == nodes_of_global(anew, service) == _nodes_for(kept, service)
    for node in _NODES:
        one, other = kept.allocation_of(node), anew.allocation_of(node)
        assert (one.millicores, one.memory, one.tasks, one.ports) == (
            other.millicores,
            other.memory,
            other.tasks,
            other.ports,
        )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 60))
def test_once_trouble_stops_every_service_has_exactly_what_it_asks_for(seed: int, steps: int) -> None:
    rng = random.Random(seed)
    cluster = Cluster(seed)
    for _ in range(steps):
        act(cluster, rng)
    for node in _NODES:
        cluster.node(node, cores=64)
        cluster.apply(c.UpdateNode(node, "active"))
        cluster.apply(c.SetNodeConditions(node, f"i-{node}", ()))
    for secret in "ab":
        cluster.secret(secret)
        cluster.secret(secret, "config")
    cluster.now_ms += 3_600_000
    cluster.settle(rounds=400)
    for service in cluster.tables.services.values():
        if lacking(cluster.tables, service.spec):
            continue  # what it asks for is another app's
        ready = cluster.ready(service.name)
        if service.spec.mode == "global":
            wanted = [] if service.stopped else nodes_of_global(cluster.tables, service)
            assert sorted(task.node or "" for task in ready) == wanted
        else:
            assert [task.slot for task in ready] == list(range(1, service.wanted + 1))
    known = set(cluster.tables.services)
    assert {task.service_id for task in cluster.tables.tasks.values()} <= known
