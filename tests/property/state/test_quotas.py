"""Whatever is asked for, in whatever order: what is let in stays within the quotas, and less is always let in."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model import commands as c
from okube.model.names import new_id
from okube.model.quota import QuotaKind
from okube.state import StateMachine
from okube.state.quotas import used_of
from tests.builders import Cluster, a_spec

NAMES = ("a", "b", "c")
APPS = ("shop", "bank", None)
USERS = ("alice", "bob")
OWNERS: tuple[tuple[QuotaKind, str], ...] = (("app", "shop"), ("app", "bank"), ("user", "alice"), ("user", "bob"))
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "cpus": st.integers(0, 6000),
        "memory": st.integers(0, 6).map(lambda count: count << 30),
        "tasks": st.integers(0, 6),
        "services": st.integers(0, 3),
        "gpu": st.integers(0, 4),
    },
).filter(bool)
SPECS = st.builds(
    lambda name, **fields: a_spec(name, mode="global" if name == "d" else "replicated", **fields),
    st.sampled_from([*NAMES, "d"]),
    app=st.sampled_from(APPS),
    replicas=st.integers(0, 4),
    resources=st.fixed_dictionaries(
        {}, optional={"cpus": st.sampled_from([0.5, 1.5]), "memory": st.just("1G"), "gpu": st.integers(1, 2)}
    ),
)
DOINGS = st.one_of(
    st.tuples(st.just("put"), st.lists(SPECS, min_size=1, max_size=3, unique_by=lambda spec: spec.name), st.booleans()),
    st.tuples(st.just("scale"), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 6), min_size=1, max_size=2)),
    st.tuples(st.sampled_from(["stop", "start", "restart", "rollback", "delete"]), st.sampled_from([*NAMES, "d"])),
    st.tuples(st.just("quota"), st.sampled_from(OWNERS), LIMITS),
)


def command_of(cluster: Cluster, by: str, doing: tuple[Any, ...]) -> c.Command:
    match doing:
        case "put", specs, prune:
            ids = tuple(new_id(cluster.rng) for _ in specs)
            return c.PutServices(tuple(specs), ids, "upsert", by, prune=prune)
        case "scale", counts:
            return c.ScaleServices(tuple(counts), tuple(counts.values()), by=by)
        case "delete", name:
            return c.DeleteServices((name,), by=by)
        case "quota", (kind, name), limits:
            return c.PutQuota(kind, name, limits, by=by)
        case how, name:
            return c.RefreshServices((name,), how, by=by)
    raise AssertionError(doing)


def asked_by_hand(cluster: Cluster, kind: str, name: str) -> dict[str, int]:
    """The same as ``used_of``, the long way."""
    found = {"cpus": 0, "memory": 0, "tasks": 0, "services": 0, "gpu": 0}
    for service in cluster.tables.services.values():
        if name != (service.spec.app if kind == "app" else service.created_by):
            continue
        found["services"] += 1
        slots = len(cluster.tables.nodes) if service.spec.mode == "global" else service.spec.replicas
        for _ in range(0 if service.stopped else slots):
            found["tasks"] += 1
            found["cpus"] += int(service.spec.resources.cpus * 1000)
            found["memory"] += service.spec.resources.memory
            found["gpu"] += service.spec.resources.counts.get("gpu", 0)
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(USERS), DOINGS), max_size=25))
def test_nothing_that_is_accepted_goes_beyond_a_quota(doings: list[tuple[str, tuple[Any, ...]]]) -> None:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(6))
    cluster.node("w1")
    cluster.node("w2")
    for by, doing in doings:
        before = {owner: asked_by_hand(cluster, *owner) for owner in OWNERS}
        digest = cluster.tables.digest.hex()
        (result,) = cluster.apply(command_of(cluster, by, doing))
        if isinstance(result, c.Refused):
            assert cluster.tables.digest.hex() == digest
        for owner in OWNERS:
            after = asked_by_hand(cluster, *owner)
            assert dict(used_of(cluster.tables, *owner)) == {name: amount for name, amount in after.items() if amount}
            quota = cluster.tables.quotas.get(owner)
            for name, most in quota.limits.items() if quota else ():
                assert after[name] <= max(most, before[owner][name])
    restored = StateMachine()
    restored.restore(b"".join(cluster.machine.snapshot()))
    assert all(used_of(restored.tables, *owner) == used_of(cluster.tables, *owner) for owner in OWNERS)


@settings(max_examples=100, deadline=None)
@given(st.lists(SPECS, min_size=1, max_size=3, unique_by=lambda spec: spec.name), LIMITS, st.data())
def test_less_is_always_let_in(specs: list[Any], limits: dict[str, int], data: st.DataObject) -> None:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(6))
    cluster.put(*specs)
    cluster.apply(*(c.PutQuota(kind, name, limits) for kind, name in OWNERS))
    spec = data.draw(st.sampled_from(specs))
    if spec.mode != "global":
        (result,) = cluster.apply(c.ScaleServices((spec.name,), (data.draw(st.integers(0, spec.replicas)),)))
        assert isinstance(result, c.Applied)
    assert isinstance(cluster.apply(c.DeleteServices((spec.name,)))[0], c.Applied)
