"""When a node that comes and goes gets no new work, and for how long."""

from okube.model.flapping import (
    CALM_MS,
    FIRST_HOLD_MS,
    FLAPS,
    LONGEST_HOLD_MS,
    WINDOW_MS,
    after_down,
    after_return,
    calmed,
    hold_message,
    is_common,
    released,
)
from okube.model.node import Node

START_MS = 1_800_000_000_000
NODE = Node(name="w1", id="i", address="192.0.2.1:7201")


def _flap(node: Node, times: int, *, now_ms: int = START_MS, every_ms: int = 60_000) -> tuple[Node, int]:
    for _ in range(times):
        node = after_return(after_down(node, now_ms), now_ms + 1000)
        now_ms += every_ms
    return node, now_ms - every_ms + 1000


def test_a_node_that_came_and_went_twice_is_not_held() -> None:
    node, _ = _flap(NODE, FLAPS - 1)
    assert not node.held_until_ms
    assert node.takes_tasks


def test_the_third_time_within_ten_minutes_it_is_held_for_two_minutes_and_says_so() -> None:
    node, now_ms = _flap(NODE, FLAPS)
    assert node.held_until_ms == now_ms + FIRST_HOLD_MS
    assert not node.takes_tasks
    assert hold_message(node) == "came and went 3 times in 10 min, no new tasks until 08:04:01 UTC"


def test_three_times_over_a_longer_time_are_nothing() -> None:
    node, _ = _flap(NODE, 20, every_ms=WINDOW_MS // 2)
    assert not node.held_until_ms


def test_each_further_return_doubles_the_hold_up_to_half_an_hour() -> None:
    node, now_ms = _flap(NODE, FLAPS)
    holds = []
    for _ in range(6):
        node, now_ms = _flap(released(node), 1, now_ms=now_ms + 1000)
        holds.append(node.held_until_ms - now_ms)
    assert holds == [FIRST_HOLD_MS * 2, FIRST_HOLD_MS * 4, FIRST_HOLD_MS * 8, *[LONGEST_HOLD_MS] * 3]


def test_after_a_calm_hour_it_begins_anew() -> None:
    node, now_ms = _flap(NODE, FLAPS + 2)
    node, now_ms = _flap(released(node), FLAPS, now_ms=now_ms + CALM_MS + 60_000)
    assert node.held_until_ms == now_ms + FIRST_HOLD_MS


def test_what_is_remembered_is_bounded() -> None:
    node, _ = _flap(NODE, 1000, every_ms=2000)
    assert len(node.downs_ms) == FLAPS


def test_uncordon_lifts_the_hold_and_forgets() -> None:
    node, now_ms = _flap(NODE, FLAPS)
    node, _ = _flap(calmed(node), FLAPS - 1, now_ms=now_ms)
    assert node.takes_tasks


def test_going_down_together_with_many_others_does_not_count() -> None:
    node = NODE
    for number in range(10):
        now_ms = START_MS + number * 10_000
        node = after_return(after_down(node, now_ms), now_ms + 1000, common=True)
    assert node.takes_tasks
    assert node.returned_ms == now_ms + 1000


def test_many_are_more_than_one_and_a_third_of_the_nodes() -> None:
    assert [is_common(n, 6) for n in range(1, 4)] == [False, True, True]
    assert not is_common(1, 1)
