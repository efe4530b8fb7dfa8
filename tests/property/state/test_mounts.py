"""Secrets and configs under random changes: what tasks were given stays, and in the end all have what they should."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model import commands as c
from okube.state import Tables
from okube.state.mounts import lacking, needed_by
from tests.builders import Cluster
from tests.property.state.test_replicas import act


def _check_that_nothing_is_missing(tables: Tables) -> None:
    """Whatever a task that has not ended was given is kept, and its node gets it."""
    for task in tables.tasks.values():
        if task.ended or task.mounted is msgspec.UNSET:
            continue
        for one in tables.spec_of(task).given(task.mounted):
            assert tables.secrets[one.kind, one.mount.name].at(one.version) is not None
            node = tables.nodes.get(task.node or "")
            if node is not None and node.id == task.node_id:
                assert needed_by(tables, node.name, one.kind, one.mount.name, one.version) is not None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 80))
def test_what_a_task_was_given_stays_as_long_as_it_may_need_it(seed: int, steps: int) -> None:
    rng = random.Random(seed)
    cluster = Cluster(seed)
    for _ in range(steps):
        act(cluster, rng)
        _check_that_nothing_is_missing(cluster.tables)
    assert cluster.machine.defects == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 60))
def test_once_nothing_happens_any_more_tasks_have_the_newest_values_but_for_what_is_kept(seed: int, steps: int) -> None:
    rng = random.Random(seed)
    cluster = Cluster(seed)
    for _ in range(steps):
        act(cluster, rng)
    for name in ("w1", "w2", "w3"):
        cluster.node(name, cores=2)
        cluster.apply(c.UpdateNode(name, "active"), c.SetNodeConditions(name, f"i-{name}", ()))
    cluster.settle()
    tables = cluster.tables
    for service in tables.services.values():
        running = [task for task in tables.tasks_of(service.id) if not task.ended and task.node is not None]
        assert not (running and lacking(tables, service.spec))
        for task in running:
            mounted = () if task.mounted is msgspec.UNSET else task.mounted
            given_now = tables.spec_of(task).given(mounted)
            assert len(given_now) == len(service.spec.all_mounts)
            for one in given_now:
                newest = tables.secrets[one.kind, one.mount.name].newest.version
                assert one.version == newest or one.mount.on_rotate == "keep"
