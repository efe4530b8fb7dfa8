"""Named countable resources, such as GPUs, are placed like memory."""

import pytest

from okube.model.scheduling import POLICIES
from okube.scheduler import TaskGroup, place, policy_of, survey
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.preemption import Holder, Room, find_room
from tests.unit.scheduler.builders import Node, a_group, a_table


def where(*groups: TaskGroup, nodes: tuple[Node, ...]) -> dict[str, str]:
    return {task.task: task.node for task in place(a_table(*nodes), list(groups)).placed}


def why(group: TaskGroup, *nodes: Node) -> str:
    (rejection,) = place(a_table(*nodes), [group]).rejected
    return rejection.message


def found(ledger: Ledger, demand: Demand, holders: dict[int, list[Holder]]) -> Room | None:
    work = find_room(ledger, demand, holders, 10)
    while True:
        try:
            next(work)
        except StopIteration as done:
            room: Room | None = done.value
            return room


def test_a_task_goes_where_enough_of_a_named_resource_is_free() -> None:
    nodes = (Node("w1"), Node("w2", named={"gpu": 2}, named_used={"gpu": 1}), Node("w3", named={"gpu": 2}))
    assert where(a_group(named={"gpu": 2}), nodes=nodes) == {"web.1": "w3"}


def test_what_one_task_takes_the_next_does_not_find() -> None:
    nodes = (Node("w1", named={"gpu": 3}), Node("w2", named={"gpu": 1}))
    placement = place(a_table(*nodes), [a_group(3, named={"gpu": 1}), a_group(3, service="ml", named={"gpu": 1})])
    assert len(placement.placed) == 4
    (rejection,) = placement.rejected
    assert rejection.message == "no node fits: 2 nodes: gpu 1 asked, none free"


def test_who_asks_for_none_may_go_anywhere() -> None:
    nodes = (Node("w1", named={"gpu": 1}, named_used={"gpu": 1}),)
    assert where(a_group(), nodes=nodes) == {"web.1": "w1"}


def test_nodes_that_are_full_that_have_too_few_and_that_have_none_are_told_apart() -> None:
    message = why(
        a_group(named={"gpu": 2}),
        Node("w1", named={"gpu": 2}, named_used={"gpu": 1}),
        Node("w2", named={"gpu": 4}, named_used={"gpu": 4}),
        Node("w3", named={"gpu": 1}),
        Node("w4"),
    )
    assert message == (
        "no node fits: 2 nodes: gpu 2 asked, the largest of these has 1; 2 nodes: gpu 2 asked, 1 free at most"
    )
    assert why(a_group(named={"gpu": 1}), Node("w1"), Node("w2"), Node("w3", named={"gpu": 1}, ready=False)) == (
        "no node fits: 2 nodes: gpu 1 asked, they have none; 1 node: down"
    )


def test_a_resource_that_no_node_offers_is_said_so() -> None:
    assert why(a_group(named={"licence": 1}), Node("w1", named={"gpu": 1}), Node("w2")) == (
        "no node fits: 2 nodes: licence 1 asked, no node offers any"
    )


def test_several_named_resources_must_all_be_there() -> None:
    nodes = (
        Node("w1", named={"gpu": 1}),
        Node("w2", named={"licence": 1}),
        Node("w3", named={"gpu": 1, "licence": 1}),
    )
    assert where(a_group(named={"gpu": 1, "licence": 1}), nodes=nodes) == {"web.1": "w3"}


def test_a_named_resource_counts_as_load_only_for_who_asks_for_it() -> None:
    nodes = (Node("w1", named={"gpu": 4}, named_used={"gpu": 3}), Node("w2", cores_used=1, named={"gpu": 4}))
    assert where(a_group(cpus=1), nodes=nodes) == {"web.1": "w1"}
    assert where(a_group(cpus=1, named={"gpu": 1}), nodes=nodes) == {"web.1": "w2"}
    placed = place(a_table(*nodes), [a_group(cpus=1, named={"gpu": 1})]).placed[0]
    assert "cpu 50 %" in placed.why


def test_a_node_that_holds_more_than_it_offers_gets_nothing_and_frees_nothing() -> None:
    message = why(a_group(named={"gpu": 1}), Node("w1", named={"gpu": 2}, named_used={"gpu": 5}))
    assert message == "no node fits: 1 node: gpu 1 asked, none free"


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_gives_out_more_than_there_is(policy: str) -> None:
    nodes = (Node("w1", named={"gpu": 2}), Node("w2", named={"gpu": 1}), Node("w3"))
    placement = place(a_table(*nodes), [a_group(9, cpus=0.1, named={"gpu": 1})], policy=policy_of(policy, {}))
    assert sorted(task.node for task in placement.placed) == ["w1", "w1", "w2"]


def test_the_survey_says_which_nodes_lack_it() -> None:
    seen = survey(a_table(Node("w1"), Node("w2", named={"gpu": 1})), a_group(named={"gpu": 1}))
    assert [(one.filter, one.nodes, one.reason) for one in seen.fallen] == [
        ("resources", 1, "gpu 1 asked, the node has none")
    ]


def test_a_task_of_higher_priority_takes_the_gpu_of_a_lower_one() -> None:
    ledger = Ledger(a_table(Node("w1", named={"gpu": 1}, named_used={"gpu": 1}), Node("w2")), (30000, 30100))
    group = a_group(named={"gpu": 1})
    demand = Demand.of(group, ledger.named)
    ledger.begin(group)
    other = Holder("idle.1", 0, (0, 0, 0, 0))
    holds = Holder("train.1", 0, (0, 0, 0, 1))
    room = found(ledger, demand, {0: [other, holds]})
    assert room is not None
    assert (room.row, [victim.task for victim in room.victims]) == (0, ["train.1"])


def test_nobody_gives_way_for_what_no_node_offers() -> None:
    ledger = Ledger(a_table(Node("w1")), (30000, 30100))
    group = a_group(named={"gpu": 1})
    demand = Demand.of(group, ledger.named)
    ledger.begin(group)
    assert found(ledger, demand, {0: [Holder("idle.1", 0, (0, 0, 0))]}) is None


def test_an_amount_beyond_counting_is_refused() -> None:
    with pytest.raises(ValueError, match="asks for gpu"):
        a_group(named={"gpu": -1})
