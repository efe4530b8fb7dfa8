"""Named resources under every policy: never more than is offered, and nobody waits while a node could take it."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import place, policy_of
from tests.unit.scheduler.builders import Node, a_group, a_table

NAMES = ("gpu", "licence")
COUNTS = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 6), COUNTS), min_size=1, max_size=4),
    st.sampled_from(POLICIES),
)
def test_what_is_given_out_is_there_and_what_is_refused_is_not(
    machines: list[tuple[dict[str, int], dict[str, int]]], wanted: list[tuple[int, dict[str, int]]], policy: str
) -> None:
    nodes = [Node(f"w{n}", named=there, named_used=used) for n, (there, used) in enumerate(machines)]
    groups = [a_group(count, service=f"s{n}", named=asked) for n, (count, asked) in enumerate(wanted)]
    placement = place(a_table(*nodes), groups, policy=policy_of(policy, {}))
    asked_by = {task: dict(group.named) for group in groups for task in group.tasks}
    left = {node.name: Counter({name: node.named.get(name, 0) - node.named_used.get(name, 0) for name in NAMES})
            for node in nodes}  # fmt: skip
    for done in placement.placed:
        for name, count in asked_by[done.task].items():
            assert left[done.node][name] >= count
            left[done.node][name] -= count
    refused = [task for rejection in placement.rejected for task in rejection.tasks]
    assert len(refused) + len(placement.placed) == len(asked_by)
    for task in refused:
        assert not any(all(left[node.name][name] >= count for name, count in asked_by[task].items()) for node in nodes)
